"""What the network learns: a distribution over ages, whose mean is the answer.

A photo's label becomes a normal distribution around its age, and the network's answer is compared
with it (label distribution learning: Gao et al., 2018, "Age Estimation Using Expectation of Label
Distribution Learning"). From the same start that learns in three epochs what one output in years
learns in four: each photo says which ages it is not, and an odd label cannot pull without bound.
"""

import keras
import numpy as np

_OLDEST = 120
"""Years: `schema.age_groups.OLDEST`, held by a test. Were it imported, a training would be due
wherever the age groups change."""

YEARS = np.arange(_OLDEST + 1, dtype=np.float32)
"""The ages that shares and logits stand for, in order."""

SPREAD = 2.5
"""Years: the standard deviation of a label's distribution."""

_ERROR_WEIGHT = 0.1
"""Of a year of the mean's absolute error, beside the divergence."""

_LEAST_SHARE = 1e-6
"""Of an age that no label is near: its logit stays finite."""


def label_shares(ages: keras.KerasTensor) -> keras.KerasTensor:
    """Return the distribution that stands for a label.

    Args:
        ages: float32 [batch, 1], years.

    Returns:
        float32 [batch, ages]; each row adds up to 1.
    """
    # Not by densities: for an age far beyond the oldest one they are all 0.
    return keras.ops.softmax(-0.5 * keras.ops.square((YEARS - ages) / SPREAD), axis=-1)


def expected_age(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of a distribution: [batch, ages] to float32 [batch, 1], years."""
    shares = keras.ops.softmax(keras.ops.cast(logits, "float32"), axis=-1)
    return keras.ops.sum(shares * YEARS, axis=-1, keepdims=True)


def logits_of(ages: np.ndarray) -> np.ndarray:
    """Return the logits, float32 [ages], of how often labels stand for each age.

    Args:
        ages: float [photos], years.
    """
    rounded = np.clip(np.round(ages), 0, _OLDEST).astype(int)
    counts = np.bincount(rounded, minlength=len(YEARS))
    shares = counts @ np.asarray(label_shares(YEARS[:, None])) / len(ages)
    return np.log(shares + _LEAST_SHARE).astype(np.float32)


def head_of(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn a layer that answers with an age into one that answers with a distribution around it.

    The logits of a normal distribution around m are y m / s^2 - y^2 / 2 s^2 and a constant, so they
    are as linear as m is. Its mean is m, but near the youngest and the oldest age.

    Args:
        kernel: float [features, 1], of a layer whose output is years.
        bias: float [1].

    Returns:
        Kernel [features, ages] and bias [ages] of the layer of logits.
    """
    by_year = YEARS / SPREAD**2
    return kernel * by_year, bias * by_year - np.square(YEARS / SPREAD) / 2


class ExpectedAge(keras.layers.Layer):
    """Logits, [batch, ages], to the mean of their distribution, float32 [batch, 1], years."""

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Return the mean."""
        return expected_age(logits)


class DistributionLoss(keras.losses.Loss):
    """How far logits are from labels: the divergence of the distributions, and of their means."""

    def call(self, ages: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Return float32 [batch], for labels in years, [batch, 1], and logits, [batch, ages]."""
        divergence = keras.ops.categorical_crossentropy(
            label_shares(ages), logits, from_logits=True
        )
        error = keras.ops.abs(expected_age(logits) - ages)[:, 0]
        return divergence + _ERROR_WEIGHT * error


class ExpectedAgeError(keras.metrics.MeanAbsoluteError):
    """The mean absolute error of what the distributions expect, in years."""

    def update_state(
        self,
        ages: keras.KerasTensor,
        logits: keras.KerasTensor,
        sample_weight: keras.KerasTensor | None = None,
    ) -> None:
        """Count a batch: labels in years, [batch, 1], and logits, [batch, ages]."""
        super().update_state(ages, expected_age(logits), sample_weight)
