"""PhotoExampleGen: a data set of photos in, examples out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from ..artifacts.types import PhotoDataSet
from . import executor


class PhotoExampleGenSpec(component_spec.ComponentSpec):
    """What PhotoExampleGen takes and gives; lists and dicts travel as JSON."""

    INPUTS = {executor.DATA_SET: component_spec.ChannelParameter(type=PhotoDataSet)}
    OUTPUTS = {executor.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    PARAMETERS = {
        "data_fingerprint": component_spec.ExecutionParameter(type=str),
        "layout": component_spec.ExecutionParameter(type=str),
        "face_crops": component_spec.ExecutionParameter(type=bool),
        "columns": component_spec.ExecutionParameter(type=str),
        "keep_columns": component_spec.ExecutionParameter(type=str),
        "stored_size": component_spec.ExecutionParameter(type=int),
        "min_size": component_spec.ExecutionParameter(type=int),
        "jpeg_quality": component_spec.ExecutionParameter(type=int),
        "split_shares": component_spec.ExecutionParameter(type=str),
        "split_key": component_spec.ExecutionParameter(type=str),
        "age_groups": component_spec.ExecutionParameter(type=str),
        "inbox": component_spec.ExecutionParameter(type=str),
        "batches": component_spec.ExecutionParameter(type=str),
        "batch_cache": component_spec.ExecutionParameter(type=str),
        "cards": component_spec.ExecutionParameter(type=str),
        "person_key_file": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }


class PhotoExampleGen(base_beam_component.BaseBeamComponent):
    """Brings a folder of label tables and photos into TFX.

    Photos are decoded, checked, turned upright, brought to sRGB, shrunk and split once, on Beam.
    What cannot be used is counted by reason and listed beside the examples; it stops nothing here.
    Batches of an inbox come on top: they and the data set are then ingested once, into a cache.

    Output `examples`: TFRecords of `train`, `valid` and `test` as TFX's own ExampleGens write
    them, with the features of `schema/features.py`, and beside the splits `refused.csv` and
    `ingestion.json`. Custom properties `photos` and `refused` hold the counts.
    """

    SPEC_CLASS = PhotoExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        data_set: BaseChannel,
        age_groups: Sequence[str],
        data_fingerprint: str | RuntimeParameter = "",
        layout: str = "auto",
        face_crops: bool = True,
        columns: Mapping[str, str] | None = None,
        keep_columns: Sequence[str] = (),
        stored_size: int = 256,
        min_size: int = 32,
        jpeg_quality: int = 92,
        split_shares: Mapping[str, float] | None = None,
        split_key: str = "customer-age",
        inbox: str = "",
        batches: str = "",
        batch_cache: str = "",
        cards: Mapping[str, Any] | None = None,
        person_key_file: str = "",
        code: str = "",
    ) -> None:
        """Construct the component.

        Args:
            data_set: a channel of one `PhotoDataSet`.
            age_groups: whole-year bands, such as `["0-17", "18+"]`.
            data_fingerprint: changes whenever the data do; keys the cache of every orchestrator.
            layout: of the data set; `auto` recognises it.
            face_crops: take `<file_name>_face.jpg` where it stands beside a photo.
            columns: names of `layouts.COLUMNS` to what the tables call them, where that is not
                the layout's own name.
            keep_columns: further columns of the tables, each kept as a feature `extra/<name>`.
            stored_size: pixels; a photo's shorter side is shrunk to this.
            min_size: pixels; a photo whose shorter side is below this is refused.
            jpeg_quality: of the stored photos, 1 to 100.
            split_shares: split name to share, where the data set has no official splits; by
                default 0.8, 0.1 and 0.1.
            split_key: keys the hash that deals the splits, and is no secret; another key deals
                them anew.
            inbox: the folder of loyalty-card batches.
            batches: names of batches, comma-separated, that are learnt from besides the data set.
            batch_cache: where ingested batches are kept.
            cards: the fields of `labels.CardSettings` that are set.
            person_key_file: path of the secret that keys the hash which stands for a person; read
                only where a table names persons, and by nobody but the executor.
            code: a fingerprint of the code, so that a cached result never outlives it.
        """
        shares = split_shares or {"train": 0.8, "valid": 0.1, "test": 0.1}
        super().__init__(
            PhotoExampleGenSpec(
                data_set=data_set,
                data_fingerprint=data_fingerprint,
                examples=Channel(type=standard_artifacts.Examples),
                layout=layout,
                face_crops=face_crops,
                columns=json.dumps(dict(columns or {}), sort_keys=True),
                keep_columns=json.dumps(list(keep_columns)),
                stored_size=stored_size,
                min_size=min_size,
                jpeg_quality=jpeg_quality,
                split_shares=json.dumps(dict(shares)),
                split_key=split_key,
                inbox=inbox,
                batches=batches,
                batch_cache=batch_cache,
                cards=json.dumps(dict(cards or {}), sort_keys=True),
                person_key_file=person_key_file,
                age_groups=json.dumps(list(age_groups)),
                code=code,
            )
        )
