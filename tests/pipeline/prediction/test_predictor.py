import io
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from customer_age.errors import RunError
from customer_age.photos.decode import MAX_FILE_BYTES
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.prediction.age_model import AgeModel
from customer_age.pipeline.prediction.photo_sources import PhotoFile
from customer_age.pipeline.prediction.predictor import BATCH_SIZE, Predictor
from customer_age.schema import age_groups, features
from customer_age.schema.refusals import Reason

SPEC = PhotoSpec(stored_size=64, min_size=16, jpeg_quality=92)
GROUPS = age_groups.parse(["0-17", "18-34", "35+"])


class ByBytes:
    """A model that records its input and returns its number of bytes."""

    def __init__(self):
        self.received = []

    def ages(self, encoded):
        self.received.append(list(encoded))
        return [len(each) % 120 for each in encoded]


@pytest.fixture(scope="module")
def model(brightness_model, tmp_path_factory):
    return AgeModel(brightness_model(tmp_path_factory.mktemp("model") / "m"))


def _files(folder, contents):
    for number, content in enumerate(contents):
        (folder / f"{number}.jpg").write_bytes(content)
    return [PhotoFile(f"{n}.jpg", str(folder / f"{n}.jpg")) for n in range(len(contents))]


def test_ages_and_groups_in_the_order_of_the_photos(model, grey, tmp_path):
    files = _files(tmp_path, [grey(value) for value in (80, 17, 18, 30, 50, 0)])
    (rows,) = Predictor(model, SPEC, GROUPS).predict(files)
    assert [(row.file_name, row.age, row.age_group) for row in rows] == [
        ("0.jpg", 80.0, "35+"), ("1.jpg", 17.0, "0-17"), ("2.jpg", 18.0, "18-34"),
        ("3.jpg", 30.0, "18-34"), ("4.jpg", 50.0, "35+"), ("5.jpg", 0.0, "0-17"),
    ]  # fmt: skip


def test_the_model_gets_the_same_input_as_in_training(grey, tmp_path):
    model = ByBytes()
    content = grey(90, (300, 200), "TIFF")
    list(Predictor(model, SPEC, GROUPS).predict(_files(tmp_path, [content])))
    assert model.received == [[prepare_photo(content, SPEC).encoded]]


def test_a_row_agrees_with_itself(tmp_path, grey):
    class AlmostOfAge:
        def ages(self, encoded):
            return [17.96]

    ((row,),) = Predictor(AlmostOfAge(), SPEC, GROUPS).predict(_files(tmp_path, [grey(1)]))
    assert (row.age, row.age_group) == (18.0, "18-34")


