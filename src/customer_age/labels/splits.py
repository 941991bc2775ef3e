"""Which split a photo belongs to where its data set has no official ones."""

from collections.abc import Mapping

from .pseudonyms import keyed_hash


def split_of(identity: str, shares: Mapping[str, float], key: str) -> str:
    """Deal an identity to a split by a keyed hash.

    The answer depends on nothing but the arguments: more photos, another order or another batch
    name move no photo.

    Args:
        identity: the person where known, so that nobody stands in two splits; else the digest of
            the photo's content.
        shares: split name to share; they add up to 1.
        key: another key deals all identities anew.

    Returns:
        The name of a split.
    """
    # 53 bits are what a float holds exactly, so the position is below 1.
    position = (int.from_bytes(keyed_hash(key, "split", identity)[:8], "big") >> 11) / 2**53
    reached = 0.0
    for split, share in shares.items():
        reached += share
        if position < reached:
            return split
    return split  # The shares' sum was a rounding error below 1.
