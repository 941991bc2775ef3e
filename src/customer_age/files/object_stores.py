"""Data folders in object stores (`gs://`, `s3://`), through Beam's file systems."""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from customer_age.errors import SettingsError

from .addresses import DataAway
from .data_folder import ListedFile
from .kept_property import kept_property

EXTRAS = {"gs": "gcs", "s3": "s3"}
"""Scheme of an address to the extra of this package that brings its client."""


@dataclass(frozen=True)
class StoreFolder:
    """A prefix of a bucket, listed once, at the first question."""

    address: str

    def path(self, name: str) -> str:
        """See `Folder`."""
        return f"{self.address}/{name}" if name else self.address

    def has_file(self, name: str) -> bool:
        """See `Folder`."""
        return name in self._listing

    def has_folder(self, name: str) -> bool:
        """See `Folder`; a store has no folders, only names with a common beginning."""
        return any(file.startswith(f"{name}/") for file in self._listing)

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        opened = FileSystems.open(self.path(name), compression_type=CompressionTypes.UNCOMPRESSED)
        return cast(BinaryIO, opened)

    def files(self, name: str) -> Iterator[tuple[str, ListedFile]]:
        """See `Folder`."""
        for file, listed in self._listing.items():
            if not name or file.startswith(f"{name}/"):
                yield file, listed

    @kept_property
    def _listing(self) -> dict[str, ListedFile]:
        try:
            (found,) = FileSystems.match([f"{self.address}/**"])
        except (BeamIOError, ValueError, OSError) as error:
            raise DataAway(f"data folder {self.address}: {_reason(error)}") from error
        start = len(self.address) + 1
        return {
            file.path[start:]: ListedFile(
                file.size_in_bytes, int((file.last_updated_in_seconds or 0) * 10**9)
            )
            for file in found.metadata_list
            # Stores list their zero-byte stand-ins for folders too.
            if not file.path.endswith("/") and not file.path.rpartition("/")[2].startswith(".")
        }


def open_folder(address: str, beam_args: Sequence[str]) -> StoreFolder:
    """Open a prefix of a bucket.

    Args:
        address: such as `s3://bucket/photos`.
        beam_args: Beam options, of which some say how a store is reached (`--s3_endpoint_url`).

    Raises:
        DataAway: there is no access to it, or no client for this kind of store.
        SettingsError: there is nothing.
    """
    folder = reach(address, beam_args)
    if not any(folder.files("")):
        raise SettingsError(f"data folder {folder.address}: there is nothing under this address")
    return folder


def reach(address: str, beam_args: Sequence[str]) -> StoreFolder:
    """Find the client for a prefix of a bucket, which may hold nothing.

    Raises:
        SettingsError: there is no client for this kind of store.
    """
    # Outside a pipeline, Beam's file systems know no options unless they are told.
    FileSystems.set_options(PipelineOptions(list(beam_args)))
    address = address.rstrip("/")
    scheme = address.partition("://")[0]
    # Beam knows s3:// without its client, and fails at the first question.
    clientless = scheme == "s3" and importlib.util.find_spec("boto3") is None
    try:
        FileSystems.get_filesystem(address)
    except ValueError:
        clientless = True
    if clientless:
        extra = EXTRAS.get(scheme)
        raise DataAway(
            f"data folder {address}: "
            + (f"install customer-age[{extra}]" if extra else f"no file system for {scheme}://")
        )
    return StoreFolder(address)


def _reason(error: Exception) -> str:
    details = getattr(error, "exception_details", None)
    inner = next(iter(details.values())) if details else error
    return " ".join(str(inner).split())[:300]
