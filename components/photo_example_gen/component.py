"""PhotoExampleGen: makes examples from a folder of photos."""

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

from ..artifacts.types import PhotoDataSet
from . import executor
from .spec import IngestionSpec


class PhotoExampleGenSpec(component_spec.ComponentSpec):
    """Parameters and outputs of PhotoExampleGen; the spec is passed as JSON."""

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
    """Ingests a folder of label tables and photos.

    Beam decodes and checks each photo once, turns it upright, converts it to sRGB, scales it down
    and assigns it to a split. Rows that cannot be used are counted by reason and listed next to the
    examples; they do not stop the component. The data set and each batch of the inbox are ingested
    once, into a cache.

    Output `examples`: TFRecords of `train`, `valid` and `test` in the format of TFX's own
    ExampleGens, with the features of `schema/features.py`; next to the splits, `refused.csv` and
    `ingestion.json`. Custom properties `photos` and `refused` contain the counts.
    Output `data_set`: the record of the data, see `artifacts/photo_data_set.py`.

    The folder is a parameter, not an input artifact: Kubeflow's launcher would copy every photo,
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
            spec: how to read label tables, prepare photos and assign splits.
            batches: comma-separated names of batches to train on in addition to the data set.
            data_fingerprint: changes when the data change; a cache key for every orchestrator.
            code: a fingerprint of the code; a cache key, so that new code never reuses old results.
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
