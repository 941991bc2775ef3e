"""Tombstones: an unfinished one of a killed writer is ignored, and a damaged one is one line."""

import json
from datetime import date

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms, tombstones

KEY = "a key of persons, for tests"
PERSON = pseudonyms.pseudonym("4000-0007", KEY)


def half_written(inbox):
    """The names of unfinished tombstones in releases of this project."""
    folder = inbox / "_forgotten"
    folder.mkdir(exist_ok=True)
    names = [f"{PERSON}.5f3e-11", f"captured_before.{'a' * 32}", f".{PERSON}.ab12.unfinished"]
    return [folder / name for name in names]


@pytest.mark.parametrize("content", ["", "{}", '{"key": "'])
def test_an_unfinished_tombstone_is_ignored_and_deleted(tmp_path, content):
    files = half_written(tmp_path)
    for file in files:
        file.write_text(content)
    assert tombstones.read(str(tmp_path)) == tombstones.NOBODY
    tombstones.write_person(str(tmp_path), PERSON, KEY)
    tombstones.write_captured_before(str(tmp_path), date(2024, 3, 1))
    kept = tombstones.read(str(tmp_path))
    assert kept.persons == {PERSON}
    assert (kept.captured_before, kept.key) == ("2024-03-01", pseudonyms.fingerprint(KEY))
    tombstones.clear_half_written(str(tmp_path))
    names = {file.name for file in (tmp_path / "_forgotten").iterdir()}
    assert names == {PERSON, "captured_before"}
    assert tombstones.read(str(tmp_path)) == kept


@pytest.mark.parametrize("name", [PERSON, "captured_before"])
@pytest.mark.parametrize("content", ["", "{}", "[]", "7"])
def test_a_damaged_tombstone_is_one_line(tmp_path, name, content):
    half_written(tmp_path)
    (tmp_path / "_forgotten" / name).write_text(content)
    with pytest.raises(
        SettingsError, match="this tombstone is damaged or cannot be read"
    ) as raised:
        tombstones.read(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_a_full_disk_leaves_no_tombstone_and_no_half_of_one(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            tombstones.write_person(str(tmp_path), PERSON, KEY)
    assert list((tmp_path / "_forgotten").iterdir()) == []
    tombstones.write_person(str(tmp_path), PERSON, KEY)
    content = json.loads((tmp_path / "_forgotten" / PERSON).read_text())
    assert content == {"key": pseudonyms.fingerprint(KEY)}
