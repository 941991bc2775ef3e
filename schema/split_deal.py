"""The record of how people were assigned to splits.

It decides which models a run may compare with or start from. A champion with another assignment was
trained on people who are now in `test`: it would look better than it is, and so would each model
that starts from it.
"""

from typing import Literal

from .strict_model import StrictModel


class Deal(StrictModel):
    """A record of an assignment of people to splits; it holds no key.

    Attributes:
        base: what decides the split of a photo in the base set: its official split, its person, or
            its content.
        split_key: the key's fingerprint; empty if all splits are official.
        split_shares: of train, valid and test; empty if all splits are official.
        person_key: the key's fingerprint; empty if no table names persons.
    """

    base: Literal["official", "persons", "photos"]
    split_key: str
    split_shares: str
    person_key: str

    def differences(self, other: "Deal") -> list[str]:
        """Return the settings and other causes that may have moved people to another split.

        A value that is empty in one of the two is not a difference: a first batch adds the first
        person.
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
