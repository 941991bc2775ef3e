"""PhotoExampleGen: a data set of photos in, examples out."""

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from ..artifacts.types import PhotoDataSet
from . import executor
from .spec import IngestionSpec


class PhotoExampleGenSpec(component_spec.ComponentSpec):
    """What PhotoExampleGen takes and gives; the spec travels as JSON."""

    INPUTS = {executor.DATA_SET: component_spec.ChannelParameter(type=PhotoDataSet)}
    OUTPUTS = {executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    PARAMETERS = {
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
    """

    SPEC_CLASS = PhotoExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        data_set: BaseChannel,
        spec: IngestionSpec,
        batches: str | RuntimeParameter = "",
        data_fingerprint: str | RuntimeParameter = "",
        code: str = "",
    ) -> None:
        """Construct the component.

        Args:
            data_set: a channel of one `PhotoDataSet`.
            spec: how label tables are read, photos prepared and splits dealt.
            batches: names of batches, comma-separated, that are learnt from besides the data set.
            data_fingerprint: changes whenever the data do; keys the cache of every orchestrator.
            code: a fingerprint of the code, so that a cached result never outlives it.
        """
        super().__init__(
            PhotoExampleGenSpec(
                data_set=data_set,
                examples=Channel(type=standard_artifacts.Examples),
                spec=spec.to_json(),
                batches=batches,
                data_fingerprint=data_fingerprint,
                code=code,
            )
        )
