"""Examples and a registry, as Champion finds them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from customer_age.schema import features

WriteExamples = Callable[..., standard_artifacts.Examples]


def example(age: float) -> bytes:
    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    feature = {
        features.IMAGE_ENCODED: text("no photo: nobody looks at it"),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: text("25-34"),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


@pytest.fixture
def write_examples(tmp_path: Path) -> WriteExamples:
    """An `Examples` artifact, from the ages in the shards of its train split, and its test ages."""

    def write(
        *train: Sequence[float], test: Sequence[float] = (30,)
    ) -> standard_artifacts.Examples:
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / "examples")
        examples.split_names = artifact_utils.encode_split_names(["train", "test"])
        for split, shards in (("train", train), ("test", [test])):
            folder = tmp_path / "examples" / f"Split-{split}"
            folder.mkdir(parents=True)
            for number, ages in enumerate(shards):
                file = str(folder / f"data_tfrecord-{number:05d}-of-{len(shards):05d}.gz")
                with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
                    for age in ages:
                        writer.write(example(age))
        return examples

    return write
