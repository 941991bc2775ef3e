"""Batch normalisation as training and serving use it."""

from typing import Any

import keras
import tensorflow as tf


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation of pictures, by TensorFlow's one operation for it.

    Keras's own takes mean and variance by operations of their own and converts what is in half
    precision to float32 and back: with the 53 of a ResNet50 that is a quarter of a step's time on a
    CPU. Here photos stay in the precision that they come in, and all parameters and statistics are
    float32. The results are those of Keras's own but for rounding, and for the variance that moves
    the statistics: it is the unbiased one, n / (n - 1) times as large. On another Keras backend
    this is Keras's layer itself.
    """

    def __init__(self, **config: Any):
        # Else Keras rounds the parameters to half precision before `call` sees them.
        super().__init__(autocast=False, **config)

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Normalise float [batch, height, width, channels]."""
        if keras.backend.backend() != "tensorflow" or mask is not None or self.renorm:
            return super().call(inputs, training=training, mask=mask)
        if not (training and self.trainable):
            return self._normalised(inputs, self.moving_mean, self.moving_variance).y
        unknown = tf.zeros([0])
        normalised = self._normalised(inputs, unknown, unknown, is_training=True)
        self._move(self.moving_mean, normalised.batch_mean)
        self._move(self.moving_variance, normalised.batch_variance)
        return normalised.y

    def _normalised(
        self, inputs: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, is_training: bool = False
    ) -> Any:
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.convert_to_tensor(mean),
            variance=tf.convert_to_tensor(variance),
            epsilon=self.epsilon,
            is_training=is_training,
        )

    def _move(self, statistic: keras.Variable, batch: tf.Tensor) -> None:
        statistic.assign(statistic * self.momentum + batch * (1.0 - self.momentum))
