"""Lists a bucket folder by folder (`s3://`, `gs://`), through the clients that Beam itself makes.

Beam's own listing knows no folders: it lists every object below a prefix, however deep it lies.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from customer_age.errors import SettingsError

from .object_stores import EXTRAS


@dataclass(frozen=True)
class ListedObject:
    """An object of a bucket.

    Attributes:
        key: its whole name in the bucket.
        digest: stands for its content, as the store computes it; empty where the store has none.
        modified: when it was written, with a time zone.
    """

    key: str
    digest: str
    modified: datetime


class BucketListing(Protocol):
    """Lists one bucket; each store's client raises errors of its own."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The beginnings of names that follow a prefix and end with the next slash."""

    def objects(self, prefix: str) -> Iterator[ListedObject]:
        """Every object whose name begins so."""


class _S3Listing:
    """Whose ETag is an object's MD5, except of one that was uploaded in parts."""

    def __init__(self, bucket: str, options: PipelineOptions):
        from apache_beam.io.aws.clients.s3.boto3_client import Client

        self._bucket = bucket
        self._client = Client(options).client

    def folders(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            yield from (each["Prefix"] for each in page.get("CommonPrefixes", ()))

    def objects(self, prefix: str) -> Iterator[ListedObject]:
        for page in self._pages(Prefix=prefix):
            for each in page.get("Contents", ()):
                yield ListedObject(each["Key"], each["ETag"], each["LastModified"])

    def _pages(self, **arguments: str) -> Iterator[dict[str, Any]]:
        paginator = self._client.get_paginator("list_objects_v2")
        return iter(paginator.paginate(Bucket=self._bucket, **arguments))


class _CloudStorageListing:
    def __init__(self, bucket: str, options: PipelineOptions):
        from apache_beam.io.gcp.gcsio import create_storage_client

        self._bucket = bucket
        self._client = create_storage_client(options)

    def folders(self, prefix: str) -> Iterator[str]:
        for page in self._client.list_blobs(self._bucket, prefix=prefix, delimiter="/").pages:
            yield from page.prefixes

    def objects(self, prefix: str) -> Iterator[ListedObject]:
        for blob in self._client.list_blobs(self._bucket, prefix=prefix):
            yield ListedObject(blob.name, blob.md5_hash or blob.crc32c or "", blob.updated)


_LISTINGS: dict[str, Callable[[str, PipelineOptions], BucketListing]] = {
    "s3": _S3Listing,
    "gs": _CloudStorageListing,
}

SCHEMES = tuple(_LISTINGS)
"""Of the stores that can be listed."""


def open_listing(address: str, beam_args: Sequence[str]) -> BucketListing:
    """Open the bucket of an address, to list what is in it.

    Args:
        address: such as `s3://bucket/inbox`, with one of `SCHEMES`; its path does not count.
        beam_args: Beam options, of which some say how a store is reached (`--s3_endpoint_url`).

    Raises:
        SettingsError: the store's client is not installed.
    """
    scheme, _, path = address.partition("://")
    options = PipelineOptions(list(beam_args))
    # Outside a pipeline, Beam's file systems know no options unless they are told.
    FileSystems.set_options(options)
    try:
        return _LISTINGS[scheme](path.partition("/")[0], options)
    except (ImportError, AssertionError):
        raise SettingsError(f"{address}: install customer-age[{EXTRAS[scheme]}]") from None
