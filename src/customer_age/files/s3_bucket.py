"""A bucket of S3 or of a store with S3's API, read and written by obstore."""

import importlib.util
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

from .addresses import DataUnavailable
from .entries import ATTEMPT, Entry, StoreError, explained_by, misnamed, missing, there_already
from .file_names import wrong_as_key

_TRIES = 8

_RETRIES: Any = {
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
}
"""Used after 429, 5xx and cut connections."""

_CREDENTIALS_KEPT = timedelta(minutes=5)
"""boto3 renews credentials that expire within ten minutes, so those that it returns last longer."""

_IN_PARTS = 16 * 2**20
"""Bytes; a larger upload is sent in parts."""

_ERROR_XML = re.compile(r"<Code>([^<]*)</Code>\s*(?:<Message>([^<]*)</Message>)?")
_SERVER = re.compile(r"https?://[^/\s]+")
_KEY = re.compile('Path "(.*)"(?: contained|: Encountered)', re.DOTALL)
_STATUS = re.compile(r"status code: (\d{3}[^:\n]*)")

_CHECKED_AT_ONCE = 16

_process = 0
"""The process that sent the first request: obstore's threads belong to it."""


def _translated(error: Exception, address: str) -> Exception:
    if isinstance(error, StoreError):
        return error
    text = str(error).partition("\n\nDebug source")[0]
    answer = _ERROR_XML.search(text)
    if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in text:
        return missing(address)
    if isinstance(error, ValueError) or type(error).__name__ == "InvalidPathError":
        bucket, _, key = address.removeprefix("s3://").partition("/")
        key = found[1] if (found := _KEY.search(text)) else key
        wrong = wrong_as_key(key) or "is not accepted by S3's client"
        return misnamed(key, wrong, f"s3://{bucket}")
    if answer:
        return StoreError(": ".join(part for part in answer.groups() if part), address)
    status = _STATUS.search(text)
    return StoreError(status[1].strip() if status else _unanswered(text), address)


