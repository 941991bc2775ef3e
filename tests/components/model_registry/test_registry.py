"""What callers may rely on, over MLflow on SQLite."""

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from customer_age.components.errors import RunError
from customer_age.components.model_registry import (
    ModelRegistry,
    open_registry,
    saved_model_fingerprint,
)


def versions(registry: ModelRegistry) -> list[str]:
    return [each.version for each in registry.versions()]


def champion(registry: ModelRegistry) -> str | None:
    version = registry.champion()
    return version.version if version else None


def test_an_empty_registry_has_no_champion_and_needs_no_file(tmp_path):
    registry = open_registry(f"mlflow+sqlite:///{tmp_path}/new/mlflow.db", "customer-age")
    assert registry.champion() is None
    assert registry.versions() == []
    with pytest.raises(RunError, match="no champion to roll back from"):
        registry.rollback()
    with pytest.raises(RunError, match=r"no version 1 \(there are: none\)"):
        registry.promote("1")
    assert list(tmp_path.iterdir()) == []


def test_a_version_carries_what_was_published(registry, publication):
    version = registry.publish(publication("first", mae=6.5))
    assert version == registry.champion()
    assert version.version == "1"
    assert version.aliases == ("champion",)
    assert version.uri == "models:/customer-age/1"
    assert version.metrics == {"mae": 6.5, "photos": 200, "mae/25-34": 5.5, "mae/65+": 9.5}
    assert version.settings == {"trainer.epochs": "3"}
    assert version.description == "The model **first**."
    assert version.tags["run_key"] == "key of first"
    assert version.tags["baseline_version"] == ""
    assert datetime.now(timezone.utc) - version.created < timedelta(minutes=1)


def test_each_version_takes_over_from_the_champion_it_was_measured_against(registry, publication):
    registry.publish(publication("first", mae=6.5))
    worse_within_tolerance = publication("second", mae=6.6, baseline="1")
    assert registry.publish(worse_within_tolerance).aliases == ("champion",)
    assert versions(registry) == ["1", "2"]


def test_publishing_a_model_again_gives_its_version(registry, publication):
    first = registry.publish(publication("first", mae=6.5))
    assert registry.publish(publication("first", mae=6.5)) == first
    assert versions(registry) == ["1"]


def test_publishing_a_former_champion_again_does_not_push_out_the_new_one(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.6, baseline="1"))
    assert registry.publish(publication("first", mae=6.5)).version == "1"
    assert champion(registry) == "2"


def test_a_former_champion_measured_against_the_new_one_comes_back(registry, publication):
    registry.publish(publication("first", mae=6.5))
    registry.publish(publication("second", mae=6.6, baseline="1"))
    assert registry.publish(publication("first", mae=6.5, baseline="2")).version == "1"
    assert champion(registry) == "1"
    assert registry.rollback().version == "2"


@pytest.mark.parametrize(("mae", "expected", "former"), [(6.0, "3", "2"), (6.3, "2", "1")])
def test_where_another_took_over_meanwhile_the_lower_error_wins(
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
    with pytest.raises(RunError, match="version 1 is the champion, and there was none before it"):
        registry.rollback()
    assert versions(registry) == ["1", "2", "3"]


def test_a_loser_is_no_former_champion_and_no_later_one(registry, publication):
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
    with pytest.raises(RunError, match="none before it"):
        registry.rollback()
    with pytest.raises(RunError, match=r"no version 9 \(there are: 1, 2, 3\)"):
        registry.promote("9")


def test_a_version_that_was_rolled_back_comes_back_by_promoting_alone(registry, publication):
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


def test_a_download_of_damaged_files_is_refused(registry, publication, uri, tmp_path):
    registry.publish(publication("first", mae=6.5))
    place = Path(uri.removeprefix("mlflow+sqlite:///")).parent
    [stored] = place.rglob("variables.index")
    stored.write_bytes(b"bit rot")
    with pytest.raises(RunError, match="version 1 are not those that were published"):
        registry.download("1", tmp_path / "model")
    shutil.rmtree(stored.parent.parent)
    with pytest.raises(RunError, match="the model registry failed: "):
        registry.download("1", tmp_path / "again")


def test_a_database_of_something_else_is_told_in_one_line(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(RunError, match="file is not a database") as told:
        open_registry(f"mlflow+sqlite:///{tmp_path}/mlflow.db", "customer-age").champion()
    assert "\n" not in str(told.value)


def test_the_fingerprint_knows_names_and_contents(publication, tmp_path):
    first = publication("first", mae=6.5)
    copy = shutil.copytree(first.model_dir, tmp_path / "copy")
    assert saved_model_fingerprint(copy) == first.fingerprint
    (copy / "saved_model.pb").rename(copy / "saved_model.pbtxt")
    assert saved_model_fingerprint(copy) != first.fingerprint
    (copy / "saved_model.pbtxt").rename(copy / "saved_model.pb")
    (copy / "variables" / "variables.index").write_bytes(b"other")
    assert saved_model_fingerprint(copy) != first.fingerprint
    with pytest.raises(FileNotFoundError, match="holds no SavedModel"):
        saved_model_fingerprint(tmp_path / "nowhere")
