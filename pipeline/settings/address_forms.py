"""The form of addresses of stores and servers, as far as an address itself tells."""

import re
from collections.abc import Container

from customer_age.files import addresses, file_names
from customer_age.redaction import url_parts

_BUCKET = {
    scheme: re.compile(rf"[{letters}0-9](?:[-._{letters}0-9]{{0,253}}[{letters}0-9])?")
    for scheme, letters in (("gs", "a-z"), ("minio", "a-z"), ("s3", "A-Za-z"))
}
"""Scheme to what its stores take at most; S3 still has buckets of before 2018 with capitals."""


def require_bucket(address: str, schemes: Container[str], instead: str) -> None:
    """See that an address has a known scheme, and a name of a bucket behind it.

    Args:
        address: `scheme://bucket/folder`, with options behind `?` or without.
        schemes: that whoever opens it knows.
        instead: how such an address is written.

    Raises:
        ValueError: it has not, or the folder leads out of the bucket.
    """
    scheme, _, rest = addresses.plain(address).partition("://")
    bucket, _, folder = rest.partition("?")[0].partition("/")
    if scheme not in schemes:
        raise ValueError(f"is not a valid address: {instead}")
    if not _BUCKET[scheme].fullmatch(bucket):
        raise ValueError(
            "is not a valid address: write a bucket's name with a-z, 0-9, -, _ and ., and with a "
            "letter or digit first and last"
        )
    key = folder.strip("/")
    wrong = file_names.wrong_with(key, file_names.LONGEST_IN_STORE) if key else ""
    if wrong == file_names.LEADS_OUT:
        raise ValueError(f"is not a valid address: the folder leads out of the bucket {bucket}")
    if wrong:
        raise ValueError(f"is not a valid address: the folder's name {wrong}")


def require_literal(address: str) -> None:
    """See that the folder of an address, up to its options, is one word and not a pattern.

    Raises:
        ValueError: TFX and Beam would take it for a pattern of names, or for two words.
    """
    folder = address.partition("://")[2].partition("?")[0]
    if addresses.pattern_characters(folder) or " " in folder or not folder.isprintable():
        raise ValueError(
            "is not a valid address: the folder's name must hold no blank, no control character "
            "and none of * [ \\, which TFX takes for a pattern of names"
        )


def require_host(url: str) -> None:
    """See that no blank or control character stands in a URL's host, nor a line break anywhere.

    Raises:
        ValueError: one does, or the URL is malformed.
    """
    host = url_parts(url).netloc
    if not url.isprintable() or " " in host:
        raise ValueError("is not a valid address: its host must hold no blank, as in https://host")
