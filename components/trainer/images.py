"""Turns a photo's bytes into the network's input: one function for training and for serving."""

import keras
import tensorflow as tf

ZOOM = 0.1
"""The largest share by which `augmented` enlarges, shrinks and moves a photo."""


def square(encoded: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Decode one photo and fit all of it into a square, padded with black.

    Args:
        encoded: scalar string: a JPEG, as ingestion stores it.
        size: pixels of the square's side.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255.
    """
    return fitted(decoded_jpeg(encoded), size)


def decoded_jpeg(encoded: tf.Tensor, ratio: int = 1) -> tf.Tensor:
    """Decode a JPEG as Pillow does, by the exact cosine transform.

    Args:
        encoded: scalar string.
        ratio: 1, 2, 4 or 8; each side is divided by it.

    Returns:
        uint8 [height, width, 3], RGB.
    """
    return tf.io.decode_jpeg(encoded, 3, ratio, dct_method="INTEGER_ACCURATE")


def fitted(photo: tf.Tensor, size: tf.Tensor | int) -> tf.Tensor:
    """Shrink or enlarge a decoded photo, [height, width, 3], so that all of it fits into a square.

    Sides are rounded to whole pixels before the photo is centred. `tf.image.resize_with_pad`
    centres unrounded sides: two sizes of one photo can then differ by a row in the square.

    Returns:
        float32 [size, size, 3], padded with black.
    """
    sides = tf.cast(tf.shape(photo)[:2], tf.float32)
    scaled = sides * tf.cast(size, tf.float32) / tf.reduce_max(sides)
    sides = tf.maximum(tf.cast(tf.round(scaled), tf.int32), 1)
    resized = tf.image.resize(photo, sides, antialias=True)
    before = (size - sides) // 2
    return tf.image.pad_to_bounding_box(resized, before[0], before[1], size, size)


def augmented(squares: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Vary a batch of photos at random.

    A photo may be mirrored, is enlarged or shrunk by up to a tenth and moved by as much, gets other
    brightness and contrast, and becomes grey once in twenty times. Its average size is the size
    that is served: a network that was trained only on enlarged faces is a quarter of a year worse.

    Args:
        squares: [batch, side, side, 3], RGB, 0 to 255, as `fitted` returns them. With a side above
            `size`, enlarged photos stay sharp.
        size: pixels of the network's square.
        seed: int64 [2]; the same seed gives the same photos.

    Returns:
        float32 [batch, size, size, 3], RGB, 0 to 255.
    """
    warp_seed, colour_seed = tf.unstack(tf.random.split(seed, num=2))
    photos = _recoloured(tf.cast(squares, tf.float32), colour_seed)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.clip_by_value(photos, 0.0, 255.0),
        transforms=_warps(tf.shape(squares)[0], squares.shape[1], size, warp_seed),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _warps(photos: tf.Tensor, side: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw the source of each pixel of a photo: float32 [photos, 8], the operation's transforms."""
    seeds = tf.unstack(tf.random.split(seed, num=4))

    def drawn(number: int, least: float, most: float) -> tf.Tensor:
        return tf.random.stateless_uniform([photos], seeds[number], least, most)

    scale = side / size / drawn(0, 1 - ZOOM, 1 + ZOOM)
    turn = tf.where(drawn(1, 0.0, 1.0) < 0.5, -1.0, 1.0)
    middle = (side - 1) / 2
    x = middle + drawn(2, -ZOOM, ZOOM) * side / 2 - scale * turn * (size - 1) / 2
    y = middle + drawn(3, -ZOOM, ZOOM) * side / 2 - scale * (size - 1) / 2
    none = tf.zeros([photos])
    return tf.stack([scale * turn, none, x, none, scale, y, none, none], axis=1)


def _recoloured(photos: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    seeds = tf.unstack(tf.random.split(seed, num=3))
    one_each = [tf.shape(photos)[0], 1, 1, 1]
    contrast = tf.random.stateless_uniform(one_each, seeds[0], 0.85, 1.15)
    brightness = tf.random.stateless_uniform(one_each, seeds[1], -20.0, 20.0)
    mean = tf.reduce_mean(photos, axis=[1, 2], keepdims=True)
    photos = (photos - mean) * contrast + mean + brightness
    is_grey = tf.random.stateless_uniform(one_each, seeds[2]) < 0.05
    return tf.where(is_grey, tf.image.rgb_to_grayscale(photos), photos)


def as_imagenet(photos: keras.KerasTensor) -> keras.KerasTensor:
    """Turn RGB into the input of Keras's ResNet50 weights: BGR minus ImageNet's mean colour.

    The result is that of `keras.applications.resnet.preprocess_input`, whose source contains the
    means. These operations become part of the model.
    """
    mean_bgr = keras.ops.convert_to_tensor([103.939, 116.779, 123.68], dtype="float32")
    return keras.ops.flip(photos, axis=-1) - mean_bgr
