import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.components.trainer.fn_args_utils import FnArgs

from customer_age.schema import features

PHOTOS = {"train": 16, "valid": 8}
CURRENT = {
    "weights": "none",
    "input_size": 32,
    "batch_size": 8,
    "head_epochs": 0,
    "epochs": 6,
    "head_learning_rate": 1e-3,
    "learning_rate": 1e-3,
    "weight_decay": 1e-4,
    "dropout": 0.2,
    "patience": 3,
    "augmentation": False,
    "mirror": False,
    "photo_cache_mb": 0,
    "seed": 0,
}
SEARCH = {
    "ranges": {"learning_rate": [1e-4, 1e-2], "dropout": [0.0, 0.5]},
    "minutes": 1000,
    "max_trials": 4,
    "weights_fingerprint": "none",
    "training_code": "c0de",
}


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """Write an Examples artifact of grey photos, in which age is brightness; return its folder."""
    root = tmp_path_factory.mktemp("examples")
    random = np.random.default_rng(3)
    for split, photos in PHOTOS.items():
        folder = root / f"Split-{split}"
        folder.mkdir()
        with tf.io.TFRecordWriter(str(folder / "photos-00000-of-00001")) as writer:
            for age in random.uniform(5, 80, photos):
                file = io.BytesIO()
                Image.new("RGB", (32, 32), (int(3 * age),) * 3).save(file, "JPEG")
                example = tf.train.Example()
                encoded = example.features.feature[features.IMAGE_ENCODED]
                encoded.bytes_list.value.append(file.getvalue())
                example.features.feature[features.REAL_AGE].float_list.value.append(age)
                writer.write(example.SerializeToString())
    return root


@pytest.fixture
def fn_args(examples, tmp_path):
    """Creates TFX's arguments of a search that saves its trials in `tmp_path`."""

    def create(**changed):
        config = {**CURRENT, **SEARCH, "trials_folder": str(tmp_path / "kept"), **changed}
        return FnArgs(
            working_dir=str(tmp_path / "work"),
            train_files=[f"{examples}/Split-train/*"],
            eval_files=[f"{examples}/Split-valid/*"],
            custom_config=config,
        )

    return create
