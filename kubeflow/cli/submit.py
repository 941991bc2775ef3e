"""`customer-age submit`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from customer_age.pipeline.cli import options
from customer_age.pipeline.cli.target_options import TargetCommand
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

from ..compiling.target_support import Target
from .cluster_options import KUBEFLOW, VERTEX, KubeflowPlugin, VertexPlugin

if TYPE_CHECKING:
    from ..submission.runs import Runs

_EXIT_CODES = """
Exit codes: 0 started, or with --wait published; 1 failed; 2 wrong settings or usage. With --wait
also: 3 the gate or the canary refused the model; 4 the data were refused.
"""


_TARGETS: Mapping[Target, KubeflowPlugin | VertexPlugin] = {"kubeflow": KUBEFLOW, "vertex": VERTEX}


@click.command(
    cls=TargetCommand,
    targets=lambda: _TARGETS,
    epilog=_EXIT_CODES,
    short_help="Start a run on Kubeflow or Vertex AI.",
)
@click.option(
    "--run-id",
    default="",
    metavar="ID",
    help="Id of the run.  [default: derived from settings, data and code]",
)
@click.option(
    "--run-name", default="", metavar="NAME", help="Name of the run on the service's pages."
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A run parameter, as in --param epochs=3; may be repeated.",
)
@click.option(
    "--cache/--no-cache",
    default=True,
    help="Whether tasks reuse the cached results of earlier runs.  [default: cache]",
)
@click.option(
    "--wait", is_flag=True, help="Wait until the run has ended, and print a line for each change."
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--data", metavar="DIR", help="Folder in a bucket with a label table and photos.")
@options.config
def submit(
    target: Target,
    run_id: str,
    run_name: str,
    parameters: tuple[str, ...],
    cache: bool,
    wait: bool,
    dry_run: bool,
    data: str | None,
    config: str,
    overrides: tuple[str, ...],
    **target_values: Any,
) -> None:
    """Compile the pipeline and start a run of it on Kubeflow Pipelines or Vertex AI Pipelines.

    There is one run for each run id: submitting an id again starts nothing, and shows the run
    that already exists.
    """
    settings = loading.load(config, overrides, data__path=data)
    endpoint = _TARGETS[target].endpoint(settings, target_values)
    from ..submission import start
    from ..submission.dry_run import caching, lines
    from ..submission.plan import plan, read_parameters
    from ..submission.targets import runs_at

    planned = plan(settings, target, run_id, run_name, read_parameters(parameters), cache)
    if dry_run:
        for line in lines(planned, endpoint.shown(), start.compiled(planned, target)):
            click.echo(line)
        click.echo("Nothing was sent: --dry-run.")
        return
    click.echo(f"run id: {planned.run_id}")  # first: it is needed if a later step fails
    click.echo(f"cache:  {caching(planned)}")
    runs = runs_at(endpoint)
    run, started = start.start(planned, target, runs)
    if started:
        click.echo(f"started: {run.link}")
    else:
        click.echo(f"already exists, {run.state}: {run.link}")
        click.echo("Nothing was started. Use another --run-id to start another run.")
    if wait:
        _follow(runs, run.run_id, settings)


def _follow(runs: "Runs", run_id: str, settings: Settings) -> None:
    from ..submission.outcomes import outcome
    from ..submission.wait import wait

    ended = outcome(wait(runs, run_id, click.echo), settings)
    click.echo(ended.sentence, err=ended.exit_code != 0)
    sys.exit(ended.exit_code)
