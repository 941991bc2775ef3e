"""A model's files in a folder or an object store, for a registry that keeps no files itself."""

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from customer_age.errors import RunError, SettingsError

_SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""

_SPECIAL = set("?*[]#&")
"""Of a URI, or of patterns: of more than a folder's name."""

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


class _S3:
    """A prefix of a bucket in S3, or in a store that speaks as S3 does."""

    def __init__(self, address: str):
        import boto3

        self._client = boto3.client("s3")
        self._bucket, self._prefix = _bucket_and_prefix(address)

    def names(self) -> list[str]:
        listing = self._client.get_paginator("list_objects_v2")
        pages = listing.paginate(Bucket=self._bucket, Prefix=self._prefix)
        keys = (each["Key"] for page in pages for each in page.get("Contents", ()))
        return _files_under(self._prefix, keys)

    def put(self, source: Path, name: str) -> None:
        self._client.upload_file(str(source), self._bucket, self._prefix + name)

    def get(self, name: str, target: Path) -> None:
        self._client.download_file(self._bucket, self._prefix + name, str(target))


class _CloudStorage:
    """A prefix of a bucket in Google Cloud Storage."""

    def __init__(self, address: str):
        from google.cloud.storage import Client

        bucket, self._prefix = _bucket_and_prefix(address)
        self._bucket = Client().bucket(bucket)

    def names(self) -> list[str]:
        blobs = self._bucket.list_blobs(prefix=self._prefix)
        return _files_under(self._prefix, (each.name for each in blobs))

    def put(self, source: Path, name: str) -> None:
        self._bucket.blob(self._prefix + name).upload_from_filename(str(source))

    def get(self, name: str, target: Path) -> None:
        self._bucket.blob(self._prefix + name).download_to_filename(str(target))


_PLACES: dict[str, tuple[Callable[[str], _Place], str]] = {
    "s3": (_S3, "s3"),
    "gs": (_CloudStorage, "gcs"),
    "file": (_Folder, ""),
}
"""Scheme to the class, and the extra of this package that brings its client.

Where a store is and who may enter, its client reads from the environment (`AWS_ENDPOINT_URL`,
`AWS_ACCESS_KEY_ID`, `GOOGLE_APPLICATION_CREDENTIALS` and so on).
"""


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
    if scheme not in _PLACES or not whole or _SPECIAL & set(path):
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
    scheme = address.partition("://")[0]
    if scheme not in _PLACES:
        raise SettingsError(f"{address}: files are read from {SUPPORTED}")
    place, extra = _PLACES[scheme]
    try:
        return place(address)
    except ImportError:
        raise SettingsError(f"{address}: install customer-age[{extra}]") from None


def _bucket_and_prefix(address: str) -> tuple[str, str]:
    bucket, _, path = address.partition("://")[2].partition("/")
    return bucket, f"{path}/" if path else ""


def _files_under(prefix: str, keys: Iterable[str]) -> list[str]:
    """Names after the prefix; stores list their zero-byte stand-ins for folders too."""
    return [each.removeprefix(prefix) for each in keys if not each.endswith("/")]


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise whatever a store complains of as one line; each store has exceptions of its own."""
    try:
        yield
    except RunError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise RunError(f"the model's files under {address}: {said}") from error
