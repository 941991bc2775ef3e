"""`customer-age serve`."""

from collections.abc import Callable

import click

from customer_age.errors import SettingsError

from ..prediction import model_version
from ..running import ending
from ..settings import loading
from . import options

_HELP = f"""Serve a published model over REST and gRPC, in the Open Inference Protocol (v2).

Reads the same photo formats as `predict`, and prepares photos the same way. Each option also has an
environment variable, for example CUSTOMER_AGE_SERVE_PORT for --port. See docs/serving.md.
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 after SIGTERM or Ctrl-C, 1 failed, 2 wrong settings or usage.
"""

_EXTRA_MODULES = ("prometheus_client", "starlette", "uvicorn")
"""Modules that the extra [serve] installs."""


def _number(
    name: str, default: int, most: int, text: str, least: int = 1
) -> Callable[[Callable], Callable]:
    return click.option(
        name,
        type=click.IntRange(least, most),
        metavar="N",
        default=default,
        show_default=True,
        help=text,
    )


def _variable(option: click.Parameter) -> str:
    return f"CUSTOMER_AGE_SERVE_{option.opts[0].lstrip('-').replace('-', '_').upper()}"


@click.command(
    help=_HELP,
    epilog=_EXIT_CODES,
    short_help="Serve a model over REST and gRPC.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="Version number, SavedModel folder (written with a slash: ./model), or registry URI (its "
    "champion is served).  [default: the champion]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_number("--port", 8080, 65535, "Port of REST and /metrics; 0 for any.", least=0)
@_number("--grpc-port", 8081, 65535, "Port of gRPC; 0 for any.", least=0)
@_number("--max-photo-bytes", 16 * 2**20, 100 * 2**20, "Largest photo file.")
@_number("--max-photos", 64, 4096, "Most photos in a request.")
@_number("--max-request-bytes", 32 * 2**20, 2**30, "Largest request.")
@_number("--max-requests", 16, 256, "Most concurrent requests; more get 503.")
@_number("--max-batch", 32, 1024, "Most photos in one model call.")
@_number("--max-wait-ms", 5, 1000, "Wait for other requests' photos to be decoded.", least=0)
@_number("--decoders", 2, 64, "Threads that decode photos; each may need 640 MB.")
@options.settings
def serve(
    model: str | None,
    host: str,
    port: int,
    grpc_port: int,
    max_photo_bytes: int,
    max_photos: int,
    max_request_bytes: int,
    max_requests: int,
    max_batch: int,
    max_wait_ms: int,
    decoders: int,
    work_dir: str | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Serve a model; `_HELP` is the help text."""
    is_registry = model is not None and "://" in model
    settings = loading.load(
        config, overrides, work_dir=work_dir, registry__uri=model if is_registry else None
    )
    from ..serving.inference_request import Limits
    from ..serving.micro_batches import Batching

    limits = Limits(max_photo_bytes, max_photos, max_request_bytes, max_requests)
    batching = Batching(max_batch, max_wait_ms / 1000, decoders)
    try:
        from ..serving.serve import ServeRequest, run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA_MODULES:
            raise
        raise SettingsError("serve: install customer-age[serve]") from error
    named = None if is_registry else model
    request = ServeRequest(named, host, port, grpc_port, limits, batching)
    # Exit at once, without waiting for threads of TensorFlow and of requests that were cut off.
    ending.end(run(settings, request))


for _option in serve.params:  # click would use the Python names: `overrides` for --set
    _option.envvar = _variable(_option)
