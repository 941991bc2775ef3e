"""The DataGate's work."""

import csv
import json
from typing import Any

from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from customer_age.errors import DataRefused

from . import checks


class Executor(base_executor.BaseExecutor):
    """Raises `DataRefused`, a line for each thing that is wrong, or writes its approval."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Check the data."""
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        with fileio.open(f"{examples.uri}/ingestion.json") as file:
            ingestion = json.load(file)
        with fileio.open(f"{examples.uri}/refused.csv") as file:
            sentences = list(
                checks.refusal_sentences(
                    ingestion,
                    csv.DictReader(file),
                    exec_properties["max_refused_share"],
                    exec_properties["max_wrong_ages"],
                )
            )
        splits = artifact_utils.decode_split_names(anomalies.split_names)
        for split in splits:
            sentences += checks.anomaly_sentences(split, _read_anomalies(anomalies, split))
        if sentences:
            raise DataRefused("\n".join(sentences))
        logging.info("The data passed.")
        approval = artifact_utils.get_single_uri(output_dict["approval"])
        with fileio.open(f"{approval}/approval.json", "w") as file:
            json.dump({"splits": splits, "rows": ingestion["rows"]}, file)


def _read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    folder = artifact_utils.get_split_uri([artifact], split)
    with fileio.open(f"{folder}/{DEFAULT_FILE_NAME}", "rb") as file:
        return anomalies_pb2.Anomalies.FromString(file.read())
