"""Calls a function that may fail, in a TensorFlow graph.

A graph cannot catch an error, but a data set of one element can ignore it. TensorFlow prepares the
functions of a data set once more for each call, so the function should be small.
"""

from collections.abc import Callable

import tensorflow as tf


def result_or(
    otherwise: tf.Tensor, function: Callable[..., tf.Tensor], *arguments: tf.Tensor
) -> tf.Tensor:
    """Return a function's result, or another tensor if the function fails.

    Args:
        otherwise: a tensor of the result's dtype; its shape may be another one.
        function: of the arguments.
        arguments: tensors.
    """
    return (
        tf.data.Dataset.from_tensors(arguments)
        .map(function)
        .ignore_errors()
        .concatenate(tf.data.Dataset.from_tensors(otherwise))
        .take(1)
        .get_single_element()
    )
