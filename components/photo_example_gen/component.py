"""PhotoExampleGen: examples from a folder of photos."""

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from ..artifacts.types import PhotoDataSet
from . import executor
from .spec import IngestionSpec


class PhotoExampleGenSpec(component_spec.ComponentSpec):
    """What PhotoExampleGen takes and gives; the spec travels as JSON."""

    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.DATA_SET: component_spec.ChannelParameter(type=PhotoDataSet),
    }
    PARAMETERS = {
        "data_path": component_spec.ExecutionParameter(type=str),
        "spec": component_spec.ExecutionParameter(type=str),
        "batches": component_spec.ExecutionParameter(type=str),
        "data_fingerprint": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }


class PhotoExampleGen(base_beam_component.BaseBeamComponent):
    """Brings a folder of label tables and photos into TFX.

    Photos are decoded, checked, turned upright, brought to sRGB, shrunk and split once, on Beam.
    What cannot be used is counted by reason and listed beside the examples; it stops nothing here.
    Batches of an inbox come on top: each of them, and the data set, is ingested once, into a cache.

    Output `examples`: TFRecords of `train`, `valid` and `test` as TFX's own ExampleGens write
    them, with the features of `schema/features.py`, and beside the splits `refused.csv` and
    `ingestion.json`. Custom properties `photos` and `refused` hold the counts.
    Output `data_set`: which data that was, see `artifacts/photo_data_set.py`.

    The folder is a parameter, and no input artifact: Kubeflow's launcher would copy every photo,
    one object after another, before the component starts, and again at each retry.
    """

    SPEC_CLASS = PhotoExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        data_path: str | RuntimeParameter,
        spec: IngestionSpec,
        batches: str | RuntimeParameter = "",
        data_fingerprint: str | RuntimeParameter = "",
        code: str = "",
    ) -> None:
        """Construct the component.

        Args:
            data_path: the data set: a folder, or its address in an object store.
            spec: how label tables are read, photos prepared and splits dealt.
            batches: names of batches, comma-separated, that are learnt from besides the data set.
            data_fingerprint: changes whenever the data do; keys the cache of every orchestrator.
            code: a fingerprint of the code, so that a cached result never outlives it.
        """
        super().__init__(
            PhotoExampleGenSpec(
                examples=Channel(type=standard_artifacts.Examples),
                data_set=Channel(type=PhotoDataSet),
                data_path=data_path,
                spec=spec.to_json(),
                batches=batches,
                data_fingerprint=data_fingerprint,
                code=code,
            )
        )
