"""What is served, whichever way a request comes: one model, its limits, and when it is ready."""

import contextlib
import io
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from PIL import Image

from customer_age.errors import RunError
from customer_age.photos.prepare import prepare_photo

from .inference_request import Answer, InferenceRefused, Limits, Problem
from .micro_batches import Batching, MicroBatches
from .served_model import ServedModel
from .serving_metrics import ServingMetrics

SERVER = "customer-age"
PLATFORM = "tensorflow_savedmodel"
"""What the metadata call the server, and what the model is."""

ANSWER_SECONDS = 60
"""How long a request may wait for its photos: as long as KServe's gateway does."""


@dataclass(frozen=True)
class _Loaded:
    version: str
    batches: MicroBatches


class Inference:
    """Answers requests of any number of threads."""

    def __init__(
        self, model_name: str, limits: Limits, batching: Batching, metrics: ServingMetrics
    ) -> None:
        """Begin without a model.

        Args:
            model_name: by which callers ask for it.
            limits: of a request.
            batching: how the model is called.
            metrics: to count with.
        """
        self.model_name = model_name
        self.limits = limits
        self.metrics = metrics
        self._batching = batching
        self._loaded: _Loaded | None = None
        self._stopping = False
        self._running = 0
        self._changed = threading.Condition()

    @property
    def ready(self) -> bool:
        """Whether a request would be answered now."""
        return self._loaded is not None and not self._stopping

    def serve(self, served: ServedModel) -> None:
        """Become ready, once the model has answered for a photo.

        Raises:
            RunError: it has not.
        """
        batches = MicroBatches(
            lambda photo: prepare_photo(photo, served.spec).encoded,
            served.model.ages,
            self._batching,
            self.metrics.batch,
        )
        try:
            _answers([batches.submit(_grey_photo(served.spec.stored_size))])
        except InferenceRefused as refused:
            raise RunError(f"the model does not answer: {refused.sentence}") from refused
        self.metrics.model(self.model_name, served.version)
        self._loaded = _Loaded(served.version, batches)

    def stop(self, seconds: float) -> None:
        """Take no more requests, and wait for those that are being answered."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: not self._running, seconds)

    def version(self, name: str, version: str = "") -> str:
        """Look up what a caller asks for.

        Args:
            name: of a model.
            version: of it; empty for whichever is served.

        Returns:
            The version that is served.

        Raises:
            InferenceRefused: another one was asked for, or none is loaded yet.
        """
        if name != self.model_name:
            raise InferenceRefused(Problem.NOT_FOUND, f"the model here is {self.model_name}")
        if self._loaded is None:
            raise InferenceRefused(Problem.NOT_READY, "the model is being loaded")
        if version not in ("", self._loaded.version):
            raise InferenceRefused(
                Problem.NOT_FOUND, f"the version of {name} here is {self._loaded.version}"
            )
        return self._loaded.version

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """Take a request in, before its photos are read.

        Raises:
            InferenceRefused: too many are being answered, or the server stops.
        """
        with self._changed:
            if self._stopping:
                raise InferenceRefused(Problem.NOT_READY, "the server is stopping")
            if self._running >= self.limits.requests:
                raise InferenceRefused(
                    Problem.BUSY, f"{self._running} requests are being answered; try again later"
                )
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def answers(self, photos: Sequence[bytes]) -> list[Answer]:
        """Answer for photos, in their order.

        Raises:
            InferenceRefused: the model fails, or takes too long.
        """
        if self._loaded is None:
            raise InferenceRefused(Problem.NOT_READY, "the model is being loaded")
        answers = _answers([self._loaded.batches.submit(photo) for photo in photos])
        self.metrics.answered(answers)
        return answers


def _answers(submitted: Sequence[Future[Answer]]) -> list[Answer]:
    until = time.monotonic() + ANSWER_SECONDS
    try:
        return [answer.result(max(0, until - time.monotonic())) for answer in submitted]
    except TimeoutError:
        sentence = f"no answer within {ANSWER_SECONDS} s"
        raise InferenceRefused(Problem.OVERDUE, sentence) from None
    except RunError as error:
        raise InferenceRefused(Problem.FAILED, str(error)) from error


def _grey_photo(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "grey").save(file, "JPEG")
    return file.getvalue()
