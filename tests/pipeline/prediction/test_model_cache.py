import os
import time
from pathlib import Path

import pytest

from customer_age.errors import RunError
from customer_age.model_registry import saved_model_fingerprint
from customer_age.pipeline.prediction import model_cache


class Registry:
    """A registry that only downloads, and counts the downloads; nothing else is used."""

    def __init__(self, content: bytes = b"weights"):
        self.content = content
        self.downloads = 0

    def download(self, version: str, folder: Path) -> Path:
        self.downloads += 1
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph of " + version.encode())
        (folder / "variables" / "data").write_bytes(self.content)
        return folder


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def fingerprint(registry, tmp_path):
    made = saved_model_fingerprint(registry.download("1", tmp_path / "made"))
    registry.downloads = 0
    return made


def _names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_a_model_is_fetched_once(registry, fingerprint, tmp_path):
    cache = tmp_path / "work" / "models"
    folders = {model_cache.fetch(registry, "1", fingerprint, cache) for _ in range(3)}
    assert folders == {cache / fingerprint}
    assert registry.downloads == 1
    assert _names(cache) == [fingerprint]


@pytest.mark.parametrize("damage", ["cut", "gone", "more", "empty"])
def test_a_damaged_model_is_fetched_again(registry, fingerprint, tmp_path, damage):
    kept = model_cache.fetch(registry, "1", fingerprint, tmp_path)
    data = kept / "variables" / "data"
    if damage == "cut":
        data.write_bytes(registry.content[:3])
    elif damage == "more":
        (kept / "extra").write_bytes(b"")
    else:
        data.unlink()
        if damage == "empty":
            (kept / "saved_model.pb").unlink()
    assert model_cache.fetch(registry, "1", fingerprint, tmp_path) == kept
    assert saved_model_fingerprint(kept) == fingerprint
    assert registry.downloads == 2


def test_a_download_that_breaks_off_leaves_nothing(registry, fingerprint, tmp_path):
    def broken(version, folder):
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(b"half")
        raise RunError("the model registry failed: the connection broke off")

    cache = tmp_path / "models"
    registry.download = broken
    with pytest.raises(RunError, match="broke off"):
        model_cache.fetch(registry, "1", fingerprint, cache)
    assert _names(cache) == []


def test_the_slower_of_two_processes_uses_the_existing_model(registry, fingerprint, tmp_path):
    class Slow(Registry):
        def download(self, version: str, folder: Path) -> Path:
            model_cache.fetch(registry, "1", fingerprint, tmp_path / "models")
            return super().download(version, folder)

    kept = model_cache.fetch(Slow(), "1", fingerprint, tmp_path / "models")
    assert saved_model_fingerprint(kept) == fingerprint
    assert _names(tmp_path / "models") == [fingerprint]


def test_files_of_killed_processes_are_deleted(registry, fingerprint, tmp_path):
    for name, age in ((".unfinished-old", 100_000), (".unfinished-new", 10)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    model_cache.fetch(registry, "1", fingerprint, tmp_path / ".")
    assert _names(tmp_path) == sorted([".unfinished-new", fingerprint, "made"])


def test_a_version_made_by_hand_has_no_fingerprint_to_be_found_by(registry, tmp_path):
    folders = {model_cache.fetch(registry, "1", None, tmp_path) for _ in range(2)}
    assert registry.downloads == 2
    assert folders == {tmp_path / saved_model_fingerprint(folders.copy().pop())}


def test_a_cache_that_cannot_be_written_is_an_error(registry, fingerprint, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="the model cannot be written there"):
        model_cache.fetch(registry, "1", fingerprint, tmp_path / "file" / "models")


@pytest.mark.parametrize("recorded", ["../../away", "{away}", "..", "", "0123456789ABCDEF"])
def test_a_fingerprint_of_a_registry_is_never_a_path(registry, fingerprint, tmp_path, recorded):
    away = tmp_path / "away"
    registry.download("1", away)
    cache = tmp_path / "work" / "models"
    given = recorded.format(away=away)
    assert model_cache.fetch(registry, "1", given, cache) == cache / fingerprint
    assert _names(cache) == [fingerprint]
    assert _names(tmp_path) == ["away", "made", "work"]
