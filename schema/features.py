"""The names and the contents of the features of an ingested example.

One `tf.train.Example` is one photo. Every feature has exactly one value.
"""

IMAGE_ENCODED = "image/encoded"
"""bytes: a JPEG, upright, RGB, at most the stored size on its shorter side, without EXIF."""

IMAGE_FORMAT = "image/format"
"""str: the format of the original photo, as Pillow names it (`JPEG`, `PNG`, ...)."""

IMAGE_MODE = "image/mode"
"""str: the colour mode of the original photo, as Pillow names it (`RGB`, `L`, `CMYK`, ...)."""

IMAGE_WIDTH = "image/width"
"""int: pixels of the original photo, turned upright."""

IMAGE_HEIGHT = "image/height"
"""int: pixels of the original photo, turned upright."""

IMAGE_BYTE_SIZE = "image/byte_size"
"""int: bytes of the original file."""

IMAGE_SQUARENESS = "image/squareness"
"""float: shorter side over longer side, in (0, 1]."""

IMAGE_BRIGHTNESS = "image/brightness"
"""float: mean luma of the stored photo, from 0 (black) to 255 (white)."""

IMAGE_SHARPNESS = "image/sharpness"
"""float: variance of the Laplacian of the stored photo's luma; a low value means blurred."""

FILE_NAME = "file_name"
"""str: the photo's name in its label table."""

REAL_AGE = "real_age"
"""float: the label, in years."""

AGE_GROUP = "age_group"
"""str: the evaluation age group that `real_age` falls into (`25-34`, `65+`)."""

PERSON = "person"
"""str: the person's pseudonym, a keyed hash; empty if the table names no person."""

BATCH = "batch"
"""str: the name of the photo's batch, or empty."""

EXTRA = "extra/"
"""Prefix of the name of an additional column of the label table that the settings keep; str."""

STATISTICS = (
    IMAGE_FORMAT,
    IMAGE_MODE,
    IMAGE_WIDTH,
    IMAGE_HEIGHT,
    IMAGE_BYTE_SIZE,
    IMAGE_SQUARENESS,
    IMAGE_BRIGHTNESS,
    IMAGE_SHARPNESS,
    REAL_AGE,
    AGE_GROUP,
    BATCH,
)
"""The features that TFDV reads: never the image bytes, and no name of a photo or a person."""

SPLITS = ("train", "valid", "test")
"""The model is trained on `train`, `valid` guides the training, only the Evaluator reads `test`."""
