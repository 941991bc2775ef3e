"""Inboxes in object stores (`s3://`, `gs://`), through the clients that Beam itself makes.

Beam's own listing knows no folders: it would list every photo of every batch at each look.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apache_beam.options.pipeline_options import PipelineOptions

from customer_age.errors import RunError, SettingsError
from customer_age.files import object_stores
from customer_age.files.store import Folder
from customer_age.labels.batches import COMPLETE


@dataclass(frozen=True)
class _Object:
    """An object, by its whole name in the bucket."""

    key: str
    digest: str
    modified: datetime


class _Bucket(Protocol):
    """What is asked of a store."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The beginnings of names that follow a prefix and end with the next slash."""

    def objects(self, prefix: str) -> Iterator[_Object]:
        """Every object whose name begins so."""


class BucketInbox:
    """See `Inbox`."""

    def __init__(self, address: str, bucket: _Bucket):
        self.address = address
        self._bucket = bucket
        _, _, path = address.partition("://")[2].partition("/")
        self._prefix = f"{path}/" if path else ""

    def names(self) -> list[str]:
        """See `Inbox`. A store has no folders, so there is always an inbox, if an empty one."""
        with _explained(self.address):
            folders = list(self._bucket.folders(self._prefix))
        names = (folder.removeprefix(self._prefix).rstrip("/") for folder in folders)
        return sorted(name for name in names if name and not name.startswith(("_", ".")))

    def arrived(self, name: str) -> datetime | None:
        """See `Inbox`."""
        key = f"{self._prefix}{name}/{COMPLETE}"
        with _explained(self.address):
            found = (each.modified for each in self._bucket.objects(key) if each.key == key)
            return next(found, None)

    def digests(self, name: str) -> Mapping[str, str]:
        """See `Inbox`."""
        prefix = f"{self._prefix}{name}/"
        with _explained(self.address):
            digests = {
                each.key.removeprefix(prefix): each.digest for each in self._bucket.objects(prefix)
            }
        return {
            file: digest
            for file, digest in digests.items()
            # Stores list their zero-byte stand-ins for folders too.
            if file and not file.endswith("/") and not file.rpartition("/")[2].startswith(".")
        }

    def folder(self, name: str) -> Folder:
        """See `Inbox`."""
        return object_stores.StoreFolder(f"{self.address}/{name}")


class _S3:
    """Whose ETag is an object's MD5, except of one that was uploaded in parts."""

    def __init__(self, bucket: str, options: PipelineOptions):
        from apache_beam.io.aws.clients.s3.boto3_client import Client

        self._bucket = bucket
        self._client = Client(options).client

    def folders(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            yield from (each["Prefix"] for each in page.get("CommonPrefixes", ()))

    def objects(self, prefix: str) -> Iterator[_Object]:
        for page in self._pages(Prefix=prefix):
            for each in page.get("Contents", ()):
                yield _Object(each["Key"], each["ETag"], each["LastModified"])

    def _pages(self, **arguments: str) -> Iterator[dict[str, Any]]:
        listing = self._client.get_paginator("list_objects_v2")
        return iter(listing.paginate(Bucket=self._bucket, **arguments))


class _CloudStorage:
    def __init__(self, bucket: str, options: PipelineOptions):
        from apache_beam.io.gcp.gcsio import create_storage_client

        self._bucket = bucket
        self._client = create_storage_client(options)

    def folders(self, prefix: str) -> Iterator[str]:
        for page in self._client.list_blobs(self._bucket, prefix=prefix, delimiter="/").pages:
            yield from page.prefixes

    def objects(self, prefix: str) -> Iterator[_Object]:
        for blob in self._client.list_blobs(self._bucket, prefix=prefix):
            yield _Object(blob.name, blob.md5_hash or blob.crc32c or "", blob.updated)


_STORES: dict[str, Callable[[str, PipelineOptions], _Bucket]] = {"s3": _S3, "gs": _CloudStorage}


def open_bucket(address: str, beam_args: Sequence[str]) -> BucketInbox:
    """Open an inbox in an object store.

    Args:
        address: such as `s3://bucket/inbox`.
        beam_args: Beam options, of which some say how a store is reached (`--s3_endpoint_url`).

    Raises:
        SettingsError: there is no client for this kind of store.
    """
    address = address.rstrip("/")
    scheme, _, path = address.partition("://")
    if scheme not in _STORES:
        raise SettingsError(f"data.inbox: {address}: batches are read from s3:// and gs://")
    options = PipelineOptions(list(beam_args))
    # Outside a pipeline, Beam's file systems know no options unless they are told.
    object_stores.FileSystems.set_options(options)
    try:
        bucket = _STORES[scheme](path.partition("/")[0], options)
    except (ImportError, AssertionError):
        extra = object_stores.EXTRAS[scheme]
        raise SettingsError(f"data.inbox: {address}: install customer-age[{extra}]") from None
    return BucketInbox(address, bucket)


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise whatever a store complains of as one line; each store has exceptions of its own."""
    try:
        yield
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise RunError(f"data.inbox: {address}: {said}") from error
