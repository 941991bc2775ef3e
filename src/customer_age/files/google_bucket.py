"""A Cloud Storage bucket, read and written by Google's client.

The client uses the JSON API, for which there are emulators; there are none for the XML API.
"""

import secrets
import warnings
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from .addresses import DataUnavailable
from .entries import ATTEMPT, Entry, StoreError, explained_by, missing, there_already

_SECONDS = 60
"""The time limit of a call with all its retries, and of one try that gets no answer."""

_NOTE = "value"
"""Metadata key of an object that is a note."""


def _translated(error: Exception, address: str) -> Exception:
    if isinstance(error, OSError) and error.filename is not None:
        return error  # of a file on this machine
    code = getattr(error, "code", None)
    if code == HTTPStatus.NOT_FOUND and not _of_the_bucket(error):
        return missing(address)
    # The client's message begins with the request's URL, which contains the key.
    key = address.partition("://")[2].partition("/")[2]
    reason = str(error).rpartition("prettyPrint=false: ")[2] if code else str(error)
    reason = " ".join(reason.split())[:300]
    reason = reason.replace(key, "the object") if key else reason
    reason = reason.partition("http://")[0].partition("https://")[0] if code else reason
    if code:
        reason = f"{int(code)} {HTTPStatus(code).phrase}: {reason}".rstrip(": ")
    return StoreError(reason or type(error).__name__, address)


class GoogleBucket:
    """A bucket of Cloud Storage; implements `entries.Bucket`."""

    def __init__(self, address: str, options: Mapping[str, str]):
        del options  # only S3 has options
        self.address = address
        # Users who read files do not need Google's notice about the end of this Python version.
        warnings.filterwarnings("ignore", "You are using a .*Python version", FutureWarning)
        try:
            from google.auth.exceptions import GoogleAuthError
            from google.cloud.storage import Client
            from google.cloud.storage.retry import DEFAULT_RETRY
        except ImportError:
            raise DataUnavailable(f"{address}: install customer-age[gcs]") from None
        try:
            # Objects are found by their bucket, without a project.
            self._client = Client(project=None)
        except GoogleAuthError as error:
            raise DataUnavailable(f"{address}: {' '.join(str(error).split())[:300]}") from error
        self._bucket = self._client.bucket(address.partition("://")[2])
        # Retries are safe: it does no harm to write or delete an object twice.
        self._calls: dict[str, Any] = {
            "retry": DEFAULT_RETRY.with_timeout(_SECONDS),
            "timeout": _SECONDS,
        }

    def entries(self, prefix: str, deep: bool) -> Iterator[Entry]:
        """List the objects below a prefix."""
        try:
            pages = self._client.list_blobs(
                self._bucket, prefix=prefix, delimiter=None if deep else "/", **self._calls
            ).pages
            for page in pages:
                for folder in sorted(page.prefixes):
                    yield Entry(folder[len(prefix) :].rstrip("/"), is_folder=True)
                for blob in page:
                    if not blob.name.endswith("/"):  # such an object only represents a folder
                        yield _entry(blob, prefix)
        except Exception as error:
            address = f"{self.address}/{prefix}"
            if getattr(error, "code", None) == HTTPStatus.NOT_FOUND:
                raise StoreError("there is no such bucket", address) from error
            raise _translated(error, address) from error

    @explained_by(_translated)
    def read(self, key: str) -> bytes:
        """Read a whole object."""
        return bytes(self._bucket.blob(key).download_as_bytes(**self._calls))

    @explained_by(_translated)
    def fetch(self, key: str, file: BinaryIO) -> None:
        """Write an object's content into an open file."""
        self._bucket.blob(key).download_to_file(file, **self._calls)

    @explained_by(_translated)
    def put(self, key: str, content: bytes | Path, new: bool) -> None:
        """Write an object."""
        from google.api_core.exceptions import PreconditionFailed

        blob = self._bucket.blob(key)
        calls = dict(self._calls)
        attempt = secrets.token_hex(8)
        if new:
            blob.metadata = {ATTEMPT: attempt}
            calls["if_generation_match"] = 0
        try:
            if isinstance(content, Path):
                blob.upload_from_filename(str(content), **calls)
            else:
                blob.upload_from_string(content, "application/octet-stream", **calls)
        except PreconditionFailed:
            # The object may be ours: the answer was lost and the request was repeated.
            found = self._bucket.get_blob(key, **self._calls)
            if found is None or (found.metadata or {}).get(ATTEMPT) != attempt:
                raise there_already(f"{self.address}/{key}") from None

    @explained_by(_translated)
    def put_note(self, key: str, note: str) -> None:
        """Write an empty object with a note that listings contain."""
        blob = self._bucket.blob(key)
        blob.metadata = {_NOTE: note}
        blob.upload_from_string(b"", "application/octet-stream", **self._calls)

    @explained_by(_translated)
    def stand_ins(self, prefix: str) -> list[str]:
        """Return the keys below a prefix of empty objects that represent folders."""
        there = self._client.list_blobs(self._bucket, prefix=prefix, **self._calls)
        return [blob.name for blob in there if blob.name.endswith("/") and not blob.size]

    @explained_by(_translated)
    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket."""
        self._bucket.copy_blob(self._bucket.blob(key), self._bucket, target, **self._calls)

    @explained_by(_translated)
    def delete(self, key: str) -> None:
        """Delete an object if it exists."""
        from google.api_core.exceptions import NotFound

        try:
            self._bucket.blob(key).delete(**self._calls)
        except NotFound as error:
            if _of_the_bucket(error):
                raise

    @explained_by(_translated)
    def exists(self, key: str) -> bool:
        """Return whether there is an object with this key."""
        return bool(self._bucket.blob(key).exists(**self._calls))


def _entry(blob: Any, prefix: str) -> Entry:
    modified = int(blob.updated.timestamp()) * 10**9 + blob.updated.microsecond * 1000
    digest = blob.md5_hash or blob.crc32c or ""
    # Cloud Storage's pages do not say whether it returns empty values.
    note = (blob.metadata or {}).get(_NOTE, "")
    return Entry(blob.name[len(prefix) :], blob.size or 0, modified, digest, note=note)


def _of_the_bucket(error: Exception) -> bool:
    return "bucket does not exist" in str(error)
