"""Models in the TensorFlow.js layers format, as its converter writes them."""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from customer_age.pipeline.pretrained import resnet50

SHARD = 2**22
"""Bytes per shard of the converter; a model's last shard is smaller."""

Change = Callable[[Any], None]


def older_name(name: str) -> str:
    """Return the older name of a tensor such as `conv2_block1_1_conv/kernel`."""
    layer, variable = name.split("/")
    if layer in ("conv1_conv", "conv1_bn"):
        return f"{ {'conv1_conv': 'conv1', 'conv1_bn': 'bn_conv1'}[layer] }/{variable}"
    found = re.fullmatch(r"conv(\d)_block(\d)_(\d)_(conv|bn)", layer)
    assert found, layer
    stage, block, branch, kind = found.groups()
    letters = "1" if branch == "0" else f"2{'-abc'[int(branch)]}"
    prefix = {"conv": "res", "bn": "bn"}[kind]
    return f"{prefix}{stage}{'-abcdef'[int(block)]}_branch{letters}/{variable}"


def write_model(
    folder: Path,
    tensors: Mapping[str, np.ndarray] | None = None,
    change: Change | None = None,
    older: bool = True,
) -> Path:
    """Write a ResNet50 with its top, with these tensors, or with zeros, which use no space.

    Args:
        folder: the folder to create.
        tensors: the tensors by Keras's names.
        change: called with the content of `model.json`.
        older: whether to write the names of Keras's first release.
    """
    folder.mkdir(parents=True)
    shapes = {older_name(name) if older else name: s for name, s in resnet50.shapes().items()}
    shapes |= {"fc1000/kernel": (2048, 10), "fc1000/bias": (10,)}
    size = sum(4 * int(np.prod(shape)) for shape in shapes.values())
    whole = folder / "whole"
    with whole.open("wb") as file:
        for name in resnet50.shapes() if tensors else ():
            file.write(tensors[name].astype("<f4").tobytes())
    os.truncate(whole, size)
    shards = -(-size // SHARD)
    paths = [f"group1-shard{number}of{shards}.bin" for number in range(1, shards + 1)]
    with whole.open("rb") as file:
        for number, path in enumerate(paths):
            if tensors:
                (folder / path).write_bytes(file.read(SHARD))
            else:
                (folder / path).touch()
                os.truncate(folder / path, min(SHARD, size - number * SHARD))
    whole.unlink()
    weights = [
        {"name": name, "shape": list(shape), "dtype": "float32"} for name, shape in shapes.items()
    ]
    model = {
        "format": "layers-model",
        "generatedBy": "keras v2.2.4",
        "modelTopology": {"keras_version": "2.2.4"},
        "weightsManifest": [{"paths": paths, "weights": weights}],
    }
    if change:
        change(model)
    (folder / "model.json").write_text(json.dumps(model))
    return folder


@pytest.fixture(name="write_model", scope="session")
def _write_model() -> Callable[..., Path]:
    return write_model
