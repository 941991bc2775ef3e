"""From a photo's bytes to what the network sees: one function for training and for serving."""

import keras
import tensorflow as tf


def square(encoded: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Decode one photo and fit it whole into a square, padded with black.

    Args:
        encoded: scalar string: a JPEG, PNG, GIF (first frame) or BMP.
        size: pixels of the square's side.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255.
    """
    photo = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    photo.set_shape([None, None, 3])
    return tf.image.resize_with_pad(photo, size, size, antialias=True)


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
