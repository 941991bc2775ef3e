"""What the tuner may choose: KerasTuner's hyperparameters, from the ranges of the settings."""

from collections.abc import Mapping

import keras_tuner

Ranges = Mapping[str, tuple[float, float]]
"""Setting of `trainer` to its lowest and highest value."""

_LINEAR = ("dropout",)
"""All others are tried by their orders of magnitude."""

_DIGITS = 3


def hyperparameters(ranges: Ranges) -> keras_tuner.HyperParameters:
    """The ranges as KerasTuner has them."""
    space = keras_tuner.HyperParameters()
    for name, (lowest, highest) in ranges.items():
        space.Float(name, lowest, highest, sampling="linear" if name in _LINEAR else "log")
    return space


def rounded(values: Mapping[str, float], ranges: Ranges) -> dict[str, float]:
    """Values as a person would write them, within the ranges; a trial uses them as they are."""
    return {
        name: min(max(float(f"{value:.{_DIGITS}g}"), ranges[name][0]), ranges[name][1])
        for name, value in values.items()
    }
