"""Runs `customer-age serve`: opens the ports, loads the model, and stops cleanly."""

import multiprocessing
import os
import threading
import time
import warnings
from concurrent.futures import Future
from dataclasses import dataclass

import click

from ..running import interruption, log
from ..settings.settings import Settings
from . import rest, served_model
from .inference import Inference
from .inference_request import Limits
from .listeners import GrpcListener, RestListener, log_no_requests
from .micro_batches import Batching
from .serving_metrics import ServingMetrics

GRACE_SECONDS = 4.0
"""How long requests in progress may take after SIGTERM: a second less than the documented five."""


@dataclass(frozen=True)
class ServeRequest:
    """The arguments of the command line, without the settings.

    Attributes:
        model: a version or a folder; None for the champion.
        host: the address to listen on.
        port: the port of REST.
        grpc_port: the port of gRPC.
        limits: the limits of a request.
        batching: how the model is called.
    """

    model: str | None
    host: str
    port: int
    grpc_port: int
    limits: Limits
    batching: Batching


def run(settings: Settings, request: ServeRequest) -> int:
    """Serve a model until SIGTERM or Ctrl-C.

    Returns:
        The exit code 0.

    Raises:
        SettingsError: a port is not free, or the folder does not exist.
        RunError: the version does not exist, or the registry or the model fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    log.quiet_libraries()
    log_no_requests()
    warnings.filterwarnings("ignore", module="PIL")  # the answers report bad photos
    inference = Inference(
        settings.registry.model_name, request.limits, request.batching, ServingMetrics()
    )
    app = rest.application(inference)
    http = RestListener(app, request.host, request.port, GRACE_SECONDS)
    grpc = GrpcListener(inference, request.host, request.grpc_port)
    http.start()
    grpc.start()
    click.echo(f"REST on port {http.port}, gRPC on port {grpc.port}: loading the model", err=True)
    try:
        version = _loaded(settings, request.model, inference).result()
        click.echo(f"{inference.model_name}, version {version}: ready", err=True)
        threading.Event().wait()
    except KeyboardInterrupt:  # also SIGTERM: see running.interruption
        interruption.leave_to_main_thread(GRACE_SECONDS + 0.9)
        _stop(inference, http, grpc)
    return 0


def _loaded(settings: Settings, named: str | None, inference: Inference) -> Future[str]:
    """Load the model in a separate thread, so that a signal need not wait for TensorFlow."""
    version: Future[str] = Future()

    def load() -> None:
        try:
            served = served_model.load(settings, named)
            inference.serve(served)
            version.set_result(served.version)
        except BaseException as error:
            version.set_exception(error)

    threading.Thread(target=load, name="load", daemon=True).start()
    return version


def _stop(inference: Inference, http: RestListener, grpc: GrpcListener) -> None:
    """Refuse new requests, and finish those in progress."""
    click.echo("stopping: requests in progress are finished first", err=True)
    until = time.monotonic() + GRACE_SECONDS
    http.stop()
    grpc.stop(GRACE_SECONDS)
    inference.stop(GRACE_SECONDS)
    for listener in (http, grpc):
        listener.wait(max(0.0, until - time.monotonic()))
    for child in multiprocessing.active_children():  # may still be fetching from the registry
        child.terminate()
