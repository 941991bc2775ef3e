"""A model's files in a folder or an object store, for a registry that keeps no files itself."""

import contextlib
import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from customer_age.components.errors import RunError, SettingsError

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileSystem

_SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""

_STORES = {
    "s3": ("boto3", "apache_beam.io.aws.s3filesystem", "S3FileSystem", "s3"),
    "gs": ("google.cloud.storage", "apache_beam.io.gcp.gcsfilesystem", "GCSFileSystem", "gcs"),
}
"""Scheme to its client, Beam's file system, and the extra of this package that brings the client.

Where a store is and who may enter, its client reads from the environment (`AWS_ENDPOINT_URL`,
`AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS` and so on).
"""

_SPECIAL = set("?*[]#&")
"""Of a URI, or of the patterns by which files are listed."""

SUPPORTED = "s3://bucket/folder, gs://bucket/folder or file:///folder"


class _Place(Protocol):
    """Files by their names under an address."""

    def names(self) -> list[str]:
        """Of every file, such as `variables/variables.index`."""

    def put(self, source: Path, name: str) -> None:
        """Write a file, over the one of that name."""

    def get(self, name: str, target: Path) -> None:
        """Read a file."""


class _Folder:
    """A folder that every machine in question sees, such as a mounted volume."""

    def __init__(self, address: str):
        self._folder = Path(address.removeprefix("file://"))

    def names(self) -> list[str]:
        files = (each for each in self._folder.rglob("*") if each.is_file())
        return [each.relative_to(self._folder).as_posix() for each in files]

    def put(self, source: Path, name: str) -> None:
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: another publisher of the same model may write the same file.
        unfinished = target.with_name(f".{target.name}.unfinished")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)

    def get(self, name: str, target: Path) -> None:
        shutil.copyfile(self._folder / name, target)


class _Bucket:
    """A prefix of a bucket, through Beam's file systems."""

    def __init__(self, address: str):
        self._address = address
        self._files = _file_system(address)

    def names(self) -> list[str]:
        (found,) = self._files.match([f"{self._address}/**"])
        start = len(self._address) + 1
        # Stores list their zero-byte stand-ins for folders too.
        return [each.path[start:] for each in found.metadata_list if not each.path.endswith("/")]

    def put(self, source: Path, name: str) -> None:
        from apache_beam.io.filesystem import CompressionTypes

        address = f"{self._address}/{name}"
        plain = CompressionTypes.UNCOMPRESSED
        with (
            source.open("rb") as content,
            self._files.create(address, compression_type=plain) as stream,
        ):
            shutil.copyfileobj(content, stream)

    def get(self, name: str, target: Path) -> None:
        from apache_beam.io.filesystem import CompressionTypes

        address = f"{self._address}/{name}"
        plain = CompressionTypes.UNCOMPRESSED
        with (
            self._files.open(address, compression_type=plain) as stream,
            target.open("wb") as content,
        ):
            shutil.copyfileobj(stream, content)


def check_address(address: str) -> str:
    """See that files can be kept under an address, as far as the address itself tells.

    Args:
        address: such as `s3://bucket/models`.

    Returns:
        The address, without a slash at its end.

    Raises:
        SettingsError: it is of no kind that is supported, or no whole path.
    """
    scheme, _, path = address.partition("://")
    path = path.rstrip("/")
    whole = path.startswith("/") if scheme == "file" else path and not path.startswith("/")
    if scheme not in (*_STORES, "file") or not whole or _SPECIAL & set(path):
        raise SettingsError(f"registry.uri: artifacts={address} must be {SUPPORTED}")
    if "@" in path.partition("/")[0]:
        raise SettingsError(
            "registry.uri: give no user or password in it, since it is kept in logs and metadata; "
            "object stores read their credentials from the environment"
        )
    return f"{scheme}://{path}"


def upload(folder: Path, address: str) -> None:
    """Put a SavedModel's files under an address, over what an upload that was killed left there.

    Raises:
        RunError: the store refuses.
        SettingsError: the store's client is not installed.
    """
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    with _explained(address):
        place = _place(address)
        for file in files:
            place.put(file, file.relative_to(folder).as_posix())


def download(address: str, folder: Path) -> None:
    """Put the SavedModel under an address into an empty folder.

    Args:
        address: of the SavedModel, or of a folder above it.
        folder: to write to.

    Raises:
        RunError: there is no SavedModel, or the store refuses.
        SettingsError: the store's client is not installed.
    """
    with _explained(address):
        place = _place(address)
        names = place.names()
        root = _saved_model_root(names, address)
        for name in names:
            if name.startswith(root):
                target = folder / name.removeprefix(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                place.get(name, target)


def _saved_model_root(names: list[str], address: str) -> str:
    """The beginning of the names of a SavedModel's files: empty, or such as `1/`."""
    models = [each for each in names if each.rpartition("/")[2] == _SAVED_MODEL]
    if not models:
        raise RunError(f"{address}: there is no {_SAVED_MODEL} under this address")
    return min(models, key=len).removesuffix(_SAVED_MODEL)


def _place(address: str) -> _Place:
    return _Folder(address) if address.startswith("file://") else _Bucket(address)


def _file_system(address: str) -> "FileSystem":
    from apache_beam.options.pipeline_options import PipelineOptions

    scheme = address.partition("://")[0]
    if scheme not in _STORES:
        raise SettingsError(f"{address}: no file system for {scheme}://")
    client, module, name, extra = _STORES[scheme]
    try:
        importlib.import_module(client)
        # Not `FileSystems`: its options belong to the whole process, and to ingestion.
        file_system = getattr(importlib.import_module(module), name)
    except ImportError:
        raise SettingsError(f"{address}: install customer-age[{extra}]") from None
    return file_system(PipelineOptions([]))


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise whatever a store complains of as one line; each store has exceptions of its own."""
    try:
        yield
    except RunError:
        raise
    except Exception as error:
        details = getattr(error, "exception_details", None)
        inner = next(iter(details.values())) if details else error
        said = " ".join(str(inner).split())[:300]
        raise RunError(f"the model's files under {address}: {said}") from error
