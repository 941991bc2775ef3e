"""The tuning graph: the same nodes as in a run up to DataGate, then the Tuner."""

from tfx.dsl.components.base import base_node
from tfx.orchestration import pipeline

from customer_age.components.trainer.component import Trainer
from customer_age.components.tuner.component import Tuner
from customer_age.files import addresses

from ..settings.settings import Settings
from . import parameter_values
from .beam_options import beam_args
from .create_pipeline import Launch, champion_of, checked_data


def create_tune_pipeline(settings: Settings, launch: Launch) -> pipeline.Pipeline:
    """Wire the components; none of them reads `test`.

    On this machine the pipeline has the same name as that of a run, so that they share examples.
    On a cluster it is a separate pipeline.

    Args:
        settings: the settings of the search.
        launch: the runner's facts, which are part of TFX's cache keys.
    """
    parameters = launch.parameters or parameter_values.fixed(settings, launch.key)
    data = checked_data(settings, parameters, launch)
    nodes: list[base_node.BaseNode] = [*data.nodes]
    base_model = None
    if settings.trainer.weights == "champion":
        champion = champion_of(settings, parameters, launch, data)
        base_model = champion.outputs["model"]
        nodes.append(champion)
    tuner = Tuner(
        examples=data.examples,
        schema=data.schema,
        base_model=base_model,
        hyperparameters=settings.trainer.model_dump(mode="json", exclude={"gpu"}),
        search={
            "ranges": {name: list(bounds) for name, bounds in settings.tuner.ranges().items()},
            "minutes": settings.tuner.minutes,
            "max_trials": settings.tuner.max_trials,
            "trials_folder": _trials_folder(settings, launch),
            "weights_fingerprint": launch.key.weights,
            "training_code": launch.code_of(Trainer),
        },
        code=launch.code_of(Tuner),
    )
    tuner.add_upstream_node(data.gate)
    return pipeline.Pipeline(
        pipeline_name=settings.search_name if launch.parameters else settings.name,
        pipeline_root=settings.pipeline_root,
        components=[*nodes, tuner],
        enable_cache=True,
        beam_pipeline_args=beam_args(settings),
    )


def _trials_folder(settings: Settings, launch: Launch) -> str:
    """Return the folder where finished trials are kept; empty if there is none.

    TensorFlow cannot open S3, and Kubeflow's launcher may access it with a Secret that the
    components do not have.
    """
    if launch.parameters is None:
        return f"{settings.work_dir}/tuning"
    root = settings.cluster.pipeline_root
    return addresses.join(root, "tuning") if root.startswith("gs://") else ""
