"""`customer-age compile`."""

import os
from pathlib import Path

import click

from customer_age.errors import SettingsError
from customer_age.files import store
from customer_age.pipeline.cli import options
from customer_age.pipeline.running import log
from customer_age.pipeline.settings import loading

from ..compiling import target_support


@click.command(name="compile", short_help="Compile the pipeline for Kubeflow or Vertex AI.")
@click.option(
    "--target",
    type=click.Choice(target_support.TARGETS),
    required=True,
    help="Service that will run the pipeline.",
)
@click.option(
    "--pipeline",
    type=click.Choice(target_support.PIPELINES),
    default="run",
    show_default=True,
    help="Which pipeline: a run, or the search of `customer-age tune`.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: pipeline.yaml for Kubeflow, pipeline.json for Vertex AI]",
)
@options.config
def compile_pipeline(
    target: target_support.Target,
    pipeline: target_support.Pipeline,
    output: Path | None,
    config: str,
    overrides: tuple[str, ...],
) -> None:
    """Compile the pipeline to YAML for Kubeflow Pipelines or to JSON for Vertex AI Pipelines.

    Needs no network and no credentials. The same settings give the same bytes. The pipeline's
    inputs (run parameters) can still be changed for each run.
    """
    settings = loading.load(config, overrides)
    target_support.check(settings, target, pipeline)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # nothing is computed here
    log.quiet_libraries()
    with log.kept_to_log_level():
        from ..compiling import compiler

    if target == "kubeflow":
        output = output or Path("pipeline.yaml")
        content = compiler.compile_kubeflow(settings, pipeline)
    else:
        output = output or Path("pipeline.json")
        content = compiler.compile_vertex(settings, pipeline)
    try:
        store.write_whole(str(output), content.encode())
    except OSError as error:
        raise SettingsError(f"--output {output}: cannot be written: {error.strerror}") from error
    click.echo(f"{output}: {len(content) / 1000:.0f} kB for {target}")
