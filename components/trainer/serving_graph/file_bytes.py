"""Reads numbers in a file's content, in a TensorFlow graph."""

import tensorflow as tf


class FileBytes:
    """The content of a file, or its beginning; any byte beyond it is 0.

    Args:
        content: scalar string.
    """

    def __init__(self, content: tf.Tensor):
        content = tf.io.decode_raw(content, tf.uint8)
        self._length = tf.size(content, tf.int64)
        self._padded = tf.concat([content, tf.zeros([1], tf.uint8)], 0)

    def at(self, offset: tf.Tensor | int) -> tf.Tensor:
        """Return unsigned bytes, int64, at one offset or several."""
        offset = tf.cast(offset, tf.int64)
        inside = (offset >= 0) & (offset < self._length)
        return tf.cast(tf.gather(self._padded, where(inside, offset, self._length)), tf.int64)

    def number(
        self, offset: tf.Tensor | int, size: int, little_endian: tf.Tensor | bool
    ) -> tf.Tensor:
        """Return unsigned numbers of 2 or 4 bytes, int64, at one offset or several."""
        parts = [self.at(offset + index) for index in range(size)]
        return where(little_endian, _joined(parts[::-1]), _joined(parts))


def where(condition: tf.Tensor, yes: tf.Tensor | int, no: tf.Tensor | int) -> tf.Tensor:
    """Return int64, chosen by a condition."""
    return tf.where(condition, tf.cast(yes, tf.int64), tf.cast(no, tf.int64))


def _joined(parts: list[tf.Tensor]) -> tf.Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total * 256 + part
    return total
