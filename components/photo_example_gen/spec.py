"""Everything that decides how a data set becomes examples, as one parameter of PhotoExampleGen."""

import json
from collections.abc import Sequence

from pydantic import field_validator

from customer_age.files import addresses
from customer_age.labels import LabelSpec, SplitSpec
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import age_groups

_PLACES = ("inbox", "profiles", "person_key_file", "batch_cache")
"""Locations. Only their content affects the result, and it has fingerprints of its own."""


class IngestionSpec(LabelSpec, SplitSpec, PhotoSpec):
    """How to read label tables, prepare photos and assign splits; and where all of it is."""

    age_groups: tuple[str, ...]
    """Age groups of the evaluation: whole-year bands, such as `0-17` and `18+`."""
    batch_cache: str = ""
    """Folder or address of ingested batches; if empty, none are kept after the run."""

    @field_validator("age_groups")
    @classmethod
    def _groups_parse(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        age_groups.parse(groups)
        return groups

    def to_json(self) -> str:
        """Return the spec as a parameter: the same text for equal specs."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    def reached_by(self, beam_args: Sequence[str]) -> "IngestionSpec":
        """Return a copy whose addresses contain Beam's options for the access to a store."""
        places = {name: getattr(self, name) for name in _PLACES}
        reached = {
            name: addresses.reached_by(place, beam_args) for name, place in places.items() if place
        }
        return self.model_copy(update=reached)

    def without_places(self) -> "IngestionSpec":
        """Return a copy for workers, which must not know where the tables and secrets are."""
        return self.model_copy(
            update={name: type(self).model_fields[name].default for name in _PLACES}
        )

    def recipe(self) -> str:
        """Return everything that decides how one row becomes an example, without locations."""
        return json.dumps(self.model_dump(mode="json", exclude=set(_PLACES)), sort_keys=True)
