"""A model for tests that need its answers, and photos to ask it about."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from customer_age.components.model_registry import Publication, saved_model_fingerprint


@pytest.fixture(scope="session")
def brightness_model() -> Callable[[Path, float], Path]:
    """Write a SavedModel whose answer is a photo's mean brightness, 0 to 255, plus some years."""

    def write(folder: Path, more: float = 0.0) -> Path:
        import tensorflow as tf

        class Model(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
            def serve(self, image_bytes):
                def brightness(encoded):
                    # The default is fast, and sometimes off by one.
                    pixels = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE")
                    return tf.reduce_mean(tf.cast(pixels, tf.float32))

                ages = tf.map_fn(brightness, image_bytes, fn_output_signature=tf.float32)
                return {"age": ages + more}

        model = Model()
        tf.saved_model.save(model, str(folder), signatures={"serving_default": model.serve})
        return folder

    return write


@pytest.fixture(scope="session")
def grey() -> Callable[..., bytes]:
    """Encode a photo of one grey, 0 to 255: what `brightness_model` says of it is known."""

    def encode(
        brightness: int, size: tuple[int, int] = (40, 40), file_format: str = "PNG"
    ) -> bytes:
        file = io.BytesIO()
        Image.new("RGB", size, (brightness,) * 3).save(file, file_format)
        return file.getvalue()

    return encode


@pytest.fixture(scope="session")
def publication() -> Callable[..., Publication]:
    """What is published of a SavedModel."""

    def of(folder: Path, mae: float, baseline: str = "", **settings: str) -> Publication:
        return Publication(
            model_dir=folder,
            fingerprint=saved_model_fingerprint(folder),
            metrics={"mae": mae},
            settings={f"data.{name}": value for name, value in settings.items()},
            baseline_version=baseline,
        )

    return of


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hand-out data set of 240 grey squares whose brightness is the age."""
    return write_photos(tmp_path_factory.mktemp("photos"), 240)


def write_photos(folder: Path, number: int) -> Path:
    random = np.random.default_rng(11)
    (folder / "final_files").mkdir()
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "real_age"])
        for index in range(number):
            age = int(random.integers(5, 80))
            pixels = np.clip(random.normal(age * 3, 6, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "final_files" / f"{index:06}.jpg")
            table.writerow([f"{index:06}.jpg", age])
    return folder
