"""Models, good and bad, that need no ResNet50; and the Canary's executor run on them."""

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.components.canary import component
from customer_age.components.trainer import images
from customer_age.components.trainer.serving_graph import served_photos
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import features
from customer_age.schema.refusals import NO_AGE

LIMITS = {"max_seconds_per_photo": 5.0, "max_memory_mb": 8000, "timeout_seconds": 600}
SPEC = PhotoSpec(min_size=16)


def photo(brightness: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((40, 30, 3), brightness, np.uint8)).save(file, "JPEG")
    return file.getvalue()


def example(encoded: bytes) -> bytes:
    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    return tf.train.Example(
        features=tf.train.Features(feature={features.IMAGE_ENCODED: image})
    ).SerializeToString()


SQUARE = tf.TensorSpec([32, 32, 3], tf.float32)


def brightness(photos: tf.Tensor) -> tf.Tensor:
    """Photos, float32 [batch, 32, 32, 3], to a third of their mean brightness."""
    return tf.reduce_mean(photos, axis=[1, 2, 3]) / 3


class TinyModel(tf.Module):
    """The older, the brighter. `of_photos` and `of_examples` may spoil the ages."""

    def __init__(
        self,
        of_photos: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = lambda ages, photos: ages,
        of_examples: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
    ):
        super().__init__()
        self.of_photos = of_photos
        self.of_examples = of_examples or of_photos

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False
    )
    def serve_photos(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        photos, reasons = tf.map_fn(
            lambda photo: served_photos.prepare(photo, 32, SPEC),
            image_bytes,
            fn_output_signature=(SQUARE, tf.TensorSpec([], tf.string)),
        )
        ages = self.of_photos(brightness(photos), image_bytes)
        without = tf.math.is_nan(ages) & tf.not_equal(reasons, "")
        return {"age": tf.where(without, NO_AGE, ages), "reason": reasons}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
    )
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        image = {features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string)}
        encoded = tf.io.parse_example(examples, image)[features.IMAGE_ENCODED]
        photos = tf.map_fn(
            lambda photo: images.square(photo, 32), encoded, fn_output_signature=SQUARE
        )
        return {"age": self.of_examples(brightness(photos), encoded)}


class Canary:
    """The executor, with a folder for its artifacts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.examples = standard_artifacts.Examples()
        self.examples.uri = str(folder / "examples")
        self.examples.split_names = artifact_utils.encode_split_names(["train", "valid", "test"])
        self.put_examples("valid", 5)
        self.model = standard_artifacts.Model()
        self.model.uri = str(folder / "model")

    def put_examples(self, split: str, number: int) -> None:
        (folder := self.folder / "examples" / f"Split-{split}").mkdir(parents=True, exist_ok=True)
        file = str(folder / "data_tfrecord-00000-of-00001.gz")
        with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
            for place in range(number):
                writer.write(example(photo(30 + 40 * place)))

    def save(self, model: TinyModel, *signatures: str) -> None:
        served = {"serving_default": model.serve_photos, "serving_examples": model.serve_examples}
        tf.saved_model.save(
            model,
            path_utils.serving_model_dir(self.model.uri),
            {name: served[name] for name in signatures or served},
        )

    def judge(self, **limits: float) -> tuple[standard_artifacts.InfraBlessing, dict]:
        """Give the blessing and the content of `canary.json`."""
        blessing = standard_artifacts.InfraBlessing()
        blessing.uri = tempfile.mkdtemp(prefix="blessing-", dir=self.folder)
        executor = component.Canary.EXECUTOR_SPEC.executor_class()
        executor.Do(
            {"model": [self.model], "examples": [self.examples]},
            {"blessing": [blessing]},
            {**LIMITS, **limits, "photo_spec": SPEC.model_dump_json(), "code": ""},
        )
        return blessing, json.loads((Path(blessing.uri) / "canary.json").read_text())

    def refusals(self, model: TinyModel, **limits: float) -> list[str]:
        """Save a model and judge it; it must not be blessed."""
        self.save(model)
        blessing, found = self.judge(**limits)
        assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").exists()
        assert not (Path(blessing.uri) / "INFRA_BLESSED").exists()
        assert blessing.get_int_custom_property("blessed") == 0
        assert found["passed"] is False
        return found["refusals"]


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path)


@pytest.fixture
def tiny_model() -> type[TinyModel]:
    return TinyModel


@pytest.fixture
def worker_with_imports(
    preloaded_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start workers that have imported TensorFlow: for tests of what the models answer.

    They also start without `-I`, which such a process cannot have.
    """
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nshift\nexec {preloaded_python} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
