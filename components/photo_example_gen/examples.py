"""What one row and its photo become: a `tf.train.Example`, or a refusal."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from customer_age.labels import LabelRow, age_of, split_of
from customer_age.photos import Photo, prepare_photo, read_photo
from customer_age.schema import age_groups, features


@dataclass(frozen=True)
class IngestionSettings:
    """What decides how a photo becomes an example.

    Attributes:
        stored_size: pixels; a photo's shorter side is shrunk to this.
        min_size: pixels; a photo whose shorter side is below this is refused.
        jpeg_quality: of the stored JPEG, 1 to 100.
        split_shares: split name to share, where there are no official splits.
        split_key: keys the hash that deals the splits.
        groups: the evaluation's age groups.
    """

    stored_size: int
    min_size: int
    jpeg_quality: int
    split_shares: Mapping[str, float]
    split_key: str
    groups: age_groups.AgeGroups


class PhotoExample(NamedTuple):
    """The example of a photo, and what is known of it besides.

    Attributes:
        split: its name.
        serialized: a `tf.train.Example`.
        content: the SHA-256 of the photo's file, in hexadecimal digits.
    """

    split: str
    serialized: bytes
    content: str


def make(row: LabelRow, settings: IngestionSettings) -> PhotoExample:
    """Read a row's photo and make its example.

    Args:
        row: a row whose age is known to be one.
        settings: how.

    Raises:
        PhotoRefused: the photo cannot be used.
    """
    content = read_photo(row.photo)
    photo = prepare_photo(content, settings.stored_size, settings.min_size, settings.jpeg_quality)
    digest = hashlib.sha256(content).hexdigest()
    split = row.split or split_of(row.person or digest, settings.split_shares, settings.split_key)
    return PhotoExample(split, _serialized(row, photo, settings), digest)


def _serialized(row: LabelRow, photo: Photo, settings: IngestionSettings) -> bytes:
    age = age_of(row.age)
    texts = {
        features.IMAGE_FORMAT: photo.format,
        features.IMAGE_MODE: photo.mode,
        features.FILE_NAME: row.file_name,
        features.AGE_GROUP: settings.groups.of(age),
        features.PERSON: row.person,
        features.BATCH: row.batch,
        **dict(row.extras),
    }
    numbers = {
        features.IMAGE_WIDTH: photo.width,
        features.IMAGE_HEIGHT: photo.height,
        features.IMAGE_BYTE_SIZE: photo.byte_size,
    }
    floats = {
        features.IMAGE_SQUARENESS: photo.squareness,
        features.IMAGE_BRIGHTNESS: photo.brightness,
        features.IMAGE_SHARPNESS: photo.sharpness,
        features.REAL_AGE: age,
    }
    example = tf.train.Example()
    feature = example.features.feature
    feature[features.IMAGE_ENCODED].bytes_list.value.append(photo.encoded)
    for name, text in texts.items():
        feature[name].bytes_list.value.append(text.encode())
    for name, number in numbers.items():
        feature[name].int64_list.value.append(number)
    for name, value in floats.items():
        feature[name].float_list.value.append(value)
    return example.SerializeToString(deterministic=True)
