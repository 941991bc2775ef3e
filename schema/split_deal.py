"""How people were dealt to splits: what a model may be compared with, and start from.

A champion that was trained under another deal has seen people who are now in `test`: it
would look better than it is, and so would whatever starts from it.
"""

from typing import Literal

from .strict_model import StrictModel


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
