"""Persons become pseudonyms; the key is created once, read from its file, and never shown."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms


def test_a_key_is_made_once_for_its_owner(tmp_path):
    path = tmp_path / "work" / "person.key"
    pseudonyms.make(str(path))
    key = pseudonyms.read(str(path))
    pseudonyms.make(str(path))
    assert pseudonyms.read(str(path)) == key
    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["person.key"]


def test_a_full_disk_leaves_no_part_of_a_key(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "person.key"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SettingsError, match="cannot be written: No space left on device"):
            pseudonyms.make(str(path))
    assert list(tmp_path.iterdir()) == []
    pseudonyms.make(str(path))
    assert len(pseudonyms.read(str(path))) == 64


def test_many_processes_that_create_a_key_at_once_create_one(tmp_path):
    path = str(tmp_path / "person.key")

    def made(_):
        pseudonyms.make(path)
        return pseudonyms.read(path)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(made, range(64)))) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"short\n", "shorter than 16"), (b"\xff\xfe\xff", "not a text")],
)
def test_an_invalid_key_is_one_line(tmp_path, content, said):
    path = tmp_path / "person.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=said) as raised:
        pseudonyms.read(str(path))
    assert str(raised.value).startswith(f"data.person_key_file: {path}: ")
    assert "\n" not in str(raised.value)


def test_a_fingerprint_distinguishes_keys_and_reveals_none():
    one, other = pseudonyms.fingerprint("a" * 32), pseudonyms.fingerprint("b" * 32)
    assert one != other
    assert "a" * 8 not in one
    assert pseudonyms.fingerprint("") == ""


def test_a_pseudonym_hides_the_person_and_keeps_people_apart():
    assert pseudonyms.pseudonym("", "key") == ""
    assert pseudonyms.pseudonym("ann", "key") == pseudonyms.pseudonym("ann", "key")
    assert len({pseudonyms.pseudonym(*args) for args in
                [("ann", "key"), ("ann", "other"), ("bob", "key")]}) == 3  # fmt: skip
    assert "ann" not in pseudonyms.pseudonym("ann", "key")
