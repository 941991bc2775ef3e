"""What can be found out before TensorFlow is imported: what a target lacks or cannot do."""

from typing import Literal

from customer_age.errors import SettingsError
from customer_age.files.addresses import is_remote
from customer_age.pipeline.graph import beam_options
from customer_age.pipeline.settings.settings import MOST_LETTERS, Settings

from . import gpus, stores

Target = Literal["kubeflow", "vertex"]
TARGETS: tuple[Target, ...] = ("kubeflow", "vertex")

Pipeline = Literal["run", "tune"]
"""What is compiled: a run, or the search of `customer-age tune`."""
PIPELINES: tuple[Pipeline, ...] = ("run", "tune")


def check(settings: Settings, target: Target, pipeline: Pipeline = "run") -> None:
    """Find out what a cluster would choke on.

    Args:
        settings: of the pipeline.
        target: where it is to run.
        pipeline: that is to run there.

    Raises:
        SettingsError: something is missing, or cannot be.
    """
    cluster = settings.cluster
    if not cluster.image:
        raise SettingsError(
            "cluster.image: name the image that the components run in; kubeflow/Dockerfile makes it"
        )
    publishes_or_starts_from_it = pipeline == "run" or settings.trainer.weights == "champion"
    if settings.registry.uri is None and publishes_or_starts_from_it:
        raise SettingsError(
            "registry.uri: name a model registry that outlives the containers, such as "
            "mlflow+http://host:port"
        )
    path = settings.data.path
    if path is not None and not is_remote(path):
        raise SettingsError(
            f"data.path: {path} lies on this machine, where a cluster's containers do not see it; "
            "name a folder in a bucket, or none: the run parameter data_path gives it then"
        )
    beam_options.require_options(settings)
    stores.check_data(settings)
    stores.check_root(settings)
    if target == "vertex":
        if not cluster.pipeline_root.startswith("gs://"):
            raise SettingsError("cluster.pipeline_root: Vertex AI keeps artifacts in gs:// alone")
        if cluster.secret_environment or cluster.secret_files:
            raise SettingsError(
                "cluster.secret_environment, cluster.secret_files: Vertex AI has no Kubernetes "
                "Secrets; give the rights to the service account of the run"
            )
        for component, gpu in gpus.of_components(settings).items():
            gpus.check_vertex(component, gpu, cluster.resources_of(component))
    if pipeline == "tune":
        _check_search(settings, target)


def _check_search(settings: Settings, target: Target) -> None:
    settings.tuner.require_range()
    if len(settings.search_name) > MOST_LETTERS:
        raise SettingsError(
            f"name: the pipeline of a search would be called {settings.search_name}, which is "
            f"longer than {MOST_LETTERS} letters; shorten the name"
        )
    minutes, seconds = settings.tuner.minutes, settings.cluster.timeout_seconds
    if target == "kubeflow" and 60 * minutes >= seconds:
        raise SettingsError(
            f"tuner.minutes: {minutes:g} minutes do not fit into cluster.timeout_seconds "
            f"({seconds}), after which the pod is stopped; lower the one or raise the other"
        )
