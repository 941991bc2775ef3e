"""The network's output: a distribution over ages, whose mean is the predicted age.

A photo's label becomes a normal distribution around its age, and the loss compares the network's
distribution with it (label distribution learning: Gao et al., 2018, "Age Estimation Using
Expectation of Label Distribution Learning"). From the same start, this reaches in three epochs the
error that one output in years reaches in four: each photo also shows which ages are wrong, and the
influence of a wrong label is bounded.
"""

import keras
import numpy as np

_OLDEST = 120
"""Years: equal to `schema.age_groups.OLDEST`, as a test checks. With an import, each change of the
age groups would require a new training."""

YEARS = np.arange(_OLDEST + 1, dtype=np.float32)
"""The ages of shares and logits, in order."""

SPREAD = 2.5
"""Years: the standard deviation of a label's distribution."""

_ERROR_WEIGHT = 0.1
"""The weight in the loss of one year of absolute error; the divergence has weight 1."""

_LARGEST_TILT = 1.0
_HALVINGS = 30
"""Of `unbiasing_tilt`: a tilt of 1 moves the mean of a label's distribution by six years."""

_LEAST_SHARE = 1e-6
"""Added to the share of each age, so that the logits of ages without a label are finite."""


def label_shares(ages: keras.KerasTensor) -> keras.KerasTensor:
    """Return the distribution of a label.

    Args:
        ages: float32 [batch, 1], years.

    Returns:
        float32 [batch, ages]; each row adds up to 1.
    """
    # Not with densities: for an age far beyond the oldest one they are all 0.
    return keras.ops.softmax(-0.5 * keras.ops.square((YEARS - ages) / SPREAD), axis=-1)


def expected_age(logits: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean of a distribution: [batch, ages] to float32 [batch, 1], years."""
    shares = keras.ops.softmax(keras.ops.cast(logits, "float32"), axis=-1)
    return keras.ops.sum(shares * YEARS, axis=-1, keepdims=True)


def logits_of(ages: np.ndarray) -> np.ndarray:
    """Return the logits of the mean distribution of labels.

    Args:
        ages: float [photos], years; the labels.

    Returns:
        float32 [ages].
    """
    rounded = np.clip(np.round(ages), 0, _OLDEST).astype(int)
    counts = np.bincount(rounded, minlength=len(YEARS))
    shares = counts @ np.asarray(label_shares(YEARS[:, None])) / len(ages)
    return np.log(shares + _LEAST_SHARE).astype(np.float32)


def head_of(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn a layer that returns an age into one that returns a distribution around it.

    The logits of a normal distribution around m are y m / s^2 - y^2 / 2 s^2 plus a constant: if m
    is linear in the features, so are they. The mean is m, except near the youngest and the oldest
    age.

    Args:
        kernel: float [features, 1], of a layer with an output in years.
        bias: float [1].

    Returns:
        Kernel [features, ages] and bias [ages] of the layer of logits.
    """
    by_year = YEARS / SPREAD**2
    return kernel * by_year, bias * by_year - np.square(YEARS / SPREAD) / 2


def age_errors(logits: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """Return the errors of expected ages: predicted minus real, float [photos], years.

    Args:
        logits: float [views, photos, ages]; a photo's age is the mean of its views'.
        ages: float [photos], years; the labels.
    """
    return np.asarray(expected_age(logits))[..., 0].mean(axis=0) - ages


def unbiasing_tilt(logits: np.ndarray, ages: np.ndarray) -> float:
    """Return the tilt after which the mean error is zero, as far as it is not chance.

    A tilt t multiplies the share of each age y by e^(t y): a logit grows by t y. The mean of a
    distribution then moves by about t times its variance (Esscher, 1932): the network's sure
    answers hardly change, and none leaves the range of the ages.

    Of a mean error m with the standard error s, s^2 / m is left, and all of it if it is below s
    (the positive-part estimator of James and Stein, 1961).

    Args:
        logits: float [views, photos, ages], as of `age_errors`.
        ages: float [photos], years; the labels.

    Returns:
        In 1 / years; 0 if the mean absolute error would not be lower, as where most errors have the
        other sign than their mean.
    """
    errors = age_errors(logits, ages)
    mean = float(np.mean(errors))
    chance = float(np.var(errors, ddof=1)) / len(ages) if len(ages) > 1 else np.inf
    if mean**2 <= chance:
        return 0.0
    lowest, highest = -_LARGEST_TILT, _LARGEST_TILT
    for _ in range(_HALVINGS):  # the mean error grows with the tilt
        middle = (lowest + highest) / 2
        if np.mean(age_errors(logits + middle * YEARS, ages)) > chance / mean:
            highest = middle
        else:
            lowest = middle
    tilt = (lowest + highest) / 2
    is_better = np.mean(np.abs(age_errors(logits + tilt * YEARS, ages))) < np.mean(np.abs(errors))
    return tilt if is_better else 0.0


class ExpectedAge(keras.layers.Layer):
    """Turns logits, [batch, ages], into expected ages, float32 [batch, 1], years."""

    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Return the mean."""
        return expected_age(logits)


class DistributionLoss(keras.losses.Loss):
    """The cross-entropy of label distribution and logits, plus the weighted error of the mean."""

    def call(self, ages: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Return float32 [batch], for labels in years, [batch, 1], and logits, [batch, ages]."""
        divergence = keras.ops.categorical_crossentropy(
            label_shares(ages), logits, from_logits=True
        )
        error = keras.ops.abs(expected_age(logits) - ages)[:, 0]
        return divergence + _ERROR_WEIGHT * error


class ExpectedAgeError(keras.metrics.MeanAbsoluteError):
    """The mean absolute error of the distributions' means, in years."""

    def update_state(
        self,
        ages: keras.KerasTensor,
        logits: keras.KerasTensor,
        sample_weight: keras.KerasTensor | None = None,
    ) -> None:
        """Add a batch: labels in years, [batch, 1], and logits, [batch, ages]."""
        super().update_state(ages, expected_age(logits), sample_weight)
