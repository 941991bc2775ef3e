"""Checks the form of addresses of stores and servers, without a connection."""

import re
from collections.abc import Container

from customer_age.files import addresses, file_names
from customer_age.redaction import url_parts

_BUCKET = {
    scheme: re.compile(rf"[{letters}0-9](?:[-._{letters}0-9]{{0,253}}[{letters}0-9])?")
    for scheme, letters in (("gs", "a-z"), ("minio", "a-z"), ("s3", "A-Za-z"))
}
"""Scheme to a pattern of bucket names; S3 still has buckets from before 2018 with capitals."""


def require_bucket(address: str, schemes: Container[str], instead: str) -> None:
    """Check that an address has a supported scheme and a valid bucket name.

    Args:
        address: `scheme://bucket/folder`, with or without options after `?`.
        schemes: the supported schemes.
        instead: what to write instead, for the message.

    Raises:
        ValueError: the scheme or the bucket is not valid, or the folder leads out of the bucket.
    """
    scheme, _, rest = addresses.plain(address).partition("://")
    bucket, _, folder = rest.partition("?")[0].partition("/")
    if scheme not in schemes:
        raise ValueError(f"is not a valid address: {instead}")
    if not _BUCKET[scheme].fullmatch(bucket):
        raise ValueError(
            "is not a valid address: write a bucket name of a-z, 0-9, -, _ and ., with a "
            "letter or digit first and last"
        )
    key = folder.strip("/")
    wrong = file_names.wrong_with(key, file_names.LONGEST_IN_STORE) if key else ""
    if wrong == file_names.LEADS_OUT:
        raise ValueError(f"is not a valid address: the folder leads out of the bucket {bucket}")
    if wrong:
        raise ValueError(f"is not a valid address: the folder's name {wrong}")


def require_literal(address: str) -> None:
    """Check that the folder of an address, before its options, has no blank and no pattern.

    Raises:
        ValueError: TFX and Beam would read it as a file pattern or as two words.
    """
    folder = address.partition("://")[2].partition("?")[0]
    if addresses.pattern_characters(folder) or " " in folder or not folder.isprintable():
        raise ValueError(
            "is not a valid address: the folder's name must not contain a blank, a control "
            "character or any of * [ \\, which TFX reads as a file pattern"
        )


def require_host(url: str) -> None:
    """Check that a URL's host has no blank or control character, and the URL no line break.

    Raises:
        ValueError: it contains one, or the URL is malformed.
    """
    host = url_parts(url).netloc
    if not url.isprintable() or " " in host:
        raise ValueError(
            "is not a valid address: its host must not contain a blank; write it as https://host"
        )
