"""Assign photos to splits if their data set has no official splits."""

from pydantic import Field, model_validator

from customer_age.schema.strict_model import StrictModel

from .pseudonyms import keyed_hash


class SplitShares(StrictModel):
    """The shares of the photos in each split if the data set has no splits of its own."""

    train: float = Field(0.8, gt=0, lt=1)
    valid: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _make_a_whole(self) -> "SplitShares":
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, valid and test must add up to 1, not {total:g}")
        return self


class SplitSpec(StrictModel):
    """How photos are assigned to splits."""

    split_shares: SplitShares = SplitShares()
    split_key: str = Field("customer-age", min_length=1)
    """The key of the hash that decides a photo's split. It is not secret. Another key assigns all
    photos again."""


def split_of(identity: str, spec: SplitSpec) -> str:
    """Assign an identity to a split by a keyed hash.

    The split depends only on the arguments: no photo moves because of more photos, another order or
    another batch name.

    Args:
        identity: the person if known, so that nobody is in two splits; else the digest of the
            photo's content.
        spec: the shares and the key.

    Returns:
        The name of a split.
    """
    # A float holds 53 bits exactly, so the position is below 1.
    digest = keyed_hash(spec.split_key, "split", identity)
    position = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    reached = 0.0
    for split, share in spec.split_shares:
        reached += share
        if position < reached:
            return str(split)
    return str(split)  # Rounding made the sum of the shares slightly less than 1.
