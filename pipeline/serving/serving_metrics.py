"""The metrics for Prometheus; no metric or label names a caller or a photo."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    exposition,
)

from .inference_request import Answer

CONTENT_TYPE = exposition.CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PHOTOS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass
class Outcome:
    """How a request ended: an HTTP status code, or the name of a gRPC status."""

    code: str = "unknown"


class ServingMetrics:
    """The counters of one server."""

    def __init__(self) -> None:
        """Start all counters at zero."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "customer_age_requests",
            "Requests to infer that were answered, by protocol and status.",
            ["protocol", "code"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "customer_age_request_seconds",
            "From a request's header to its answer.",
            ["protocol"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._running = Gauge(
            "customer_age_requests_running",
            "Requests that are being answered.",
            registry=self._registry,
        )
        self._photos = Counter(
            "customer_age_photos",
            "Photos that got an age or a reason.",
            registry=self._registry,
        )
        self._refused = Counter(
            "customer_age_refused_photos",
            "Photos without an age, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self._batches = Histogram(
            "customer_age_batch_photos",
            "Photos in a call of the model.",
            buckets=_PHOTOS,
            registry=self._registry,
        )
        self._model = Gauge(
            "customer_age_model",
            "1 for the model that is served, once it is ready.",
            ["name", "version"],
            registry=self._registry,
        )

    @contextlib.contextmanager
    def request(self, protocol: str) -> Iterator[Outcome]:
        """Count a request and its duration; the caller sets the code of the yielded outcome."""
        outcome = Outcome()
        started = time.monotonic()
        self._running.inc()
        try:
            yield outcome
        finally:
            self._running.dec()
            self._requests.labels(protocol, outcome.code).inc()
            self._seconds.labels(protocol).observe(time.monotonic() - started)

    def answered(self, answers: Sequence[Answer]) -> None:
        """Count the photos of a request."""
        self._photos.inc(len(answers))
        for answer in answers:
            if answer.reason:
                self._refused.labels(answer.reason).inc()

    def batch(self, photos: int) -> None:
        """Count a call of the model."""
        self._batches.observe(photos)

    def model(self, name: str, version: str) -> None:
        """Record which model is served."""
        self._model.labels(name, version).set(1)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return exposition.generate_latest(self._registry)
