"""Read and change paths and addresses of object stores without a request to the store.

An address such as `s3://bucket/photos?endpoint=http://minio:9000` names its store: options from
`OPTIONS`, or nothing, follow the last `?`. In a path, and in `file://`, `?` is a plain character.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from customer_age.errors import SettingsError

OPTIONS = ("endpoint", "region", "verify", "use_path_style")
"""The options that may follow `?`: see docs/files.md. Kubeflow's launcher needs the last one to
find a pipeline root; this client always uses path-style requests."""

_PATTERN_CHARACTERS = frozenset("*?[\\")
"""Beam and TensorFlow match names with these, on a disk and in every store, and cannot escape
them. TFX uses an artifact's path as a pattern when it reads the artifact."""

_ANSWERS_AWAITED = 32
_ON_DISK = "file://"
_SQLITE = "sqlite:///"
"""The path follows it. An absolute path adds its own slash."""


class DataUnavailable(SettingsError):
    """The data cannot be read from this machine; another machine may be able to read them."""


def is_remote(address: str) -> bool:
    """Return whether this is an object store's address, such as `gs://bucket/key`, not a path."""
    return "://" in address and not address.startswith(_ON_DISK)


def local_path(address: str) -> str:
    """Return the path of a local file or folder: `/a` for `file:///a`, and a path unchanged."""
    return address.removeprefix(_ON_DISK)


def sqlite_url(path: str) -> str:
    """Return SQLAlchemy's URL of the database at a path, with any characters escaped."""
    return f"{_SQLITE}{quote(path)}"


def sqlite_path(url: str) -> str | None:
    """Return the path of the database file in a URL; None if it is not a SQLite file's URL."""
    if not url.startswith(_SQLITE):
        return None
    return unquote(url.removeprefix(_SQLITE).partition("?")[0])


def plain(address: str) -> str:
    """Return an address without its options, to show to people."""
    return _parted(address)[0]


def options(address: str) -> dict[str, str]:
    """Return the options after an address's `?`; a path has none."""
    return dict(parse_qsl(_parted(address)[1] or ""))


def join(address: str, *names: str) -> str:
    """Append names to a path or an address, separated by `/`, and keep the address's options.

    Names are literal: no part of a name is read as options.
    """
    if not is_remote(address):
        return os.path.join(address, *names)  # noqa: PTH118  a path is kept as it is written
    path, query = _parted(address)
    for name in names:
        path = f"{path.rstrip('/')}/{name.lstrip('/')}"
    return path if query is None and _parted(path)[1] is None else f"{path}?{query or ''}"


def split(address: str) -> tuple[str, str]:
    """Return a file's folder, with the address's options, and the file's name."""
    path, query = _parted(address)
    folder, slash, name = path.rpartition("/")
    folder = folder or ("/" if slash else ".")
    return folder if query is None else f"{folder}?{query}", name


def reached_by(address: str, beam_args: Sequence[str]) -> str:
    """Add the S3 options from Beam's arguments to an address that does not set them itself.

    Args:
        address: a path or an address.
        beam_args: Beam options. Only `--s3_endpoint_url`, `--s3_region_name` and `--s3_verify`
            are used.
    """
    if not address.startswith("s3://"):
        return address
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--s3_endpoint_url", dest="endpoint")
    parser.add_argument("--s3_region_name", dest="region")
    parser.add_argument("--s3_verify", dest="verify")
    parsed = vars(parser.parse_known_args(list(beam_args))[0])
    known = {name: value for name, value in parsed.items() if value} | options(address)
    return with_options(address, known) if known else address


def with_options(address: str, known: Mapping[str, str]) -> str:
    """Return an address with these options instead of its own; a path stays unchanged."""
    path = plain(address)
    needless = not known and _parted(path)[1] is None
    return path if needless or not is_remote(path) else f"{path}?{urlencode(known, safe=':/')}"


def check_options(address: str) -> str:
    """Check that the options that a person wrote after `?` are known.

    Returns:
        The address.

    Raises:
        SettingsError: an option is unknown.
    """
    name = address.rpartition("?")[2].partition("=")[0]
    if is_remote(address) and "?" in address and _parted(address)[1] is None and "=" in address:
        raise SettingsError(
            f"{address}: unknown option {name!r} in an address; known are {', '.join(OPTIONS)}"
        )
    return address


def pattern_characters(address: str) -> list[str]:
    """Return the characters of a path or address, without options, that TFX reads as a pattern."""
    return sorted(_PATTERN_CHARACTERS.intersection(plain(address)))


def at_once(address: str) -> int:
    """Return how many requests to send to a location at the same time.

    A store answers slowly, so many requests wait together. A disk answers at once, and Python's
    threads would wait for each other: with as many threads, a check of 10,000 batches took three
    times as long.
    """
    return _ANSWERS_AWAITED if is_remote(address) else 1


def _parted(address: str) -> tuple[str, str | None]:
    """Return the address without options, and the options: None without `?`, empty after a `?`."""
    if not is_remote(address):
        return address, None
    path, mark, query = address.rpartition("?")
    named = [part.partition("=") for part in query.split("&")] if query else []
    if not mark or not all(name in OPTIONS and equals for name, equals, _ in named):
        return address, None
    return path, query
