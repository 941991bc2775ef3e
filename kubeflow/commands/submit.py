"""`customer-age submit`."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from customer_age.kubeflow import preflight
from customer_age.pipeline import settings as settings_files
from customer_age.pipeline.commands import options
from customer_age.pipeline.settings import Settings

if TYPE_CHECKING:
    from customer_age.kubeflow.submitting.runs import Runs

_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "kubeflow": ("host", "namespace", "experiment"),
    "vertex": ("project", "region", "network", "labels"),
}

_EXIT_CODES = """
Exit codes: 0 started, or with --wait published; 1 failed, 2 wrong settings or usage, and with
--wait: 3 the gate or the canary refused the model, 4 the data were refused.
"""

_WHERE = (
    click.option("--target", type=click.Choice(preflight.TARGETS), required=True),
    click.option(
        "--host",
        envvar="KF_PIPELINES_ENDPOINT",
        metavar="URL",
        help="Kubeflow: of the API; else KF_PIPELINES_ENDPOINT says it.",
    ),
    click.option(
        "--namespace", default="", help="Kubeflow: the user's, where there are several users."
    ),
    click.option("--experiment", default="", help="Kubeflow: by default the pipeline's name."),
    click.option(
        "--project",
        envvar="GOOGLE_CLOUD_PROJECT",
        default="",
        help="Vertex AI: else GOOGLE_CLOUD_PROJECT says it.",
    ),
    click.option(
        "--region",
        envvar="GOOGLE_CLOUD_REGION",
        default="",
        help="Vertex AI: such as europe-west4; else GOOGLE_CLOUD_REGION says it.",
    ),
    click.option("--network", default="", help="Vertex AI: projects/NUMBER/global/networks/NAME."),
    click.option(
        "--label", "labels", multiple=True, metavar="KEY=VALUE", help="Vertex AI: of the job."
    ),
    click.option(
        "--service-account", default="", metavar="NAME", help="As which the components run."
    ),
)


def _where(command: Any) -> Any:
    for option in reversed(_WHERE):
        command = option(command)
    return command


@click.command(epilog=_EXIT_CODES, short_help="Start a run on Kubeflow or Vertex AI.")
@_where
@click.option("--run-id", default="", metavar="ID", help="By default derived from data and code.")
@click.option("--run-name", default="", metavar="NAME", help="What the service's pages call it.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A run parameter, as in --param epochs=3; may be repeated.",
)
@click.option("--cache/--no-cache", default=True, help="Whether to take what was done before.")
@click.option("--wait", is_flag=True, help="Until the run has ended; a line for each change.")
@click.option("--dry-run", is_flag=True, help="Only show what would be sent.")
@click.option("--data", metavar="DIR", help="Folder in a bucket with a label table and photos.")
@options.config
@click.pass_context
def submit(
    context: click.Context,
    target: preflight.Target,
    run_id: str,
    run_name: str,
    parameters: tuple[str, ...],
    cache: bool,
    wait: bool,
    dry_run: bool,
    data: str | None,
    config: str,
    overrides: tuple[str, ...],
    **where: Any,
) -> None:
    """Compile the pipeline and start a run of it on Kubeflow Pipelines or Vertex AI Pipelines.

    A run id is one run: submitting it again starts nothing, and shows the run that is there.
    """
    from customer_age.kubeflow.submitting.plan import plan, read_parameters

    _check_usage(context, target)
    settings = settings_files.load(config, overrides, data__path=data)
    given = read_parameters(parameters)
    runs, place = _runs(target, settings, **where)
    planned = plan(settings, target, run_id, run_name, given, cache)
    from customer_age.kubeflow.submitting import dry_run as dry_runs
    from customer_age.kubeflow.submitting import starting

    if dry_run:
        for line in dry_runs.lines(planned, place, starting.compiled(planned, target)):
            click.echo(line)
        click.echo("Nothing was sent: --dry-run.")
        return
    click.echo(f"cache: {dry_runs.caching(planned)}")
    run, started = starting.start(planned, target, runs)
    if started:
        click.echo(f"run {run.run_id}: started")
    else:
        click.echo(
            f"run {run.run_id}: is there already, {run.state}; nothing was started. "
            "Another --run-id makes it another run"
        )
    click.echo(run.link)
    if wait:
        _follow(runs, run.run_id, settings)


def _check_usage(context: click.Context, target: str) -> None:
    for other, names in _ONLY_FOR.items():
        for name in names:
            given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
            if other != target and given:
                option = f"--{name.removesuffix('s') if name == 'labels' else name}"
                raise click.UsageError(f"{option} is for --target {other}")


def _runs(
    target: str,
    settings: Settings,
    host: str | None,
    namespace: str,
    experiment: str,
    project: str,
    region: str,
    network: str,
    labels: tuple[str, ...],
    service_account: str,
) -> "tuple[Runs, Mapping[str, str]]":
    """Where runs are started, and the same for a person to read; nothing is asked yet."""
    if target == "kubeflow":
        from customer_age.kubeflow.submitting.kubeflow_place import KubeflowPlace
        from customer_age.kubeflow.submitting.kubeflow_runs import KubeflowRuns

        place = KubeflowPlace.of(host, experiment or settings.name, namespace, service_account)
        return KubeflowRuns(place), place.shown()
    from customer_age.kubeflow.submitting import vertex_place
    from customer_age.kubeflow.submitting.vertex_runs import VertexRuns

    on_vertex = vertex_place.VertexPlace(
        project, region, service_account, network, vertex_place.labels(labels)
    )
    return VertexRuns(on_vertex), on_vertex.shown()


def _follow(runs: "Runs", run_id: str, settings: Settings) -> None:
    from customer_age.kubeflow.outcomes import outcome
    from customer_age.kubeflow.submitting.waiting import wait

    ended = outcome(wait(runs, run_id, click.echo), settings)
    click.echo(ended.sentence, err=ended.exit_code != 0)
    sys.exit(ended.exit_code)
