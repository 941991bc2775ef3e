"""The search space: KerasTuner's hyperparameters, from the ranges of the settings."""

from collections.abc import Mapping

import keras_tuner

Ranges = Mapping[str, tuple[float, float]]
"""Setting of `trainer` to its lowest and highest value."""

_LINEAR = ("dropout",)
"""Sampled on a linear scale; all others on a logarithmic one."""

_DIGITS = 3


def hyperparameters(ranges: Ranges) -> keras_tuner.HyperParameters:
    """Convert the ranges to KerasTuner's hyperparameters."""
    space = keras_tuner.HyperParameters()
    for name, (lowest, highest) in ranges.items():
        space.Float(name, lowest, highest, sampling="linear" if name in _LINEAR else "log")
    return space


def rounded(values: Mapping[str, float], ranges: Ranges) -> dict[str, float]:
    """Round values to three significant digits, within the ranges, as trials use them."""
    return {
        name: min(max(float(f"{value:.{_DIGITS}g}"), ranges[name][0]), ranges[name][1])
        for name, value in values.items()
    }
