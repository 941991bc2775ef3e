"""Small JSON files in an artifact's folder, each with a pydantic model."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from customer_age.files import addresses, store

Contents = TypeVar("Contents", bound=BaseModel)


def read(folder: str, name: str, model: type[Contents]) -> Contents:
    """Read a file.

    Args:
        folder: URI of the artifact.
        name: of the file in the folder.
        model: of the file's contents.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged; the message is one line.
        OSError: the file cannot be read.
    """
    try:
        content = store.read(addresses.join(folder, name))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no {name} in {folder}") from None
    with in_one_line(name):
        return model.model_validate_json(content)


def write(folder: str, name: str, contents: Mapping[str, Any]) -> None:
    """Write a file.

    Args:
        folder: URI of the artifact.
        name: of the file in the folder.
        contents: values that JSON supports.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(contents, indent=2, ensure_ascii=False)
    store.write_whole(addresses.join(folder, name), text.encode())


@contextlib.contextmanager
def in_one_line(name: str) -> Iterator[None]:
    """Shorten pydantic's error about a file to one line."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{name}: {place or 'as a whole'}: {first['msg']}") from error
