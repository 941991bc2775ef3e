"""Where a run runs on a cluster: the options that several verbs take for it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from customer_age.pipeline.settings.settings import Settings

from ..compiling import target_support

if TYPE_CHECKING:
    from ..submission.kfp.endpoint import KubeflowPlace
    from ..submission.vertex_ai.location import VertexPlace

_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "kubeflow": ("host", "namespace", "experiment"),
    "vertex": ("project", "region", "network", "label"),
}

_OPTIONS = (
    click.option(
        "--host",
        envvar="KF_PIPELINES_ENDPOINT",
        default="",
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
    click.option("--label", multiple=True, metavar="KEY=VALUE", help="Vertex AI: of the job."),
    click.option(
        "--service-account", default="", metavar="NAME", help="As which the components run."
    ),
)


def options(command: Callable) -> Callable:
    """Give a command what `place` takes, one option each."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_usage(target: str) -> None:
    """Refuse what is said of another target than the one that is meant.

    Args:
        target: that is meant; one that is no cluster has none of the options.

    Raises:
        click.UsageError: an option is for another target.
    """
    context = click.get_current_context()
    for other, names in _ONLY_FOR.items():
        for name in names:
            given = context.get_parameter_source(name) == ParameterSource.COMMANDLINE
            if other != target and given:
                raise click.UsageError(f"--{name} is for --target {other}")


def place(
    target: target_support.Target,
    settings: Settings,
    host: str,
    namespace: str,
    experiment: str,
    project: str,
    region: str,
    network: str,
    label: tuple[str, ...],
    service_account: str,
) -> "KubeflowPlace | VertexPlace":
    """Where a run runs; nothing is asked yet.

    Raises:
        SettingsError: something is missing, or cannot be.
    """
    if target == "kubeflow":
        from ..submission.kfp.endpoint import KubeflowPlace

        return KubeflowPlace.of(host, experiment or settings.name, namespace, service_account)
    from ..submission.vertex_ai.location import VertexPlace, labels

    return VertexPlace(project, region, service_account, network, labels(label))
