"""How people were dealt to splits: what a model may be compared with, and start from.

A champion that was trained under another deal has learnt from people who now stand in `test`: it
would look better than it is, and so would whatever starts from it.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

from customer_age.schema.strict_model import StrictModel

from . import pseudonyms
from .data_set import DataSet
from .splits import SplitSpec

_DIGITS = 12


class Deal(StrictModel):
    """A record of a deal, which holds no key.

    Attributes:
        base: what decides about a photo of the base set: its official split, its person, or its
            content.
        split_key: a fingerprint; empty where all splits are official.
        split_shares: of train, valid and test; empty where all splits are official.
        person_key: a fingerprint; empty where nobody says who is on a photo.
    """

    base: Literal["official", "persons", "photos"]
    split_key: str
    split_shares: str
    person_key: str

    def differences(self, other: "Deal") -> list[str]:
        """Name the settings, and what else, through which people may have changed their split.

        What one of the two did not need is no difference: a first batch brings the first person.
        """
        named = [] if self.base == other.base else ["the base set's own splits and persons"]
        settings = {
            "data.split_key": (self.split_key, other.split_key),
            "data.split_shares": (self.split_shares, other.split_shares),
            "data.person_key_file": (self.person_key, other.person_key),
        }
        named += [
            name for name, (ours, theirs) in settings.items() if ours and theirs and ours != theirs
        ]
        return named


def deal_of(data_sets: Sequence[DataSet], spec: SplitSpec) -> Deal:
    """Describe the deal of a run.

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
