"""The TFX component Canary."""

import itertools
from collections.abc import Iterator

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.files.addresses import join
from customer_age.files.store import local_copy, write_whole
from customer_age.schema import features

from ..artifacts import canary as record
from ..artifacts import json_file
from ..artifacts.shards import shard_files
from . import checks, worker_process
from .requests import BATCH_SIZE, Request, requests_for

SPLIT = "valid"
"""Where the stored photos come from: `test` is read by the Evaluator alone."""

# As TFX's InfraValidator names them, whose module brings Docker's and Kubernetes' clients along.
_BLESSED = "INFRA_BLESSED"
_NOT_BLESSED = "INFRA_NOT_BLESSED"


@component
def Canary(
    model: InputArtifact[standard_artifacts.Model],
    examples: InputArtifact[standard_artifacts.Examples],
    blessing: OutputArtifact[standard_artifacts.InfraBlessing],
    max_seconds_per_photo: Parameter[float],
    max_memory_mb: Parameter[int],
    timeout_seconds: Parameter[int],
    code: Parameter[str],
) -> None:
    """Serve a model in a fresh process, with TensorFlow alone, and see whether it is fit to.

    Odd but valid images must get ages within 0 to 120, the same photo always the same age: through
    either signature, and in files of every kind and EXIF orientation. Files that cannot be used get
    a reason and leave the others of their batch alone. None may take more time or memory than the
    limits allow. A model that is not fit to serve raises nothing. The names are those of TFX's
    InfraValidator.

    Args:
        model: of the Trainer.
        examples: of PhotoExampleGen; some photos of one split are sent.
        blessing: as TFX's own InfraValidator writes it, so that a Pusher refuses a model that is
            not fit, and `canary.json`, which holds every measured value beside its limit.
        max_seconds_per_photo: alone, or on average in a batch of 64; on the CPU.
        max_memory_mb: of the process at its peak, TensorFlow included.
        timeout_seconds: for everything, after which the process is killed.
        code: a fingerprint of the code; keys TFX's cache.
    """
    serialized = list(_first_examples(artifact_utils.get_split_uri([examples], SPLIT)))
    requests: list[Request] = []
    if serialized:
        folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        requests = requests_for([_photo(example) for example in serialized], serialized)
        with local_copy(folder) as model_dir:
            measured = worker_process.send(model_dir, requests, timeout_seconds)
    else:
        measured = worker_process.Measurements({}, None, f"there is no photo in {SPLIT} to send")
    found = checks.judge(measured, checks.Limits(max_seconds_per_photo, max_memory_mb), requests)
    json_file.write(blessing.uri, record.FILE, found.model_dump())
    _mark(blessing, found)


def _first_examples(split_folder: str) -> Iterator[bytes]:
    """The first serialized examples of a split, at most `BATCH_SIZE`."""
    records = tf.data.TFRecordDataset(shard_files(split_folder), compression_type="GZIP")
    return itertools.islice(records.as_numpy_iterator(), BATCH_SIZE)


def _photo(serialized: bytes) -> bytes:
    example = tf.train.Example.FromString(serialized)
    return example.features.feature[features.IMAGE_ENCODED].bytes_list.value[0]


def _mark(blessing: types.Artifact, found: record.Canary) -> None:
    name = _BLESSED if found.passed else _NOT_BLESSED
    write_whole(join(blessing.uri, name), b"")
    blessing.set_int_custom_property("blessed", int(found.passed))
    if found.passed:
        logging.info("The model is fit to serve.")
    else:
        logging.warning("The model is not fit to serve: %s.", "; ".join(found.refusals))
