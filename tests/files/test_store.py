"""Files are read and written here and in object stores, whole or not at all."""

from pathlib import Path

import pytest

from customer_age.files import store


@pytest.fixture(params=["local", "ram"])
def folder(request, tmp_path: Path) -> str:
    """`ram://` is TensorFlow's own store in memory: not a local path, as `gs://` is not."""
    return str(tmp_path / "new") if request.param == "local" else f"ram://{tmp_path.name}"


def test_what_is_written_is_read(folder):
    store.write_atomically(f"{folder}/page.html", "one page: ä ✓")
    assert store.read_bytes(f"{folder}/page.html") == "one page: ä ✓".encode()
    assert store.exists(f"{folder}/page.html")


def test_what_is_missing_is_none(folder):
    assert store.read_bytes(f"{folder}/nothing.json") is None
    assert not store.exists(f"{folder}/nothing.json")


def test_a_new_page_takes_the_place_of_the_old(tmp_path: Path):
    page = tmp_path / "page.html"
    store.write_atomically(str(page), "a long old page")
    store.write_atomically(str(page), "new")
    assert page.read_text() == "new"
    assert list(tmp_path.iterdir()) == [page]


def test_a_write_that_fails_leaves_the_old_page_and_nothing_else(tmp_path: Path):
    page = tmp_path / "page.html"
    store.write_atomically(str(page), "old")
    with pytest.raises(UnicodeEncodeError):
        store.write_atomically(str(page), "x" * 100_000 + "\ud800")
    assert page.read_text() == "old"
    assert list(tmp_path.iterdir()) == [page]


def test_a_page_is_readable_by_others(tmp_path: Path):
    store.write_atomically(str(tmp_path / "page.html"), "x")
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644
