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
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import features

from ..artifacts import canary as record
from ..artifacts import json_file
from ..artifacts.shards import shard_files
from . import checks, worker_process
from .requests import BATCH_SIZE, Request, requests_for

SPLIT = "valid"
"""The split of the stored photos; only the Evaluator reads `test`."""

# The names of TFX's InfraValidator, whose module also imports clients of Docker and Kubernetes.
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
    photo_spec: Parameter[str],
    code: Parameter[str],
) -> None:
    """Serve a model with TensorFlow alone, in a new process, and check whether it is fit to serve.

    Unusual but valid images must get ages from 0 to 120. A photo must get the age that is
    evaluated, that of the same photo prepared as in a run: in each file format and in each EXIF
    orientation, alone and in a batch. Files that cannot be used must get a reason, and must not
    affect the others in their batch. Time and memory must stay within the limits. A model that is
    not fit to serve raises no error. The names are those of TFX's InfraValidator.

    Args:
        model: of the Trainer.
        examples: of PhotoExampleGen; some photos of one split are sent.
        blessing: in the format of TFX's own InfraValidator, so that a Pusher refuses a model that
            is not fit; also gets `canary.json`, with every measured value and its limit.
        max_seconds_per_photo: alone, or on average in a batch of 64; on the CPU.
        max_memory_mb: peak memory of the process, including TensorFlow's.
        timeout_seconds: for all requests; then the process is killed.
        photo_spec: how PhotoExampleGen prepared the photos: a `PhotoSpec` as JSON.
        code: a fingerprint of the code; a part of TFX's cache key.
    """
    photos = list(_first_photos(artifact_utils.get_split_uri([examples], SPLIT)))
    requests: list[Request] = []
    if photos:
        folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        requests = requests_for(photos, PhotoSpec.model_validate_json(photo_spec))
        with local_copy(folder) as model_dir:
            measured = worker_process.send(model_dir, requests, timeout_seconds)
    else:
        measured = worker_process.Measurements({}, None, f"the split {SPLIT} has no photo to send")
    found = checks.judge(measured, checks.Limits(max_seconds_per_photo, max_memory_mb), requests)
    json_file.write(blessing.uri, record.FILE, found.model_dump())
    _mark(blessing, found)


def _first_photos(split_folder: str) -> Iterator[bytes]:
    """Return the first stored photos of a split, at most `BATCH_SIZE`."""
    records = tf.data.TFRecordDataset(shard_files(split_folder), compression_type="GZIP")
    for serialized in itertools.islice(records.as_numpy_iterator(), BATCH_SIZE):
        example = tf.train.Example.FromString(serialized)
        yield example.features.feature[features.IMAGE_ENCODED].bytes_list.value[0]


def _mark(blessing: types.Artifact, found: record.Canary) -> None:
    name = _BLESSED if found.passed else _NOT_BLESSED
    write_whole(join(blessing.uri, name), b"")
    blessing.set_int_custom_property("blessed", int(found.passed))
    if found.passed:
        logging.info("The model is fit to serve.")
    else:
        logging.warning("The model is not fit to serve: %s.", "; ".join(found.refusals))
