"""Every setting is part of a run's fingerprint, or is listed here with the reason why not."""

import warnings

import pytest
from pydantic import BaseModel

from customer_age.pipeline.settings.settings import Settings

WHERE_AND_WHEN = "where and when a run executes, and who is notified: its result is the same"

NOT_IN_THE_RESULT = {
    "work_dir": "where a run's files lie",
    "tuner": "what a search tries; a run takes what it found as trainer's settings",
    "cluster": WHERE_AND_WHEN,
    "retraining": WHERE_AND_WHEN,
    "notify": WHERE_AND_WHEN,
    "data.batch_cache": "where ingested batches are kept",
    "trainer.photo_cache_mb": "decoding photos once or in each epoch gives the same batches",
    "data.person_key_file": "the run's key holds the fingerprint of the key itself",
}
"""Field, or section with all its fields, to the reason."""


def fields(model, *place):
    """Return the path of each field, for example `trainer.epochs`, also in sections."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from fields(value, *place, name)
        else:
            yield ".".join([*place, name])


def changed(model, place):
    """Return settings with another valid value of one field."""
    name, _, inner = place.partition(".")
    value = changed(getattr(model, name), inner) if inner else "another value"
    return model.model_copy(update={name: value})


def reason(place):
    return next(
        (why for name, why in NOT_IN_THE_RESULT.items() if f"{place}.".startswith(f"{name}.")), ""
    )


@pytest.mark.parametrize("place", list(fields(Settings())))
def test_a_field_changes_the_fingerprint_or_is_listed(place):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic warns about a value of another type
        other = changed(Settings(), place).fingerprint()
    assert (other == Settings().fingerprint()) == bool(reason(place)), reason(place)


@pytest.mark.parametrize("place", list(fields(Settings())))
def test_a_record_of_a_run_has_each_field_that_its_result_depends_on(place):
    if reason(place) or place in (
        "trainer.gpu",
        "gate.gpu",
    ):  # the record contains the device itself
        return
    recorded = Settings().recorded()
    for name in place.split("."):
        assert name in recorded, place
        recorded = recorded[name]


def test_every_listed_field_exists():
    names = list(fields(Settings()))
    for listed in NOT_IN_THE_RESULT:
        assert any(f"{name}.".startswith(f"{listed}.") for name in names), listed
