"""`customer-age serve`."""

from collections.abc import Callable

import click

from customer_age.errors import SettingsError

from ..prediction import model_version
from ..running import ending
from ..settings import loading
from . import options

_HELP = f"""Serve a published model over REST and gRPC, in the Open Inference Protocol (v2).

Photos are prepared as `predict` prepares them, in all its formats. Every option may also be given
by the environment: CUSTOMER_AGE_SERVE_PORT stands for --port. docs/serving.md has the requests.
{model_version.UNFIT}"""

_EXIT_CODES = """
Exit codes: 0 after SIGTERM or Ctrl-C, 1 failed, 2 wrong settings or usage.
"""

_OF_THE_EXTRA = ("prometheus_client", "starlette", "uvicorn")
"""Modules that the extra [serve] brings."""


def _number(
    name: str, default: int, most: int, text: str, least: int = 1
) -> Callable[[Callable], Callable]:
    return click.option(
        name, type=click.IntRange(least, most), default=default, show_default=True, help=text
    )


def _variable(option: click.Parameter) -> str:
    return f"CUSTOMER_AGE_SERVE_{option.opts[0].lstrip('-').replace('-', '_').upper()}"


@click.command(
    help=_HELP,
    epilog=_EXIT_CODES,
    short_help="A model behind REST and gRPC.",
)
@click.option(
    "--model",
    metavar="VERSION|FOLDER|URI",
    help="A version's number, a folder with a SavedModel (with a slash: /mnt/models, ./model), or "
    "a registry, whose champion is served. By default the champion.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_number("--port", 8080, 65535, "Of REST and /metrics; 0 takes any.", least=0)
@_number("--grpc-port", 8081, 65535, "Of gRPC; 0 takes any.", least=0)
@_number("--max-photo-bytes", 16 * 2**20, 100 * 2**20, "Of one photo's file.")
@_number("--max-photos", 64, 4096, "In a request.")
@_number("--max-request-bytes", 32 * 2**20, 2**30, "Of a request.")
@_number("--max-requests", 16, 256, "Answered at once; more get 503.")
@_number("--max-batch", 32, 1024, "Photos in a call of the model.")
@_number("--max-wait-ms", 5, 1000, "For photos of other callers that are being decoded.", least=0)
@_number("--decoders", 2, 64, "Threads that decode; one may need 640 MB for the largest photo.")
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
    """Serve; see `_HELP`."""
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
        if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        raise SettingsError("serve: install customer-age[serve]") from error
    named = None if is_registry else model
    request = ServeRequest(named, host, port, grpc_port, limits, batching)
    # At once: threads of TensorFlow's and of requests that were cut off would be waited for.
    ending.end(run(settings, request))


for _option in serve.params:  # click's own names come from Python's: `overrides` for --set
    _option.envvar = _variable(_option)
