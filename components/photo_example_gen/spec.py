"""All that decides how a data set becomes examples, as one parameter of PhotoExampleGen."""

import json
from collections.abc import Sequence

from pydantic import field_validator

from customer_age.files import addresses
from customer_age.labels import LabelSpec, SplitSpec
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import age_groups

_PLACES = ("inbox", "profiles", "person_key_file", "batch_cache")
"""Where something is; what lies there decides, and has fingerprints of its own."""


class IngestionSpec(LabelSpec, SplitSpec, PhotoSpec):
    """How label tables are read, photos prepared, and splits dealt; and where all of it is."""

    age_groups: tuple[str, ...]
    """The evaluation's: whole-year bands, such as `0-17` and `18+`."""
    batch_cache: str = ""
    """Where ingested batches are kept; empty to keep none beyond the run."""

    @field_validator("age_groups")
    @classmethod
    def _groups_parse(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        age_groups.parse(groups)
        return groups

    def to_json(self) -> str:
        """The text that travels as a parameter: the same for equal specs."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    def reached_by(self, beam_args: Sequence[str]) -> "IngestionSpec":
        """The same, its addresses with what Beam's options say of how a store is reached."""
        places = {name: getattr(self, name) for name in _PLACES}
        reached = {
            name: addresses.reached_by(place, beam_args) for name, place in places.items() if place
        }
        return self.model_copy(update=reached)

    def without_places(self) -> "IngestionSpec":
        """The same for workers, which have no business where the tables and secrets are."""
        return self.model_copy(
            update={name: type(self).model_fields[name].default for name in _PLACES}
        )

    def recipe(self) -> str:
        """What decides how one row becomes an example, without where things are."""
        return json.dumps(self.model_dump(mode="json", exclude=set(_PLACES)), sort_keys=True)