class S3Bucket:
    """A bucket of S3 or of a store with S3's API; implements `entries.Bucket`."""

    def __init__(self, address: str, options: Mapping[str, str]):
        self.address = address
        name = address.partition("://")[2]
        self._store = _store(name, options)

    def entries(self, prefix: str, deep: bool) -> Iterator[Entry]:
        """List the objects below a prefix."""
        try:
            yield from self._entries(prefix, deep)
        except Exception as error:
            raise _translated(error, f"{self.address}/{prefix}") from error

    def _entries(self, prefix: str, deep: bool) -> Iterator[Entry]:
        import obstore

        if deep:
            for page in obstore.list(self._client(), prefix or None):
                for found in self._without_stand_ins(page):
                    yield _entry(found, prefix)
            return
        level = obstore.list_with_delimiter(self._client(), prefix or None)
        for folder in level["common_prefixes"]:
            yield Entry(folder[len(prefix) :], is_folder=True)
        for found in level["objects"]:
            if found["path"] != prefix.rstrip("/"):  # the object that represents the folder
                yield _entry(found, prefix)

    def _without_stand_ins(self, page: Any) -> Iterator[Any]:
        """Leave out `folder/`, which is listed as `folder` although no such object exists."""
        empty = [each["path"] for each in page if not each["size"]]
        there: dict[str, bool] = {}
        if empty:
            with ThreadPoolExecutor(min(_CHECKED_AT_ONCE, len(empty))) as pool:
                there = dict(zip(empty, pool.map(self.exists, empty), strict=True))
        return (each for each in page if there.get(each["path"], True))

    @explained_by(_translated)
    def read(self, key: str) -> bytes:
        """Read a whole object."""
        import obstore

        return bytes(obstore.get(self._client(), key).bytes())

    @explained_by(_translated)
    def fetch(self, key: str, file: BinaryIO) -> None:
        """Write an object's content into an open file."""
        import obstore

        for part in obstore.get(self._client(), key):
            file.write(part)

    @explained_by(_translated)
    def put(self, key: str, content: bytes | Path, new: bool) -> None:
        """Write an object."""
        import obstore

        if not new:
            size = content.stat().st_size if isinstance(content, Path) else len(content)
            obstore.put(
                self._client(),
                key,
                content,
                use_multipart=size > _IN_PARTS,
                chunk_size=max(_IN_PARTS, size // 5000),  # a store accepts 10,000 parts
            )
            return
        attempt = secrets.token_hex(8)
        if isinstance(content, Path):
            content = content.read_bytes()
        try:
            obstore.put(
                self._client(),
                key,
                content,
                mode="create",
                use_multipart=False,
                attributes={ATTEMPT: attempt},
            )
        except obstore.exceptions.AlreadyExistsError:
            # The object may be ours: the answer was lost and the request was repeated.
            found = obstore.get(self._client(), key, options={"head": True})
            if found.attributes.get(ATTEMPT) != attempt:
                raise there_already(f"{self.address}/{key}") from None

    @explained_by(_translated)
    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket."""
        import obstore

        obstore.copy(self._client(), key, target)

    @explained_by(_translated)
    def delete(self, key: str) -> None:
        """Delete an object if it exists."""
        import obstore

        obstore.delete(self._client(), key)

    @explained_by(_translated)
    def exists(self, key: str) -> bool:
        """Return whether there is an object with this key."""
        import obstore

        try:
            obstore.head(self._client(), key)
        except FileNotFoundError:
            return False
        return True

    def _client(self) -> Any:
        """Return the client, or raise StoreError in a forked process, where it would hang."""
        global _process  # noqa: PLW0603  obstore has one runtime for a process
        _process = _process or os.getpid()
        if os.getpid() != _process:
            reason = "S3's client does not work in a forked process; start the process with 'spawn'"
            raise StoreError(reason, self.address)
        return self._store


def _unanswered(text: str) -> str:
    """Return the reason and the server, without the request's path, which contains the key."""
    reason = " ".join(text.rpartition(" - ")[2].split())[:200]
    server = _SERVER.search(text)
    return f"no answer from {server[0]} ({reason})" if server else reason


def _entry(found: Any, prefix: str) -> Entry:
    modified = _nanoseconds(found["last_modified"])
    return Entry(found["path"][len(prefix) :], found["size"], modified, found["e_tag"] or "")


def _nanoseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _store(bucket: str, options: Mapping[str, str]) -> Any:
    """Return a client. If boto3 is installed, it provides credentials, endpoint and region."""
    from obstore.store import S3Store

    arguments: dict[str, Any] = dict(options)
    arguments.pop("use_path_style", None)  # obstore uses path-style requests in any case
    verify = arguments.pop("verify", os.environ.get("AWS_CA_BUNDLE", ""))
    if importlib.util.find_spec("boto3") is not None:
        arguments = _by_boto3(bucket, arguments)
    elif "AWS_PROFILE" in os.environ:
        raise DataUnavailable(
            f"s3://{bucket}: AWS profiles need the extra [s3]; install customer-age[s3]"
        )
    endpoint = (
        arguments.get("endpoint")
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL", "")
    )
    client: Any = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=5),
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(minutes=30),
    }
    if verify.lower() in ("false", "no"):
        client["allow_invalid_certificates"] = True
    elif verify and verify.lower() != "true":
        client["root_certificate"] = Path(verify).read_bytes()
    if endpoint:
        arguments["endpoint"] = arguments["aws_endpoint_url_s3"] = endpoint
    tries = int(os.environ.get("AWS_MAXATTEMPTS", _TRIES))
    retries: Any = {**_RETRIES, "max_retries": max(0, tries - 1)}
    return S3Store(bucket, **arguments, client_options=client, retry_config=retries)


def _by_boto3(bucket: str, arguments: dict[str, Any]) -> dict[str, Any]:
    import boto3
    from botocore.exceptions import BotoCoreError
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        session = boto3.Session()
        default_region = session.region_name or os.environ.get("AWS_REGION", "us-east-1")
        client = session.client(
            "s3",
            endpoint_url=arguments.get("endpoint"),
            region_name=arguments.get("region", default_region),
        )
        provider = Boto3CredentialProvider(session, ttl=_CREDENTIALS_KEPT)
    except BotoCoreError as error:
        raise DataUnavailable(f"s3://{bucket}: {error}") from error
    except ValueError:
        reason = "no AWS credentials were found; see docs/files.md"
        raise DataUnavailable(f"s3://{bucket}: {reason}") from None
    return {
        "endpoint": client.meta.endpoint_url,
        "region": client.meta.region_name,
        "credential_provider": provider,
    }
