"""What does not need a store: Beam's local file system stands behind the same class."""

import pytest

from customer_age.errors import SettingsError
from customer_age.files import LocalFolder, object_stores, open_folder


@pytest.fixture
def prefix(tmp_path):
    (tmp_path / "final_files" / "more").mkdir(parents=True)
    (tmp_path / "labels.csv").write_text("file_name,real_age\na.jpg,30\n")
    (tmp_path / "final_files" / "a.jpg").write_bytes(b"photo")
    (tmp_path / "final_files" / "more" / "b.jpg").write_bytes(b"photo b")
    (tmp_path / "final_files" / ".hidden").write_bytes(b"")
    return tmp_path


def test_a_prefix_is_listed_as_a_folder_is(prefix):
    store, local = object_stores.StoreFolder(str(prefix)), LocalFolder(prefix)
    for name in ("", "final_files"):
        sizes = [
            {file: listed.byte_size for file, listed in folder.files(name)}
            for folder in (store, local)
        ]
        assert sizes[0] == sizes[1]
    assert store.has_file("labels.csv")
    assert not store.has_file("final_files")
    assert store.has_folder("final_files")
    assert not store.has_folder("final")
    assert store.path("final_files/a.jpg") == local.path("final_files/a.jpg")
    with store.open("final_files/more/b.jpg") as file:
        assert file.read() == b"photo b"


def test_a_prefix_is_listed_once(prefix, monkeypatch):
    matched = []
    match = object_stores.FileSystems.match
    monkeypatch.setattr(
        object_stores.FileSystems,
        "match",
        lambda patterns: matched.append(patterns) or match(patterns),
    )
    store = object_stores.StoreFolder(str(prefix))
    assert store.has_file("labels.csv")
    assert len(list(store.files("final_files"))) == 2
    assert len(matched) == 1


def test_an_unknown_kind_of_store_is_named():
    with pytest.raises(SettingsError, match="no file system for foo://"):
        open_folder("foo://bucket/photos")


def test_a_prefix_with_nothing_under_it_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nothing under this address"):
        object_stores.open_folder(str(tmp_path), [])


def test_a_missing_client_says_what_to_install(monkeypatch):
    monkeypatch.setattr(object_stores.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"s3://bucket/photos: install customer-age\[s3\]"):
        open_folder("s3://bucket/photos")
