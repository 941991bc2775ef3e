"""The Canary's work."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from customer_age.files.local_copy import on_disk
from customer_age.schema import features

from . import checks, worker_process
from .requests import BATCH_SIZE, questions

SPLIT = "valid"
"""Where the stored photos come from: `test` is read by the Evaluator alone."""

# As TFX's InfraValidator names them, whose module brings Docker's and Kubernetes' clients along.
_BLESSED = "INFRA_BLESSED"
_NOT_BLESSED = "INFRA_NOT_BLESSED"


class Executor(base_executor.BaseExecutor):
    """Blesses a model, or not; a model that is not fit to serve raises nothing."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ask the model, judge the answers, write them down."""
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        examples = list(_examples(artifact_utils.get_split_uri(input_dict["examples"], SPLIT)))
        if examples:
            folder = path_utils.serving_model_path(
                model.uri, path_utils.is_old_model_artifact(model)
            )
            with on_disk(folder) as model_dir:
                measured = worker_process.ask(
                    model_dir,
                    questions([_photo(example) for example in examples], examples),
                    exec_properties["timeout_seconds"],
                )
        else:
            measured = worker_process.Measurements(
                {}, None, f"there is no photo in {SPLIT} to send"
            )
        verdict = checks.judge(
            measured,
            checks.Limits(
                exec_properties["max_seconds_per_photo"], exec_properties["max_memory_mb"]
            ),
        )
        with fileio.open(f"{blessing.uri}/canary.json", "w") as file:
            json.dump(verdict.as_json(), file, indent=2)
        _mark(blessing, verdict)


def _examples(split_folder: str) -> Iterator[bytes]:
    """The first serialized examples of a split, at most `BATCH_SIZE`."""
    records = tf.data.TFRecordDataset(
        sorted(tf.io.gfile.glob(f"{split_folder}/*.gz")), compression_type="GZIP"
    )
    return itertools.islice(records.as_numpy_iterator(), BATCH_SIZE)


def _photo(serialized: bytes) -> bytes:
    example = tf.train.Example.FromString(serialized)
    return example.features.feature[features.IMAGE_ENCODED].bytes_list.value[0]


def _mark(blessing: types.Artifact, verdict: checks.Verdict) -> None:
    name = _BLESSED if verdict.passed else _NOT_BLESSED
    io_utils.write_string_file(f"{blessing.uri}/{name}", "")
    blessing.set_int_custom_property("blessed", int(verdict.passed))
    if verdict.passed:
        logging.info("The model is fit to serve.")
    else:
        logging.warning("The model is not fit to serve: %s.", "; ".join(verdict.refusals))
