"""The checks of settings for a target that need no import of TensorFlow."""

from typing import Literal

from customer_age.errors import SettingsError
from customer_age.files.addresses import is_remote
from customer_age.pipeline.graph import beam_options
from customer_age.pipeline.settings.settings import MAX_CHARACTERS, Settings

from . import gpus, stores

Target = Literal["kubeflow", "vertex"]
TARGETS: tuple[Target, ...] = ("kubeflow", "vertex")

Pipeline = Literal["run", "tune"]
"""The pipeline to compile: a run, or the search of `customer-age tune`."""
PIPELINES: tuple[Pipeline, ...] = ("run", "tune")


def check(settings: Settings, target: Target, pipeline: Pipeline = "run") -> None:
    """Check the settings that a cluster needs.

    Args:
        settings: of the pipeline.
        target: the service that will run it.
        pipeline: the pipeline that will run.

    Raises:
        SettingsError: a setting is missing or not valid.
    """
    cluster = settings.cluster
    if not cluster.image:
        raise SettingsError(
            "cluster.image: is not set; set it to the image that the components run in "
            "(kubeflow/Dockerfile builds it)"
        )
    publishes_or_starts_from_it = pipeline == "run" or settings.trainer.weights == "champion"
    if settings.registry.uri is None and publishes_or_starts_from_it:
        raise SettingsError(
            "registry.uri: is not set; set it to a model registry outside the containers, such as "
            "mlflow+http://host:port"
        )
    path = settings.data.path
    if path is not None and not is_remote(path):
        raise SettingsError(
            f"data.path: {path} is on this machine, so a cluster's containers cannot read it; "
            "set it to a folder in a bucket, or leave it out and set the run parameter data_path"
        )
    beam_options.require_options(settings)
    stores.check_data(settings)
    stores.check_root(settings)
    if target == "vertex":
        if not cluster.pipeline_root.startswith("gs://"):
            raise SettingsError("cluster.pipeline_root: Vertex AI only stores artifacts on gs://")
        if cluster.secret_environment or cluster.secret_files:
            raise SettingsError(
                "cluster.secret_environment, cluster.secret_files: Vertex AI has no Kubernetes "
                "Secrets; grant access to the service account of the run instead"
            )
        for component, gpu in gpus.of_components(settings).items():
            gpus.check_vertex(component, gpu, cluster.resources_of(component))
    if pipeline == "tune":
        _check_search(settings, target)


def _check_search(settings: Settings, target: Target) -> None:
    settings.tuner.require_range()
    if len(settings.search_name) > MAX_CHARACTERS:
        raise SettingsError(
            f"name: the name of the search's pipeline would be {settings.search_name}, which is "
            f"longer than {MAX_CHARACTERS} letters; use a shorter name"
        )
    minutes, seconds = settings.tuner.minutes, settings.cluster.timeout_seconds
    if target == "kubeflow" and 60 * minutes >= seconds:
        raise SettingsError(
            f"tuner.minutes: {minutes:g} minutes are not less than cluster.timeout_seconds "
            f"({seconds}), when the pod is stopped; decrease tuner.minutes or increase "
            "cluster.timeout_seconds"
        )
