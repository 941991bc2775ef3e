"""The secret that keys the hash of persons: made once, read from its file, told to nobody."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen import person_keys


def test_a_key_is_made_once_for_its_owner(tmp_path):
    path = tmp_path / "work" / "person.key"
    person_keys.make(str(path))
    key = person_keys.read(str(path))
    person_keys.make(str(path))
    assert person_keys.read(str(path)) == key
    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["person.key"]


def test_of_many_that_make_one_at_once_one_key_stands(tmp_path):
    path = str(tmp_path / "person.key")

    def made(_):
        person_keys.make(path)
        return person_keys.read(path)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(made, range(64)))) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"short\n", "shorter than 16"), (b"\xff\xfe\xff", "not a text")],
)
def test_what_is_no_key_is_one_line(tmp_path, content, said):
    path = tmp_path / "person.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=said) as told:
        person_keys.read(str(path))
    assert str(told.value).startswith(f"data.person_key_file: {path}: ")
    assert "\n" not in str(told.value)


def test_a_fingerprint_tells_keys_apart_and_holds_none():
    one, other = person_keys.fingerprint("a" * 32), person_keys.fingerprint("b" * 32)
    assert one != other
    assert "a" * 8 not in one
    assert person_keys.fingerprint("") == ""
