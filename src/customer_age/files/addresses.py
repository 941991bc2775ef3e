"""Paths and addresses of object stores: what can be said of one without asking the store.

An address such as `s3://bucket/photos?endpoint=http://minio:9000` says where its store is: behind
the last `?` stand options of `OPTIONS`, or nothing. In a path, and in `file://`, `?` is a letter.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, unquote, urlencode

from customer_age.errors import SettingsError

OPTIONS = ("endpoint", "region", "verify", "use_path_style")
"""What may stand behind `?`: see docs/files.md. The last one is for Kubeflow's launcher, which
finds a pipeline root by it; here, buckets are always asked by path."""

_PATTERN_CHARACTERS = frozenset("*?[\\")
"""Beam or TensorFlow match names by them, on a disk and in every store; there is no way to quote
one. TFX makes a pattern of an artifact's path to read it."""

_ANSWERS_AWAITED = 32
_ON_DISK = "file://"
_SQLITE = "sqlite:///"
"""The path comes behind it, and an absolute one has a slash of its own."""


class DataAway(SettingsError):
    """The data cannot be read from here; perhaps they can from elsewhere."""


def is_remote(address: str) -> bool:
    """Whether this is the address of an object store, such as `gs://bucket/key`, and no path."""
    return "://" in address and not address.startswith(_ON_DISK)


def local_path(address: str) -> str:
    """The path of a local file or folder: `file:///a` is `/a`, and a path is itself."""
    return address.removeprefix(_ON_DISK)


def sqlite_url(path: str) -> str:
    """The URL by which SQLAlchemy opens the database at a path, whatever its name holds."""
    return f"{_SQLITE}{quote(path)}"


def sqlite_path(url: str) -> str | None:
    """The path of the database file that a URL names; None where it is no SQLite file's URL."""
    if not url.startswith(_SQLITE):
        return None
    return unquote(url.removeprefix(_SQLITE).partition("?")[0])


def plain(address: str) -> str:
    """An address without its options, as people know it."""
    return _parted(address)[0]


def options(address: str) -> dict[str, str]:
    """The options behind an address's `?`; none of a path."""
    return dict(parse_qsl(_parted(address)[1] or ""))


def join(address: str, *names: str) -> str:
    """Put names behind a path or an address, with `/` between, and keep the address's options.

    Names are literal: whatever they hold, they bring no options with them.
    """
    if not is_remote(address):
        return os.path.join(address, *names)  # noqa: PTH118  a path is kept as it is written
    path, query = _parted(address)
    for name in names:
        path = f"{path.rstrip('/')}/{name.lstrip('/')}"
    return path if query is None and _parted(path)[1] is None else f"{path}?{query or ''}"


def split(address: str) -> tuple[str, str]:
    """The folder that a file lies in, with the address's options, and the file's name."""
    path, query = _parted(address)
    folder, slash, name = path.rpartition("/")
    folder = folder or ("/" if slash else ".")
    return folder if query is None else f"{folder}?{query}", name


def reached_by(address: str, beam_args: Sequence[str]) -> str:
    """Add what Beam's options say of an S3 store, where the address itself does not say it.

    Args:
        address: a path or an address.
        beam_args: Beam options, of which `--s3_endpoint_url`, `--s3_region_name` and
            `--s3_verify` count.
    """
    if not address.startswith("s3://"):
        return address
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--s3_endpoint_url", dest="endpoint")
    parser.add_argument("--s3_region_name", dest="region")
    parser.add_argument("--s3_verify", dest="verify")
    given = vars(parser.parse_known_args(list(beam_args))[0])
    known = {name: value for name, value in given.items() if value} | options(address)
    return with_options(address, known) if known else address


def with_options(address: str, known: Mapping[str, str]) -> str:
    """An address with these options behind it, in place of its own; a path has none."""
    path = plain(address)
    needless = not known and _parted(path)[1] is None
    return path if needless or not is_remote(path) else f"{path}?{urlencode(known, safe=':/')}"


def check_options(address: str) -> str:
    """See that what a person wrote behind `?` is understood.

    Returns:
        The address.

    Raises:
        SettingsError: it is not.
    """
    name = address.rpartition("?")[2].partition("=")[0]
    if is_remote(address) and "?" in address and _parted(address)[1] is None and "=" in address:
        raise SettingsError(
            f"{address}: {name!r} is not an option of an address; the options are "
            f"{', '.join(OPTIONS)}"
        )
    return address


def pattern_characters(address: str) -> list[str]:
    """What of a path, or of an address without its options, TFX takes for a pattern of names."""
    return sorted(_PATTERN_CHARACTERS.intersection(plain(address)))


def at_once(address: str) -> int:
    """How many things are best asked of a place at the same time.

    A store takes its time to answer. A disk does not, and Python's threads would wait for each
    other: with as many, a look at 10,000 batches took three times as long.
    """
    return _ANSWERS_AWAITED if is_remote(address) else 1


def _parted(address: str) -> tuple[str, str | None]:
    """The address without its options, and these: None without a `?`, empty behind a mere one."""
    if not is_remote(address):
        return address, None
    path, mark, query = address.rpartition("?")
    named = [part.partition("=") for part in query.split("&")] if query else []
    if not mark or not all(name in OPTIONS and equals for name, equals, _ in named):
        return address, None
    return path, query
