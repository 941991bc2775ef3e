"""The served model for REST and gRPC: its version, its limits, and whether it is ready."""

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
"""The names of the server and of the model's platform in the metadata."""

ANSWER_SECONDS = 60
"""How long a request may wait for its ages: as long as KServe's gateway waits."""


@dataclass(frozen=True)
class _Loaded:
    version: str
    batches: MicroBatches


class Inference:
    """Answers the requests of any number of threads."""

    def __init__(
        self, model_name: str, limits: Limits, batching: Batching, metrics: ServingMetrics
    ) -> None:
        """Start without a model.

        Args:
            model_name: the model's name in requests.
            limits: the limits of a request.
            batching: how the model is called.
            metrics: the metrics to update.
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
        """Whether the model is loaded and the server is not stopping."""
        return self._loaded is not None and not self._stopping

    def serve(self, served: ServedModel) -> None:
        """Become ready after the model has predicted the age of a test photo.

        Raises:
            RunError: the model failed.
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
            raise RunError(f"the model fails on a test photo: {refused.sentence}") from refused
        self.metrics.model(self.model_name, served.version)
        self._loaded = _Loaded(served.version, batches)

    def stop(self, seconds: float) -> None:
        """Refuse new requests, and wait for those in progress, at most for this many seconds."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: not self._running, seconds)

    def version(self, name: str, version: str = "") -> str:
        """Return the version that is served.

        Args:
            name: the requested model.
            version: the requested version; empty for any version.

        Raises:
            InferenceRefused: another model or version was requested, or no model is loaded yet.
        """
        if name != self.model_name:
            sentence = f"unknown model; this server has the model {self.model_name}"
            raise InferenceRefused(Problem.NOT_FOUND, sentence)
        if self._loaded is None:
            raise InferenceRefused(Problem.NOT_READY, "the model is being loaded")
        if version not in ("", self._loaded.version):
            raise InferenceRefused(
                Problem.NOT_FOUND,
                f"unknown version; this server has version {self._loaded.version} of {name}",
            )
        return self._loaded.version

    @contextlib.contextmanager
    def admitted(self) -> Iterator[None]:
        """Admit a request before its photos are read.

        Raises:
            InferenceRefused: too many requests are in progress, or the server is stopping.
        """
        with self._changed:
            if self._stopping:
                raise InferenceRefused(Problem.NOT_READY, "the server is stopping")
            if self._running >= self.limits.requests:
                raise InferenceRefused(
                    Problem.BUSY, f"{self._running} requests are in progress; try again later"
                )
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def answers(self, photos: Sequence[bytes]) -> list[Answer]:
        """Return the answers for photos, in their order.

        Raises:
            InferenceRefused: the model fails or is too slow.
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
