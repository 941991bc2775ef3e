"""The contract of every registry with its callers."""

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest

from customer_age.errors import RunError
from customer_age.model_registry import (
    RUN_ID,
    ModelRegistry,
    run_again,
    saved_model_fingerprint,
)

BACKENDS = ("sqlite", "server", "vertex", "kubeflow", "alpha_kubeflow")
"""Each has a fixture `<backend>_registry` with a new model."""


@pytest.fixture(params=BACKENDS)
def registry(request: pytest.FixtureRequest) -> ModelRegistry:
    return request.getfixturevalue(f"{request.param}_registry")


def versions(registry: ModelRegistry) -> list[str]:
    return [each.version for each in registry.versions()]


def champion(registry: ModelRegistry) -> str | None:
    version = registry.champion()
    return version.version if version else None


def test_an_empty_registry_has_no_champion(registry):
    assert registry.champion() is None
    assert registry.versions() == []
    with pytest.raises(RunError, match="there is no champion"):
        registry.rollback()
    with pytest.raises(RunError, match=r"no version 1 \(there are: none\)"):
        registry.promote("1")


def test_a_version_has_the_published_metadata(registry, publication):
    version = registry.publish(publication("first", mae=6.5))
    assert version == registry.champion()
    assert version.version == "1"
    assert version.aliases == ("champion",)
    assert version.uri
    assert version.metrics == {"mae": 6.5, "photos": 200, "mae/25-34": 5.5, "mae/65+": 9.5}
    assert version.settings == {"trainer.epochs": "3"}
    assert version.description == "The model **first**."
    assert version.tags["run_key"] == "key of first"
    assert version.tags["baseline_version"] == ""
    assert datetime.now(timezone.utc) - version.created < timedelta(minutes=1)


def test_each_version_replaces_the_champion_it_was_evaluated_against(registry, publication):
    registry.publish(publication("first", mae=6.5))
    worse_within_tolerance = publication("second", mae=6.6, baseline="1")
    assert registry.publish(worse_within_tolerance).aliases == ("champion",)
    assert versions(registry) == ["1", "2"]


def test_publishing_a_model_again_returns_its_version(registry, publication):
    first = registry.publish(publication("first", mae=6.5))
    assert registry.publish(publication("first", mae=6.5)) == first
    assert versions(registry) == ["1"]


def test_publishing_a_former_champion_again_does_not_replace_the_new_one(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.6, baseline="1"))
    assert registry.publish(publication("first", mae=6.5)).version == "1"
    assert champion(registry) == "2"


def test_a_former_champion_evaluated_against_the_new_one_returns(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.6, baseline="1"))
    assert registry.publish(publication("first", mae=6.5, baseline="2")).version == "1"
    assert champion(registry) == "1"
    assert registry.rollback().version == "2"


@pytest.mark.parametrize(("mae", "expected", "former"), [(6.0, "3", "2"), (6.3, "2", "1")])
def test_if_another_became_champion_meanwhile_the_lower_error_wins(
    registry, publication, mae, expected, former
):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    slow = registry.publish(publication("slow", mae=mae, baseline="1"))
    assert slow.version == "3"
    assert champion(registry) == expected
    assert registry.rollback().version == former


def test_rolling_back_goes_from_champion_to_champion_back_to_the_first(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    registry.publish(publication("third", mae=6.0, baseline="2"))
    assert registry.rollback().version == "2"
    assert registry.rollback().aliases == ("champion",)
    assert champion(registry) == "1"
    with pytest.raises(RunError, match="version 1 is the champion, and there is no former"):
        registry.rollback()
    assert versions(registry) == ["1", "2", "3"]


def test_a_loser_is_never_champion(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    registry.publish(publication("loser", mae=6.4, baseline="1"))
    assert registry.rollback().version == "1"
    registry.publish(publication("fourth", mae=6.45, baseline="1"))
    assert champion(registry) == "4"


def test_promoting_any_version_can_be_rolled_back(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    registry.publish(publication("third", mae=6.0, baseline="2"))
    assert registry.promote("1").aliases == ("champion",)
    assert registry.promote("1").version == "1"
    assert registry.rollback().version == "3"
    assert registry.rollback().version == "2"
    with pytest.raises(RunError, match="no former champion"):
        registry.rollback()
    with pytest.raises(RunError, match=r"no version 9 \(there are: 1, 2, 3\)"):
        registry.promote("9")


def test_a_version_that_was_rolled_back_only_returns_by_promoting(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    registry.rollback()
    registry.publish(publication("second", mae=6.2, baseline="1"))
    assert champion(registry) == "1"
    registry.publish(publication("third", mae=6.4, baseline="1"))
    assert champion(registry) == "3", "the better one that was rolled back must not win"
    assert registry.promote("2").aliases == ("champion",)
    assert "rolled_back" not in registry.champion().tags


def test_a_download_is_the_model_that_was_published(registry, publication, tmp_path):
    published = publication("first", mae=6.5)
    registry.publish(published)
    folder = registry.download("1", tmp_path / "deep" / "model")
    assert saved_model_fingerprint(folder) == published.fingerprint
    assert (folder / "saved_model.pb").is_file()
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["model"]


def test_a_version_is_found_by_number_and_by_alias(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.2, baseline="1"))
    assert registry.version("1").metrics["mae"] == 6.5
    assert registry.version("champion").version == "2"


def test_a_version_can_be_annotated_later(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.annotate("1", "report", "gs://runs/report 7.html")
    assert registry.champion().tags["report"] == "gs://runs/report 7.html"
    assert registry.champion().tags["run_key"] == "key of first"


def test_a_later_run_of_the_same_model_is_found_like_the_one_that_published_it(
    registry, publication
):
    made = publication("first", mae=6.5)
    first = dataclasses.replace(made, tags={**made.tags, RUN_ID: "retrain-1"})
    registry.publish(first)
    version = registry.publish(dataclasses.replace(first, tags={RUN_ID: "retrain-2"}))
    assert version.tags[RUN_ID] == "retrain-1"
    for later in ("retrain-2", "Nightly run 3.a_b"):
        registry.annotate(version.version, run_again(later), "2026-03-01T12:00:00+00:00")
    [found] = registry.versions()
    assert found.tags[RUN_ID] == "retrain-1"
    assert all(map(found.came_from, ("retrain-1", "retrain-2", "Nightly run 3.a_b")))
    assert not found.came_from("retrain")
    assert not found.came_from("")