def test_a_photo_that_cannot_be_read_has_a_row_and_stops_no_other(model, grey, tmp_path):
    jpeg = grey(50, (400, 400), "JPEG")
    files = _files(tmp_path, [grey(30), jpeg[: len(jpeg) // 2], b"text", b"", grey(9, (9, 9))])
    os.mkfifo(tmp_path / "pipe.jpg")
    files += [
        PhotoFile("gone.jpg", str(tmp_path / "gone.jpg")),
        PhotoFile("../out.jpg", "", Reason.OUTSIDE_DATA_FOLDER),
        PhotoFile("pipe.jpg", str(tmp_path / "pipe.jpg")),
        PhotoFile("nul\0.jpg", str(tmp_path / "nul\0.jpg")),
        files[0],
    ]
    (rows,) = Predictor(model, SPEC, GROUPS).predict(files)
    assert [row.reason for row in rows] == [
        "", "truncated", "not_an_image", "file_empty", "too_small", "file_missing",
        "outside_data_folder", "file_unreadable", "file_unreadable", "",
    ]  # fmt: skip
    assert [row.age for row in rows if not row.reason] == [30.0, 30.0]
    assert all(row.detail and row.age is None for row in rows if row.reason)


def test_a_file_that_is_too_large_is_not_read(model, tmp_path):
    with (tmp_path / "0.jpg").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    ((row,),) = Predictor(model, SPEC, GROUPS).predict([PhotoFile("0", str(tmp_path / "0.jpg"))])
    assert row.reason == "file_too_large"


def test_only_a_few_of_many_photos_are_in_memory(grey, tmp_path):
    (file,) = _files(tmp_path, [grey(3)])
    taken = 0

    def many():
        nonlocal taken
        for _ in range(100 * BATCH_SIZE):
            taken += 1
            yield file

    answers = Predictor(ByBytes(), SPEC, GROUPS).predict(many())
    assert len(next(answers)) == BATCH_SIZE
    assert taken <= 6 * BATCH_SIZE
    answers.close()  # the reader of the rows stops
    assert not [each for each in threading.enumerate() if each.name.startswith("prepare")]


def test_batches_and_photos_one_by_one_are_answered_alike(model, grey, tmp_path):
    files = _files(tmp_path, [grey(value) for value in range(BATCH_SIZE + 5)])
    predictor = Predictor(model, SPEC, GROUPS)
    threaded = [row for rows in predictor.predict(files) for row in rows]
    assert threaded == [predictor.predict_batch([file])[0] for file in files]


def test_bytes_of_a_name_that_are_not_text_are_replaced(model):
    name = os.fsdecode(b"caf\xe9.jpg")
    ((row,),) = Predictor(model, SPEC, GROUPS).predict([PhotoFile(name, name)])
    assert row.file_name == "caf\N{REPLACEMENT CHARACTER}.jpg"


@pytest.mark.parametrize("answer", [float("nan"), -1.0, float("inf")])
def test_a_model_without_valid_ages_is_an_error(brightness_model, grey, tmp_path, answer):
    model = AgeModel(brightness_model(tmp_path / "m", answer - 1 if answer < 0 else answer))
    with pytest.raises(RunError, match="does not return a valid age"):
        model.ages([prepare_photo(grey(1), SPEC).encoded])


def test_a_prepared_photo_is_not_prepared_once_more(grey, tmp_path):
    """What is evaluated is the signature for examples; the other one encodes a photo again."""

    class Both(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def of_photos(self, image_bytes):
            return {"age": tf.fill(tf.shape(image_bytes), 1.0)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def of_examples(self, examples):
            image = {features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string)}
            photos = tf.io.parse_example(examples, image)[features.IMAGE_ENCODED]
            return {"age": tf.cast(tf.strings.length(photos), tf.float32)}

    model = Both()
    signatures = {"serving_default": model.of_photos, "serving_examples": model.of_examples}
    tf.saved_model.save(model, str(tmp_path / "m"), signatures=signatures)
    photos = [prepare_photo(grey(1), SPEC).encoded, b"12345"]
    assert AgeModel(tmp_path / "m").ages(photos) == [len(photos[0]), 5]


def test_an_invalid_savedmodel_is_an_error_of_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff nothing")
    with pytest.raises(RunError, match="cannot load a SavedModel with a signature") as refused:
        AgeModel(tmp_path)
    assert "\n" not in str(refused.value)


def test_the_model_is_loaded_without_keras_and_keras_can_still_be_imported(
    brightness_model, grey, tmp_path
):
    folder = brightness_model(tmp_path / "m")
    (tmp_path / "photo").write_bytes(prepare_photo(grey(42), SPEC).encoded)
    program = (
        "import sys, pathlib\n"
        "from customer_age.pipeline.prediction.age_model import AgeModel\n"
        f"model = AgeModel(pathlib.Path({str(folder)!r}))\n"
        f"print(model.ages([pathlib.Path({str(tmp_path / 'photo')!r}).read_bytes()]))\n"
        "print([name for name in ('keras', 'pandas', 'tfx', 'mlflow') if name in sys.modules])\n"
        "import keras, tensorflow as tf\n"
        "print(tf.keras.layers.Dense(2)(tf.ones([3, 4])).shape, keras.layers.Dense(1).units)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"},
    )
    assert done.stdout.splitlines() == ["[42.0]", "[]", "(3, 2) 1"], done.stderr


def test_orientation_is_undone_before_the_model(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "0.jpg", exif=exif)
    model = ByBytes()
    list(Predictor(model, SPEC, GROUPS).predict([PhotoFile("0", str(tmp_path / "0.jpg"))]))
    assert Image.open(io.BytesIO(model.received[0][0])).size == (40, 80)
