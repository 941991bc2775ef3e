"""Reads a model in the TensorFlow.js layers format: `model.json` and binary shards."""

import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from customer_age.errors import SettingsError
from customer_age.files import file_names

from .npm_package import MODEL, MOST_BYTES

_MOST_OF_JSON = 2**22
"""Bytes; the file of a ResNet50 has 110 kB."""

_DTYPE = np.dtype("<f4")


class Tensor(BaseModel):
    """One tensor in `model.json`.

    Attributes:
        quantization: how its numbers are quantised; None if they are not.
    """

    model_config = ConfigDict(strict=True)
    name: str
    shape: Annotated[list[Annotated[int, Field(ge=1, le=2**31)]], Field(max_length=8)]
    dtype: str
    quantization: Any = None


class Group(BaseModel):
    """Consecutive tensors in the concatenated bytes of some shards."""

    model_config = ConfigDict(strict=True)
    paths: list[str]
    weights: list[Tensor]


class Model(BaseModel):
    """The part of `model.json` that describes the weights."""

    model_config = ConfigDict(strict=True)
    format: str = "layers-model"
    groups: list[Group] = Field(alias="weightsManifest")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by name."""
        return {each.name: tuple(each.shape) for group in self.groups for each in group.weights}


def describe(folder: Path) -> Model:
    """Read and check `model.json`, before any shard is read.

    Args:
        folder: the folder that contains it.

    Raises:
        SettingsError: it does not describe a layers model, or the numbers are not float32.
    """
    content = _read(_regular_file(folder, MODEL), _MOST_OF_JSON)
    try:
        model = Model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingsError(
            f"{MODEL}: does not describe a TensorFlow.js layers model: "
            f"{place and f'{place}: '}{' '.join(first['msg'].split())}"
        ) from error
    if model.format != "layers-model":
        raise SettingsError(
            f"{MODEL}: is a {file_names.shown(model.format)}, but must be a layers-model, with "
            "Keras's names"
        )
    _require_plain_numbers(model)
    return model


def tensors(folder: Path, model: Model) -> dict[str, np.ndarray]:
    """Read all tensors, by name.

    Args:
        folder: the model's folder.
        model: the result of `describe`.

    Raises:
        SettingsError: a shard is missing or leads out of the folder, or the size of the shards does
            not match the tensors.
    """
    read = {}
    for group in model.groups:
        expected = sum(map(_size, group.weights))
        files = [_regular_file(folder, path) for path in group.paths]
        sizes = [file.stat().st_size for file in files]
        content = bytearray()
        if sum(sizes) == expected:
            for file in files:
                content += _read(file, expected)
        if len(content) != expected:
            raise SettingsError(
                f"{MODEL}: its tensors have {expected:,} bytes, but the shards {sum(sizes):,}; "
                "a file is truncated or belongs to another model"
            )
        offset = 0
        for each in group.weights:
            numbers = np.frombuffer(content, _DTYPE, math.prod(each.shape), offset)
            read[each.name] = numbers.reshape(each.shape)
            offset += _size(each)
    return read


def _require_plain_numbers(model: Model) -> None:
    described = [each for group in model.groups for each in group.weights]
    for each in described:
        name = file_names.shown(each.name)
        if each.quantization is not None:
            raise SettingsError(
                f"{MODEL}: {name} is quantised; the weights must be float32, as trained"
            )
        if each.dtype != _DTYPE.name:
            raise SettingsError(
                f"{MODEL}: {name} is {file_names.shown(each.dtype)}, but must be float32"
            )
    if len(model.shapes) < len(described):
        raise SettingsError(f"{MODEL}: describes one tensor twice")
    if sum(map(_size, described)) > MOST_BYTES:
        raise SettingsError(f"{MODEL}: its tensors have more than {MOST_BYTES >> 20} MiB")


def _size(tensor: Tensor) -> int:
    """Return the size in bytes."""
    return math.prod(tensor.shape) * _DTYPE.itemsize


def _regular_file(folder: Path, name: str) -> Path:
    """Return a file in the folder itself: not a link, a pipe or a file elsewhere.

    Raises:
        SettingsError: it is not such a file.
    """
    file = folder / name
    if wrong := file_names.wrong_with(name):
        raise SettingsError(f"{MODEL}: the shard {file_names.shown(name)} {wrong}")
    if "/" in name or file.is_symlink() or not file.is_file():
        raise SettingsError(f"{file_names.shown(name)} is not a file next to {MODEL}")
    return file


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise SettingsError(f"{file.name}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise SettingsError(f"{file.name}: has more than {most:,} bytes")
    return content
