"""`customer-age serve`: the ports first, then the model, and an orderly end."""

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
"""For what is being answered when SIGTERM comes: a second before the five that are promised."""


@dataclass(frozen=True)
class ServeRequest:
    """What the command line says besides the settings.

    Attributes:
        model: a version or a folder; None for the champion.
        host: address to listen on.
        port: of REST.
        grpc_port: of gRPC.
        limits: of a request.
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
        SettingsError: a port is not free, or there is no such folder.
        RunError: there is no such version, or the registry or the model fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    log.quiet_libraries()
    log_no_requests()
    warnings.filterwarnings("ignore", module="PIL")  # of photos, whose answers say what is wrong
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
    except KeyboardInterrupt:  # SIGTERM too: see running.interruption
        interruption.leave_to_main_thread(GRACE_SECONDS + 0.9)
        _stop(inference, http, grpc)
    return 0


def _loaded(settings: Settings, named: str | None, inference: Inference) -> Future[str]:
    """Load the model in a thread of its own, so that a signal need not wait for TensorFlow."""
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
    """Take nothing new, finish what runs."""
    click.echo("stopping: what is being answered is finished", err=True)
    until = time.monotonic() + GRACE_SECONDS
    http.stop()
    grpc.stop(GRACE_SECONDS)
    inference.stop(GRACE_SECONDS)
    for listener in (http, grpc):
        listener.wait(max(0.0, until - time.monotonic()))
    for child in multiprocessing.active_children():  # a registry that is still being asked
        child.terminate()
