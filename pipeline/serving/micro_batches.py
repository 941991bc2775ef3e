"""Prepares the photos of concurrent requests in threads and combines them into batches."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from customer_age.schema.refusals import NO_AGE, PhotoRefused

from ..prediction.prediction_rows import years
from .inference_request import Answer

Prepare = Callable[[bytes], bytes]
Ages = Callable[[Sequence[bytes]], list[float]]


@dataclass(frozen=True)
class Batching:
    """How the model is called.

    Attributes:
        photos: the largest number of photos in a call of the model.
        wait_seconds: the longest wait for photos that are still being decoded; without such photos
            there is no wait.
        decoders: threads that prepare photos; each may need 640 MB for the largest photo.
    """

    photos: int = 32
    wait_seconds: float = 0.005
    decoders: int = 2


class MicroBatches:
    """Threads that prepare photos, and one thread that calls the model.

    The model's thread takes the prepared photos. It waits for more photos only while they are being
    prepared, and only briefly: a single photo does not wait at all.
    """

    def __init__(
        self,
        prepare: Prepare,
        ages: Ages,
        batching: Batching,
        observe_batch: Callable[[int], None] = lambda photos: None,
    ) -> None:
        """Start the threads.

        Args:
            prepare: converts a photo's file to the model's input; raises `PhotoRefused`.
            ages: the model; returns ages in years.
            batching: how many photos to combine, and how long to wait.
            observe_batch: called with the number of photos of each call of the model.
        """
        self._prepare = prepare
        self._ages = ages
        self._batching = batching
        self._observe_batch = observe_batch
        self._changed = threading.Condition()
        self._coming = 0
        self._prepared: deque[tuple[bytes, Future[Answer]]] = deque()
        self._closed = False
        self._decoders = ThreadPoolExecutor(batching.decoders, thread_name_prefix="decode")
        self._caller = threading.Thread(target=self._call_model, name="model", daemon=True)
        self._caller.start()

    def submit(self, photo: bytes) -> Future[Answer]:
        """Return the future answer for a photo's file; an unusable photo has a reason, no error."""
        answer: Future[Answer] = Future()
        with self._changed:
            self._coming += 1
        self._decoders.submit(self._take_in, photo, answer)
        return answer

    def close(self) -> None:
        """End the threads; waiting photos get no answer."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def _take_in(self, photo: bytes, answer: Future[Answer]) -> None:
        prepared = None
        try:
            prepared = self._prepare(photo)
        except PhotoRefused as refused:
            answer.set_result(Answer(NO_AGE, str(refused.reason)))
        except Exception as error:
            answer.set_exception(error)
        with self._changed:
            self._coming -= 1
            if prepared is not None:
                self._prepared.append((prepared, answer))
            self._changed.notify()

    def _call_model(self) -> None:
        while batch := self._next_batch():
            try:
                ages = self._ages([photo for photo, _ in batch])
                answered = list(zip(batch, map(years, ages), strict=True))
            except Exception as error:  # only this batch fails: the next may succeed
                for _, answer in batch:
                    answer.set_exception(error)
            else:
                for (_, answer), age in answered:
                    answer.set_result(Answer(age))

    def _next_batch(self) -> list[tuple[bytes, Future[Answer]]]:
        """Wait for photos and return them; return an empty list after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._prepared or self._closed)
            until = time.monotonic() + self._batching.wait_seconds
            while self._coming and len(self._prepared) < self._batching.photos:
                left = until - time.monotonic()
                if left <= 0 or self._closed:
                    break
                self._changed.wait(left)
            number = 0 if self._closed else min(len(self._prepared), self._batching.photos)
            batch = [self._prepared.popleft() for _ in range(number)]
        if batch:
            self._observe_batch(len(batch))
        return batch
