"""Checks that import: TFX's components, TensorFlow's GPUs, Beam's runner."""

import importlib
import pkgutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from customer_age import components

from ..settings.settings import Settings
from .finding import Finding, absent, bad, good

TFX_MODULES = (
    "tfx.components.statistics_gen.component",
    "tfx.components.statistics_gen.executor",
    "tfx.components.example_validator.component",
    "tfx.components.example_validator.executor",
    "tfx.components.trainer.component",
    "tfx.components.trainer.executor",
    "tfx.components.evaluator.component",
    "tfx.components.evaluator.executor",
    "tfx.components.pusher.executor",
    "tfx.orchestration.local.local_dag_runner",
    "ml_metadata.metadata_store",
)
"""The modules of TFX that the graph and its runner use. `tfx.v1` hides import errors: since TFX
1.21 a component that cannot be imported is None there."""

_CONNECT_SECONDS = 5


def tfx_components(settings: Settings) -> Iterator[Finding]:
    """Check that the TFX components in the graph, and our own, can be imported."""
    del settings
    modules = pkgutil.walk_packages(components.__path__, f"{components.__name__}.")
    ours = [each.name for each in modules]
    failed = []
    for module in (*TFX_MODULES, *ours):
        try:
            importlib.import_module(module)
        except Exception as error:  # a broken installation raises anything
            failed.append(f"{module} ({type(error).__name__}: {error})")
    if failed:
        yield bad(
            "TFX components",
            f"{len(failed)} cannot be imported: {'; '.join(failed)[:500]}",
            "install the locked versions: make clean setup",
        )
    else:
        yield good(
            "TFX components", f"{len(TFX_MODULES)} modules of TFX, {len(ours)} of customer-age"
        )


def gpu(settings: Settings) -> Iterator[Finding]:
    """Show the device that TensorFlow trains on."""
    del settings
    import tensorflow as tf

    from customer_age.components.trainer.devices import find_device

    device = find_device().name
    if tf.config.list_physical_devices("GPU"):
        yield good("GPU", device)
    elif Path("/proc/driver/nvidia/version").exists():
        yield absent(
            "GPU",
            f"the machine has one, but TensorFlow does not detect it: it trains on {device}",
            "install the CUDA libraries: pip install 'customer-age[gpu]'",
        )
    else:
        yield absent("GPU", f"no GPU: TensorFlow trains on {device}")


def beam_runner(settings: Settings) -> Iterator[Finding]:
    """Check Beam's runner: the local one must count, another one must answer."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners import create_runner

    from customer_age.components.beam_runners import RUNNER

    from ..graph.beam_options import beam_args

    arguments = beam_args(settings)
    options = PipelineOptions(arguments)
    name = options.view_as(StandardOptions).runner
    if name == RUNNER:
        with beam.Pipeline(options=options) as pipeline:
            counted = pipeline | beam.Create([1, 2, 3]) | beam.combiners.Count.Globally()
            counted | beam.Map(_require_three)
        yield good("Beam runner", name.rpartition(".")[2])
        return
    advice = "check the setting beam.args"
    wrong = PipelineOptionsValidator(options, create_runner(name)).validate()
    addresses = [address for address in map(_address, arguments) if address]
    wrong += [unreachable for unreachable in map(_unreachable, addresses) if unreachable]
    if wrong:
        yield bad("Beam runner", f"{name}: {'; '.join(wrong)}", advice)
    else:
        yield good(
            "Beam runner",
            ", ".join([name.rpartition(".")[2], *(f"{each} answers" for each in addresses)]),
        )


def _require_three(count: int) -> None:
    if count != 3:
        raise ValueError(f"Beam counted {count} of 3 elements")


def _address(argument: str) -> str:
    """Return the host and port of the runner in a Beam option, or an empty text."""
    name, _, value = argument.partition("=")
    if name not in ("--job_endpoint", "--flink_master", "--spark_master_url"):
        return ""
    return urlsplit(value if "://" in value else f"//{value}").netloc


def _unreachable(address: str) -> str:
    parts = urlsplit(f"//{address}")
    try:
        socket.create_connection((parts.hostname, parts.port or 80), _CONNECT_SECONDS).close()
    except OSError as error:
        return f"{address} does not answer ({error})"
    return ""
