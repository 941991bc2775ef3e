"""Reads TFRecords into batches of photos and ages."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from customer_age.errors import DataRefused
from customer_age.schema import features

from . import images

_SHUFFLED_PHOTOS = 4096
_SPARE = 1.25
"""The side of a decoded photo, as a multiple of the side of the network's square."""

_AHEAD = 4
"""Batches that are prepared before they are needed."""


def real_ages(file_patterns: Sequence[str]) -> np.ndarray:
    """Read the labels of a split.

    Args:
        file_patterns: of TFRecord files.

    Returns:
        float32 [photos], years.

    Raises:
        DataRefused: the split is empty.
    """
    batches = [ages.numpy() for _, ages in labelled_records(file_patterns, 1024)]
    if not batches:
        raise DataRefused(f"no examples in {', '.join(file_patterns)}")
    return np.concatenate(batches)


def labelled_records(file_patterns: Sequence[str], batch_size: int) -> tf.data.Dataset:
    """Read every example of a split once.

    Returns:
        A data set of (string [<= batch_size], serialized, and float32 [<= batch_size], years).
    """
    label = {features.REAL_AGE: tf.io.FixedLenFeature([], tf.float32)}
    return _without_autotune(
        _records(file_patterns)
        .batch(batch_size)
        .map(lambda batch: (batch, tf.io.parse_example(batch, label)[features.REAL_AGE]))
    )


def training_batches(
    file_patterns: Sequence[str],
    size: int,
    batch_size: int,
    augmentation: bool,
    seed: int,
    skipped: int = 0,
    in_memory: bool = False,
) -> tf.data.Dataset:
    """Read batches to train on: in a new order each epoch, augmented, all of full size.

    Args:
        file_patterns: of TFRecord files.
        size: pixels of the network's input.
        batch_size: photos per step.
        augmentation: whether photos are varied.
        seed: of the order and of the variations.
        skipped: batches that the training has already used.
        in_memory: whether decoded photos stay in memory (`decoded_bytes` in total) instead of
            being decoded in each epoch. The batches are the same.

    Returns:
        An endless data set of (float32 [batch_size, size, size, 3], float32 [batch_size, 1]).
    """
    side = decoded_side(size, augmentation)

    def decoded(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, age = _parse(record)
        photo = tf.cast(tf.round(images.square(encoded, side)), tf.uint8)
        return tf.ensure_shape(photo, [side, side, 3]), age

    def varied(
        photos_and_ages: tuple[tf.Tensor, tf.Tensor], seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        photos, ages = photos_and_ages
        if augmentation:
            return images.augmented(photos, size, tf.stack([seeds[0], 0])), ages
        return tf.cast(photos, tf.float32), ages

    photos = _records(file_patterns)
    if in_memory:
        photos = _decoded(photos, decoded).cache()
    # Each iterator creates its own shuffle. Otherwise the order would depend on the number of
    # earlier iterators: with several GPUs, Keras reads a batch through an iterator of its own.
    shuffled = tf.data.Dataset.range(1).flat_map(
        lambda _: photos.shuffle(_SHUFFLED_PHOTOS, seed=seed).repeat()
    )
    behind = skipped * batch_size
    shuffled = shuffled.skip(behind) if in_memory else _decoded(shuffled.skip(behind), decoded)
    seeds = tf.data.Dataset.random(seed=seed).skip(behind)
    return _prepared_ahead(
        tf.data.Dataset.zip((shuffled, seeds))
        .batch(batch_size, drop_remainder=True)
        .map(varied, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    )


def decoded_side(size: int, augmentation: bool) -> int:
    """Return the side of a decoded photo in pixels: larger than the network's if it is varied."""
    return math.ceil(size * _SPARE) if augmentation else size


def decoded_bytes(photos: int, size: int, augmentation: bool) -> int:
    """Return the size in memory, in bytes, of decoded photos."""
    return photos * decoded_side(size, augmentation) ** 2 * 3


def _decoded(records: tf.data.Dataset, decode: Callable) -> tf.data.Dataset:
    return records.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def measuring_batches(
    file_patterns: Sequence[str], size: int, batch_size: int, photos: int
) -> tf.data.Dataset:
    """Read every photo of a split once, prepared as for serving.

    Args:
        file_patterns: of TFRecord files.
        size: pixels of the network's input.
        batch_size: photos per step.
        photos: number in those files. Without a known length, the end of the data set would cause
            a warning.

    Returns:
        A data set of (float32 [<= batch_size, size, size, 3], float32 [<= batch_size, 1]).
    """

    def plain(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, age = _parse(record)
        return images.square(encoded, size), age

    return _prepared_ahead(
        _records(file_patterns)
        .map(plain, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .apply(tf.data.experimental.assert_cardinality(math.ceil(photos / batch_size)))
    )


def _records(file_patterns: Sequence[str]) -> tf.data.Dataset:
    files = sorted(file for pattern in file_patterns for file in tf.io.gfile.glob(pattern))
    zipped = bool(files) and files[0].endswith(".gz")
    return tf.data.TFRecordDataset(files, compression_type="GZIP" if zipped else "")


def _prepared_ahead(batches: tf.data.Dataset) -> tf.data.Dataset:
    return _without_autotune(batches.prefetch(_AHEAD))


def _without_autotune(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Switch off autotune, whose thread may sleep for up to a minute after the last batch.

    The end of an iterator, as at the end of `fit`, waits for that thread. Without autotune,
    `AUTOTUNE` means one call for each thread of the processor. This must be the last step, as the
    options of a data set inside `flat_map` have no effect.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def _parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    example = tf.io.parse_single_example(
        record,
        {
            features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string),
            features.REAL_AGE: tf.io.FixedLenFeature([1], tf.float32),
        },
    )
    return example[features.IMAGE_ENCODED], example[features.REAL_AGE]
