"""The tensors of a ResNet50 without its top: Keras's names and shapes, and the older names.

Keras renamed the layers in 2019. Models that were converted earlier have the older names, which
came from Caffe.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from customer_age.errors import SettingsError
from customer_age.files import file_names

from . import tensorflow_js
from .npm_package import MODEL

IMAGENET_SHA256 = "4f4699d1bac0787586ec5c85842d6b917605adee67d9e3a57a640311c6c681da"
"""The digest of Keras's own ImageNet weights, without the top."""

_OTHER_NETWORK = f"{MODEL}: does not describe a ResNet50"

_BLOCKS = (3, 4, 6, 3)
_OLDER_BRANCHES = ("branch1", "branch2a", "branch2b", "branch2c")
_STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")
_TOP = ("fc1000/", "predictions/")
"""Prefixes of the classifier's layers, older and newer: not needed."""


def read(folder: Path) -> dict[str, np.ndarray]:
    """Read the tensors of a ResNet50 from a TensorFlow.js model.

    Args:
        folder: the folder that contains `model.json`.

    Returns:
        Keras's name, such as `conv1_conv/kernel`, to the tensor.

    Raises:
        SettingsError: it is another network, or damaged.
    """
    model = tensorflow_js.describe(folder)
    names = _names(model.shapes)
    tensors = tensorflow_js.tensors(folder, model)
    chosen = {name: tensors[described] for name, described in names.items()}
    for name, tensor in chosen.items():
        if not np.isfinite(tensor).all():
            raise SettingsError(f"{names[name]} contains numbers that are not finite")
    return chosen


def sha256(tensors: Mapping[str, np.ndarray]) -> str:
    """Return the digest of named tensors; it does not depend on a file format."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {list(tensor.shape)}\n".encode())
        digest.update(np.ascontiguousarray(tensor, "<f4").tobytes())
    return digest.hexdigest()


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor, by Keras's name."""
    return {name: shape for name, _, shape in _tensors()}


def _names(described: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Return the name of each tensor in the model, by Keras's name."""
    names = {}
    for name, older, shape in _tensors():
        names[name] = name if name in described else older
        found = described.get(names[name])
        if found is None:
            raise SettingsError(f"{_OTHER_NETWORK}: {older} ({name}) is missing")
        if found != shape:
            raise SettingsError(
                f"{_OTHER_NETWORK}: {names[name]} has the shape {list(found)}, not {list(shape)}"
            )
    for other in sorted(described.keys() - names.values()):
        if not other.startswith(_TOP):
            raise SettingsError(f"{_OTHER_NETWORK}: it has {file_names.shown(other)}")
    return names


def _tensors() -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Return each tensor's name, older name and shape."""
    yield from _convolution("conv1_{}", "conv1", "bn_conv1", (7, 7, 3, 64))
    depth = 64
    for stage, blocks in enumerate(_BLOCKS, start=2):
        narrow = 32 * 2 ** (stage - 1)
        wide = 4 * narrow
        for block in range(1, blocks + 1):
            kernels = [
                (1, 1, depth, wide),
                (1, 1, depth, narrow),
                (3, 3, narrow, narrow),
                (1, 1, narrow, wide),
            ]
            for branch, kernel in enumerate(kernels):
                if branch == 0 and block > 1:  # only the first has a convolution in its shortcut
                    continue
                older = f"{stage}{'abcdef'[block - 1]}_{_OLDER_BRANCHES[branch]}"
                newer = f"conv{stage}_block{block}_{branch}_{{}}"
                yield from _convolution(newer, f"res{older}", f"bn{older}", kernel)
            depth = wide


def _convolution(
    newer: str, older: str, older_normalisation: str, kernel: tuple[int, ...]
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Return the tensors of a convolution and of the batch normalisation after it."""
    filters = kernel[-1:]
    yield f"{newer.format('conv')}/kernel", f"{older}/kernel", kernel
    yield f"{newer.format('conv')}/bias", f"{older}/bias", filters
    for each in _STATISTICS:
        yield f"{newer.format('bn')}/{each}", f"{older_normalisation}/{each}", filters
