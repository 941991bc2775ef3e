"""Which split a photo belongs to where its data set has no official ones."""

from pydantic import Field, model_validator

from customer_age.schema.strict_model import StrictModel

from .pseudonyms import keyed_hash


class SplitShares(StrictModel):
    """Shares of the photos, where the data set brings no splits of its own."""

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
    """How photos are dealt to splits."""

    split_shares: SplitShares = SplitShares()
    split_key: str = Field("customer-age", min_length=1)
    """Keys the hash that gives a photo its split, and is no secret; another key deals the photos
    again."""


def split_of(identity: str, spec: SplitSpec) -> str:
    """Deal an identity to a split by a keyed hash.

    The answer depends on nothing but the arguments: more photos, another order or another batch
    name move no photo.

    Args:
        identity: the person where known, so that nobody stands in two splits; else the digest of
            the photo's content.
        spec: the shares, and the key: another key deals all identities again.

    Returns:
        The name of a split.
    """
    # 53 bits are what a float holds exactly, so the position is below 1.
    digest = keyed_hash(spec.split_key, "split", identity)
    position = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    reached = 0.0
    for split, share in spec.split_shares:
        reached += share
        if position < reached:
            return str(split)
    return str(split)  # The shares' sum was a rounding error below 1.
