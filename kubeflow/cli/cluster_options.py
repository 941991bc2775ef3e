"""The targets Kubeflow Pipelines and Vertex AI: the options that each takes, and what opens it."""

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
    ["--service-account"], default="", metavar="NAME", help="As which the components run."
)


class KubeflowPlugin:
    """See `RunTargetPlugin`."""

    options = (
        click.Option(
            ["--host"],
            envvar="KF_PIPELINES_ENDPOINT",
            default="",
            metavar="URL",
            help="Kubeflow: of the API; else KF_PIPELINES_ENDPOINT says it.",
        ),
        click.Option(
            ["--namespace"],
            default="",
            help="Kubeflow: the user's, where there are several users.",
        ),
        click.Option(
            ["--experiment"], default="", help="Kubeflow: by default the pipeline's name."
        ),
        _SERVICE_ACCOUNT,
        click.Option(
            ["--token-command"],
            envvar="KF_PIPELINES_TOKEN_COMMAND",
            default="",
            metavar="COMMAND",
            help="Kubeflow: prints a token for the API; else KF_PIPELINES_TOKEN_COMMAND says it.",
        ),
    )

    def endpoint(self, settings: Settings, values: Mapping[str, Any]) -> "KubeflowEndpoint":
        """The endpoint that the options name.

        Raises:
            SettingsError: one is missing, or is not valid.
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
        """See `RunTargetPlugin`."""
        from ..submission.plan import plan
        from ..submission.targets import open_target

        target = open_target(self.endpoint(settings, values), settings)
        return target, lambda settings_of_run: plan(settings_of_run, "kubeflow")


class VertexPlugin:
    """See `RunTargetPlugin`."""

    options = (
        click.Option(
            ["--project"],
            envvar="GOOGLE_CLOUD_PROJECT",
            default="",
            help="Vertex AI: else GOOGLE_CLOUD_PROJECT says it.",
        ),
        click.Option(
            ["--region"],
            envvar="GOOGLE_CLOUD_REGION",
            default="",
            help="Vertex AI: such as europe-west4; else GOOGLE_CLOUD_REGION says it.",
        ),
        click.Option(
            ["--network"], default="", help="Vertex AI: projects/NUMBER/global/networks/NAME."
        ),
        click.Option(
            ["--label"], multiple=True, metavar="KEY=VALUE", help="Vertex AI: of the job."
        ),
        _SERVICE_ACCOUNT,
    )

    def endpoint(self, settings: Settings, values: Mapping[str, Any]) -> "VertexLocation":
        """The location that the options name.

        Raises:
            SettingsError: one is missing, or is not valid.
        """
        del settings  # Kubeflow's names the experiment
        from ..submission.vertex_ai.location import VertexLocation, labels

        return VertexLocation(
            values["project"],
            values["region"],
            values["service_account"],
            values["network"],
            labels(values["label"]),
        )

    def open(self, settings: Settings, values: Mapping[str, Any]) -> "tuple[RunTarget, Check]":
        """See `RunTargetPlugin`."""
        from ..submission.plan import plan
        from ..submission.targets import open_target

        target = open_target(self.endpoint(settings, values), settings)
        return target, lambda settings_of_run: plan(settings_of_run, "vertex")


KUBEFLOW = KubeflowPlugin()
VERTEX = VertexPlugin()
