import io
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from customer_age.schema import features


def _encoded(brightness, size=(40, 40), file_format="JPEG", seed=0):
    """Encode a noisy grey square of a given brightness."""
    noise = np.random.default_rng(seed).normal(brightness, 6, (*size[::-1], 3))
    pixels = np.clip(noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


def _example(encoded, age):
    feature = {
        features.IMAGE_ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded])),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


@pytest.fixture(scope="session")
def bright_is_old(tmp_path_factory):
    """Write examples in which age is brightness: 64 in `train`, 16 in `valid`.

    Returns the two splits' file patterns.
    """
    folder = tmp_path_factory.mktemp("examples")
    random = np.random.default_rng(7)
    for split, photos in (("train", 64), ("valid", 16)):
        with tf.io.TFRecordWriter(str(folder / f"{split}-00000-of-00001")) as writer:
            for seed in range(photos):
                age = float(random.uniform(5, 80))
                writer.write(_example(_encoded(age * 3, seed=seed), age))
    return [str(folder / "train*")], [str(folder / "valid*")]


@pytest.fixture
def photo():
    """Creates encoded photos, and examples that contain one."""
    return SimpleNamespace(encoded=_encoded, example=_example)
