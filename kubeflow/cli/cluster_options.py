"""The targets Kubeflow Pipelines and Vertex AI: the options of each, and how to open it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from customer_age.pipeline.settings.settings import Settings

if TYPE_CHECKING:
    from customer_age.pipeline.cli.target_options import Check
    from customer_age.pipeline.retraining.run_target import RunTarget

    from ..submission.kfp.endpoint import KubeflowEndpoint
    from ..submission.vertex_ai.location import VertexLocation

_SERVICE_ACCOUNT = click.Option(
    ["--service-account"],
    default="",
    metavar="NAME",
    help="Service account that the components run as.",
)


class KubeflowPlugin:
    """The target Kubeflow Pipelines, as a `RunTargetPlugin`."""

    options = (
        click.Option(
            ["--host"],
            envvar="KF_PIPELINES_ENDPOINT",
            default="",
            metavar="URL",
            help="Kubeflow: URL of the API (or set KF_PIPELINES_ENDPOINT).",
        ),
        click.Option(
            ["--namespace"],
            default="",
            help="Kubeflow: the user's namespace, if Kubeflow has several users.",
        ),
        click.Option(
            ["--experiment"],
            default="",
            help="Kubeflow: experiment of the run.  [default: the pipeline's name]",
        ),
        _SERVICE_ACCOUNT,
        click.Option(
            ["--token-command"],
            envvar="KF_PIPELINES_TOKEN_COMMAND",
            default="",
            metavar="COMMAND",
            help="Kubeflow: command that prints a token for the API (or set "
            "KF_PIPELINES_TOKEN_COMMAND).",
        ),
    )

    def endpoint(self, settings: Settings, values: Mapping[str, Any]) -> "KubeflowEndpoint":
        """Return the endpoint that the options name.

        Raises:
            SettingsError: an option is missing or not valid.
        """
        from ..submission.kfp.endpoint import KubeflowEndpoint

        return KubeflowEndpoint.of(
            values["host"],
            values["experiment"] or settings.name,
            values["namespace"],
            values["service_account"],
            values["token_command"],
        )

    def open(self, settings: Settings, values: Mapping[str, Any]) -> "tuple[RunTarget, Check]":
        """Open the target, and return it with the check of a run's settings."""
        from ..submission.plan import plan
        from ..submission.targets import open_target

        target = open_target(self.endpoint(settings, values), settings)
        return target, lambda settings_of_run: plan(settings_of_run, "kubeflow")


class VertexPlugin:
    """The target Vertex AI Pipelines, as a `RunTargetPlugin`."""

    options = (
        click.Option(
            ["--project"],
            envvar="GOOGLE_CLOUD_PROJECT",
            default="",
            help="Vertex AI: Google Cloud project (or set GOOGLE_CLOUD_PROJECT).",
        ),
        click.Option(
            ["--region"],
            envvar="GOOGLE_CLOUD_REGION",
            default="",
            help="Vertex AI: region, such as europe-west4 (or set GOOGLE_CLOUD_REGION).",
        ),
        click.Option(
            ["--network"],
            default="",
            help="Vertex AI: VPC network, as projects/NUMBER/global/networks/NAME.",
        ),
        click.Option(
            ["--label"],
            multiple=True,
            metavar="KEY=VALUE",
            help="Vertex AI: label of the job; may be repeated.",
        ),
        _SERVICE_ACCOUNT,
    )

    def endpoint(self, settings: Settings, values: Mapping[str, Any]) -> "VertexLocation":
        """Return the location that the options name.

        Raises:
            SettingsError: an option is missing or not valid.
        """
        del settings  # only Kubeflow needs them, for the experiment's name
        from ..submission.vertex_ai.location import VertexLocation, labels

        return VertexLocation(
            values["project"],
            values["region"],
            values["service_account"],
            values["network"],
            labels(values["label"]),
        )

    def open(self, settings: Settings, values: Mapping[str, Any]) -> "tuple[RunTarget, Check]":
        """Open the target, and return it with the check of a run's settings."""
        from ..submission.plan import plan
        from ..submission.targets import open_target

        target = open_target(self.endpoint(settings, values), settings)
        return target, lambda settings_of_run: plan(settings_of_run, "vertex")


KUBEFLOW = KubeflowPlugin()
VERTEX = VertexPlugin()
