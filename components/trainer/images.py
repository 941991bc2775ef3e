"""From a photo's bytes to what the network sees: one function for training and for serving."""

import keras
import tensorflow as tf


def square(encoded: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Decode one photo and fit it whole into a square, padded with black.

    Args:
        encoded: scalar string: a JPEG, as ingestion stores it.
        size: pixels of the square's side.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255.
    """
    return fitted(decoded_jpeg(encoded), size)


def decoded_jpeg(encoded: tf.Tensor, ratio: int = 1) -> tf.Tensor:
    """Decode a JPEG as Pillow does, by the exact cosine transform, at one over `ratio` of its size.

    Returns:
        uint8 [height, width, 3], RGB.
    """
    return tf.io.decode_jpeg(encoded, 3, ratio, dct_method="INTEGER_ACCURATE")


def fitted(photo: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Shrink or enlarge a decoded photo, [height, width, 3], to fit whole into a square.

    Sides are rounded to whole pixels before they are centred. `tf.image.resize_with_pad` centres
    unrounded ones, so that one photo in two sizes may lie a row apart in the square.

    Returns:
        float32 [size, size, 3], padded with black.
    """
    sides = tf.cast(tf.shape(photo)[:2], tf.float32)
    scaled = sides * tf.cast(size, tf.float32) / tf.reduce_max(sides)
    sides = tf.maximum(tf.cast(tf.round(scaled), tf.int32), 1)
    resized = tf.image.resize(photo, sides, antialias=True)
    before = (size - sides) // 2
    return tf.image.pad_to_bounding_box(resized, before[0], before[1], size, size)


def augment(encoded: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Decode one photo as `square` does, but a little different each time.

    Mirrored or not, enlarged by up to a sixth and cut out at a random place, lighter or darker,
    of more or less contrast, and once in twenty times in grey.

    Args:
        encoded: scalar string, as for `square`.
        size: pixels of the square's side.
        seed: int64 [2]; the same seed gives the same picture.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255.
    """
    seeds = tf.unstack(tf.random.split(seed, num=6))
    side = tf.random.stateless_uniform([], seeds[0], size, size + size // 6 + 1, tf.int32)
    photo = square(encoded, side)
    photo = tf.image.stateless_random_crop(photo, [size, size, 3], seeds[1])
    photo = tf.image.stateless_random_flip_left_right(photo, seeds[2])
    photo = tf.image.stateless_random_brightness(photo, 20.0, seeds[3])
    photo = tf.image.stateless_random_contrast(photo, 0.85, 1.15, seeds[4])
    if tf.random.stateless_uniform([], seeds[5]) < 0.05:
        photo = tf.tile(tf.image.rgb_to_grayscale(photo), [1, 1, 3])
    photo = tf.clip_by_value(photo, 0.0, 255.0)
    photo.set_shape([size, size, 3])
    return photo


def as_imagenet(photos: keras.KerasTensor) -> keras.KerasTensor:
    """RGB to what Keras's ResNet50 weights were trained on: BGR, less ImageNet's mean colour.

    The same as `keras.applications.resnet.preprocess_input`, whose source the means are from,
    written in operations that become a part of the model.
    """
    mean_bgr = keras.ops.convert_to_tensor([103.939, 116.779, 123.68], dtype="float32")
    return keras.ops.flip(photos, axis=-1) - mean_bgr
