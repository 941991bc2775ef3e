"""A model that learned nothing but the ages: it always answers their median.

It is the baseline where the registry has no champion yet. Of all constant answers, the median is
the one with the lowest mean absolute error, so a model that does not beat it reads nothing from a
photo.
"""

import numpy as np
import tensorflow as tf

from customer_age.errors import DataRefused
from customer_age.schema import features

_PARSED_AT_ONCE = 1024


class MedianPredictor(tf.Module):
    """Takes what the trained model takes, and looks at none of it."""

    def __init__(self, age: float):
        super().__init__(name="median_predictor")
        self.age = tf.constant(age, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve_photos(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_default`: encoded photos, string [batch], to years, float32 [batch]."""
        return {"age": tf.fill(tf.shape(image_bytes), self.age)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_examples`: serialized `tf.train.Example`s, string [batch], to years."""
        return {"age": tf.fill(tf.shape(examples), self.age)}


def median_age(split_folder: str) -> float:
    """The median label of a split, in years.

    Args:
        split_folder: of gzipped TFRecords, as PhotoExampleGen writes them; only the labels are
            kept in memory.

    Raises:
        DataRefused: the split is empty.
    """
    label = {features.REAL_AGE: tf.io.FixedLenFeature([], tf.float32)}
    records = tf.data.TFRecordDataset(
        sorted(tf.io.gfile.glob(f"{split_folder}/*.gz")), compression_type="GZIP"
    )
    batches = [
        tf.io.parse_example(batch, label)[features.REAL_AGE].numpy()
        for batch in records.batch(_PARSED_AT_ONCE)
    ]
    if not batches:
        raise DataRefused(f"Champion: no examples in {split_folder}, so there is no median age")
    return float(np.median(np.concatenate(batches)))


def export(age: float, folder: str) -> None:
    """Write a SavedModel with both signatures of the design.

    Args:
        age: years; what it always answers.
        folder: that does not exist yet.
    """
    predictor = MedianPredictor(age)
    tf.saved_model.save(
        predictor,
        folder,
        signatures={
            "serving_default": predictor.serve_photos,
            "serving_examples": predictor.serve_examples,
        },
    )
