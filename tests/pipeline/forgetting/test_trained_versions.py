"""Published versions that were trained on a person, and what happens to them."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from customer_age.errors import RunError
from customer_age.model_registry import (
    ModelVersion,
    Publication,
    open_registry,
    saved_model_fingerprint,
)
from customer_age.pipeline.forgetting import trained_versions


class Registry:
    """Versions in memory: number to batches; the last one is the champion."""

    def __init__(self, *batches: str) -> None:
        self.all = [
            ModelVersion(
                version=str(number),
                aliases=(),
                created=datetime(2026, 1, number, tzinfo=timezone.utc),
                metrics={},
                tags={"batches": names, "fingerprint": "f"} if names else {"fingerprint": "f"},
                settings={},
                uri="",
            )
            for number, names in enumerate(batches, 1)
        ]
        self.promote(self.all[-1].version)

    def versions(self):
        return self.all

    def champion(self):
        return next(each for each in self.all if "champion" in each.aliases)

    def promote(self, version):
        self.all = [
            replace(each, aliases=("champion",) if each.version == version else ())
            for each in self.all
        ]
        return self.champion()


def numbers(versions):
    return [each.version for each in versions]


def test_the_versions_own_record_of_batches_decides():
    registry = Registry("", "a", "a,b", "b", "ab")
    assert numbers(trained_versions.trained_on(registry, {"a"})) == ["2", "3"]
    assert numbers(trained_versions.trained_on(registry, {"c"})) == []
    assert numbers(trained_versions.trained_on(registry, set())) == []
    assert numbers(trained_versions.trained_on(registry, {""})) == ["1", "2", "3", "4", "5"]
    assert trained_versions.trained_on(None, {"a"}) == []


def test_a_record_that_may_be_cut_counts_as_trained():
    registry = Registry(",".join(f"batch-{number:06}" for number in range(300)), "b")
    assert numbers(trained_versions.trained_on(registry, {"old"})) == ["1"]


def test_now_promotes_the_newest_earlier_version_not_trained_on_the_person():
    registry = Registry("", "b", "a", "a,b")
    assert trained_versions.roll_back(registry, {"3", "4"}).version == "2"
    assert registry.champion().version == "2"
    assert trained_versions.roll_back(registry, {"3", "4"}) is None


def test_now_reports_that_every_version_was_trained_on_the_person():
    registry = Registry("a", "a,b")
    with pytest.raises(RunError, match=r"^--now: every version .* was trained on the person"):
        trained_versions.roll_back(registry, {"1", "2"})
    assert registry.champion().version == "2"


def test_now_rolls_a_real_registry_back(tmp_path):
    """To the newest version that was not trained on the person; otherwise the champion stays."""
    registry = open_registry(f"mlflow+sqlite:///{tmp_path}/registry/mlflow.db", "customer-age")
    for number, batches in enumerate(["b", "a", "a,b"], 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"model %d" % number)
        champion = registry.champion()
        registry.publish(
            Publication(
                model_dir=folder,
                fingerprint=saved_model_fingerprint(folder),
                metrics={"mae": 8.0 - number},
                tags={"batches": batches},
                baseline_version=champion.version if champion else "",
            )
        )
    trained = numbers(trained_versions.trained_on(registry, {"a"}))
    assert trained == ["2", "3"]
    with pytest.raises(RunError, match=r"^--now: every version"):
        trained_versions.roll_back(registry, {"1", "2", "3"})
    assert registry.champion().version == "3"
    assert trained_versions.roll_back(registry, set(trained)).version == "1"
    assert registry.champion().version == "1"
