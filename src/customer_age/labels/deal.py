"""Describe how the people of a run were assigned to splits."""

import hashlib
from collections.abc import Sequence

from customer_age.schema.split_deal import Deal

from . import pseudonyms
from .data_set import DataSet
from .splits import SplitSpec

_DIGITS = 12


def deal_of(data_sets: Sequence[DataSet], spec: SplitSpec) -> Deal:
    """Describe the assignment of a run's people to splits.

    Args:
        data_sets: the base set, then the batches.
        spec: the key and the shares.
    """
    base = data_sets[0]
    persons = next((each.person_key for each in data_sets if each.has_persons), "")
    by_hash = len(data_sets) > 1 or base.split_source != "official"
    shares = ",".join(f"{share:g}" for _, share in spec.split_shares)
    key = hashlib.sha256(spec.split_key.encode()).hexdigest()[:_DIGITS]
    return Deal(
        base=base.split_source,
        split_key=key if by_hash else "",
        split_shares=shares if by_hash else "",
        person_key=pseudonyms.fingerprint(persons),
    )
