"""Turns one row and its photo into a `tf.train.Example`, or a refusal."""

import hashlib
from typing import NamedTuple

import tensorflow as tf

from customer_age.labels import LabelRow, age_of, split_of
from customer_age.photos.decode import read_photo
from customer_age.photos.prepare import Photo, prepare_photo
from customer_age.schema import features
from customer_age.schema.age_groups import AgeGroups

from .spec import IngestionSpec


class PhotoExample(NamedTuple):
    """The example of a photo, with its split and its content.

    Attributes:
        split: name of the split.
        serialized: a `tf.train.Example`.
        content: the SHA-256 of the photo's file, in hexadecimal digits.
    """

    split: str
    serialized: bytes
    content: str


def make(row: LabelRow, spec: IngestionSpec, groups: AgeGroups) -> PhotoExample:
    """Read a row's photo and make its example.

    Args:
        row: a row with a valid age.
        spec: how a row becomes an example.
        groups: the age groups of the spec.

    Raises:
        PhotoRefused: the photo cannot be used.
    """
    content = read_photo(row.photo)
    photo = prepare_photo(content, spec)
    digest = hashlib.sha256(content).hexdigest()
    split = row.split or split_of(row.person or digest, spec)
    return PhotoExample(split, _serialized(row, photo, groups), digest)


def _serialized(row: LabelRow, photo: Photo, groups: AgeGroups) -> bytes:
    age = age_of(row.age)
    texts = {
        features.IMAGE_FORMAT: photo.format,
        features.IMAGE_MODE: photo.mode,
        features.FILE_NAME: row.file_name,
        features.AGE_GROUP: groups.of(age),
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
