"""From TFRecords to batches of photos and ages."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from customer_age.errors import DataRefused
from customer_age.schema import features

from . import images

_SHUFFLED_PHOTOS = 4096


def real_ages(file_patterns: Sequence[str]) -> np.ndarray:
    """The labels of a split.

    Args:
        file_patterns: of TFRecord files.

    Returns:
        float32 [photos], years.

    Raises:
        DataRefused: the split is empty.
    """
    label = {features.REAL_AGE: tf.io.FixedLenFeature([], tf.float32)}
    batches = [
        tf.io.parse_example(records, label)[features.REAL_AGE].numpy()
        for records in _records(file_patterns).batch(1024)
    ]
    if not batches:
        raise DataRefused(f"no examples in {', '.join(file_patterns)}")
    return np.concatenate(batches)


def training_batches(
    file_patterns: Sequence[str],
    size: int,
    batch_size: int,
    augmentation: bool,
    seed: int,
    skipped: int = 0,
) -> tf.data.Dataset:
    """Batches to learn from: shuffled anew each epoch, augmented, every one of full size.

    Only encoded photos wait in memory, never decoded ones.

    Args:
        file_patterns: of TFRecord files.
        size: pixels of the network's input.
        batch_size: photos per step.
        augmentation: whether photos are varied.
        seed: of the order and of the variations.
        skipped: batches that a training has behind it; they are read again, but not decoded.

    Returns:
        An endless data set of (float32 [batch_size, size, size, 3], float32 [batch_size, 1]).
    """

    def varied(record: tf.Tensor, photo_seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, age = _parse(record)
        if augmentation:
            return images.augment(encoded, size, tf.stack([photo_seed, 0])), age
        return images.square(encoded, size), age

    files = _records(file_patterns)
    # Made anew for each iterator, or the order would depend on how many came before: Keras looks at
    # a batch through one of its own where there are several GPUs.
    records = tf.data.Dataset.range(1).flat_map(
        lambda _: files.shuffle(_SHUFFLED_PHOTOS, seed=seed).repeat()
    )
    return (
        tf.data.Dataset.zip((records, tf.data.Dataset.random(seed=seed)))
        .skip(skipped * batch_size)
        .map(varied, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def measuring_batches(
    file_patterns: Sequence[str], size: int, batch_size: int, photos: int
) -> tf.data.Dataset:
    """Every photo of a split once, as it will be served.

    Args:
        file_patterns: of TFRecord files.
        size: pixels of the network's input.
        batch_size: photos per step.
        photos: in those files. A data set that knows its length needs no warning at its end.

    Returns:
        A data set of (float32 [<= batch_size, size, size, 3], float32 [<= batch_size, 1]).
    """

    def plain(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, age = _parse(record)
        return images.square(encoded, size), age

    return (
        _records(file_patterns)
        .map(plain, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .apply(tf.data.experimental.assert_cardinality(math.ceil(photos / batch_size)))
        .prefetch(tf.data.AUTOTUNE)
    )


def _records(file_patterns: Sequence[str]) -> tf.data.Dataset:
    files = sorted(file for pattern in file_patterns for file in tf.io.gfile.glob(pattern))
    zipped = bool(files) and files[0].endswith(".gz")
    return tf.data.TFRecordDataset(files, compression_type="GZIP" if zipped else "")


def _parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    example = tf.io.parse_single_example(
        record,
        {
            features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string),
            features.REAL_AGE: tf.io.FixedLenFeature([1], tf.float32),
        },
    )
    return example[features.IMAGE_ENCODED], example[features.REAL_AGE]
