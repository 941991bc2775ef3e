"""The eight functions do the same on a disk, in S3 and in Cloud Storage."""

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.files import store
from customer_age.files.addresses import is_remote, join, local_path, plain

ODD = (
    "two words ü.jpg", "100%.jpg", "%41.jpg", "q?x#y&z=1.jpg", "a?endpoint=http:", "[x]*.jpg",
    "tilde~{}|^`\".jpg", "'q'+=;,:@$!().jpg", "b.jpg?", "ends in a dot.", " lead", ".hidden",
)  # fmt: skip


def listed(address: str, **how: bool) -> dict[str, store.Entry]:
    return {entry.name: entry for entry in store.list(address, **how)}


def names_in(folder: str | Path) -> list[str]:
    return [each.name for each in Path(folder).iterdir()]


def test_a_written_file_is_read(place):
    file = join(place, "deep", "page.html")
    store.write_whole(file, b"one page")
    assert store.read(file) == b"one page"
    with store.open(file) as opened:
        assert opened.read(3) == b"one"
        opened.seek(-4, os.SEEK_END)
        assert opened.read() == b"page"
    store.write_whole(file, b"")
    assert store.read(file) == b""


def test_local_files_and_growing_files_are_written_too(place, tmp_path):
    (tmp_path / "large").write_bytes(bytes(range(256)) * 80_000)  # more than one part
    store.write_whole(join(place, "large"), tmp_path / "large")
    with store.open(join(place, "large")) as file:
        assert file.read() == (tmp_path / "large").read_bytes()
    with store.writing(join(place, "grown")) as file:
        file.write(b"line\n")
        file.write(b"line\n")
    assert store.read(join(place, "grown")) == b"line\nline\n"


def test_missing_files(place):
    assert not store.exists(join(place, "a"))
    assert listed(place) == {}
    for act in (store.read, store.open):
        with pytest.raises(FileNotFoundError):
            act(join(place, "a"))
    with pytest.raises(FileNotFoundError):
        store.copy(join(place, "a"), join(place, "b"))
    store.delete(join(place, "a"))
    store.delete(place, folder=True)
    assert not store.exists(join(place, "b"))


@pytest.mark.parametrize("name", ODD)
def test_names_are_literal(place, name):
    store.write_whole(join(place, "x.jpg"), b"another")
    store.write_whole(join(place, "sub", name), name.encode())
    assert store.read(join(place, "sub", name)) == name.encode()
    assert listed(place).keys() == {"x.jpg", f"sub/{name}"}
    assert store.exists(join(place, "sub", name))
    store.copy(join(place, "sub", name), join(place, name))
    assert store.read(join(place, name)) == name.encode()
    store.delete(join(place, name))
    assert listed(place).keys() == {"x.jpg", f"sub/{name}"}


def test_a_listing(place):
    before = time.time_ns()
    for name in ("a.txt", "one/b.txt", "one/deep/c.txt", "two/d.txt", "a.txt-not/e"):
        store.write_whole(join(place, name), name.encode())
    found = listed(place)
    assert {name: entry.byte_size for name, entry in found.items()} == {
        "a.txt": 5, "one/b.txt": 9, "one/deep/c.txt": 14, "two/d.txt": 9, "a.txt-not/e": 11,
    }  # fmt: skip
    assert all(abs(entry.modified_ns - before) < 60 * 10**9 for entry in found.values())
    digests = {entry.digest for entry in found.values()}
    assert len(digests - {""}) == 5 if is_remote(place) else digests == {""}
    assert listed(join(place, "one")).keys() == {"b.txt", "deep/c.txt"}
    level = listed(place, deep=False)
    assert {name for name, entry in level.items() if entry.is_folder} == {"one", "two", "a.txt-not"}
    assert {name for name, entry in level.items() if not entry.is_folder} == {"a.txt"}
    assert store.exists(join(place, "one"))
    assert not store.exists(join(place, "on"))


def test_a_folder_is_deleted_and_nothing_else(place):
    for name in ("one/b.txt", "one/deep/c.txt", "one-more.txt"):
        store.write_whole(join(place, name), b"x")
    store.delete(join(place, "one"), folder=True)
    assert listed(place).keys() == {"one-more.txt"}


def test_a_copy_for_this_disk(place):
    for name in ("model.pb", "variables/variables.index"):
        store.write_whole(join(place, name), name.encode())
    with store.local_copy(place) as folder:
        assert (
            folder / "variables" / "variables.index"
        ).read_bytes() == b"variables/variables.index"
        assert (folder / "model.pb").read_bytes() == b"model.pb"
    assert folder.exists() == (not is_remote(place))
    with store.local_copy(join(place, "model.pb")) as file:
        assert file.read_bytes() == b"model.pb"
    with pytest.raises(FileNotFoundError), store.local_copy(join(place, "none")) as file:
        file.read_bytes()


def test_a_folder_is_copied_both_ways_and_replaces_files(place, tmp_path):
    for name in ("model.pb", "variables/[x]*.index"):
        store.write_whole(str(tmp_path / "model" / name), name.encode())
    store.write_whole(join(place, "1", "model.pb"), b"half")
    assert store.copy_folder(str(tmp_path / "model"), join(place, "1")) == 2
    assert store.copy_folder(join(place, "1"), str(tmp_path / "back")) == 2
    for name in ("model.pb", "variables/[x]*.index"):
        assert (tmp_path / "back" / name).read_bytes() == name.encode()
        assert (tmp_path / "back" / name).stat().st_nlink == 1, (
            "an edit of it changes no other file"
        )
    assert store.copy_folder(join(place, "none"), str(tmp_path / "none")) == 0


def test_a_copy_to_another_place_and_over_itself(place, tmp_path):
    store.write_whole(join(place, "a"), b"content")
    store.copy(join(place, "a"), str(tmp_path / "elsewhere" / "a"))
    store.copy(str(tmp_path / "elsewhere" / "a"), join(place, "b"))
    store.copy(join(place, "b"), join(place, "b"))
    store.copy(join(place, "a"), join(place, "b"))
    store.copy(join(place, "a"), join(place, "b"))
    assert listed(place).keys() == {"a", "b"}
    assert store.read(join(place, "b")) == b"content"


@pytest.mark.parametrize("place", ["path", "file", "s3"], indirect=True)
def test_only_one_writer_creates_a_new_file(place):
    def write(number: int) -> bool:
        try:
            store.write_whole(join(place, "lock"), str(number).encode(), new=True)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert sum(won) == 1
    assert store.read(join(place, "lock")) == str(won.index(True)).encode()
    assert listed(place).keys() == {"lock"}


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(place):
    store.write_whole(join(place, "page"), b"old")
    with pytest.raises(RuntimeError), store.writing(join(place, "page")) as file:
        file.write(b"x" * 100_000)
        raise RuntimeError
    assert store.read(join(place, "page")) == b"old"
    assert listed(place).keys() == {"page"}
    if not is_remote(place):
        assert names_in(local_path(place)) == ["page"]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    store.write_whole(str(tmp_path / "page"), b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as raised:
        store.write_whole(str(tmp_path / "page"), b"new")
    assert raised.value.filename == str(tmp_path / "page")
    assert names_in(tmp_path) == ["page"]
    assert (tmp_path / "page").read_bytes() == b"old"


def test_a_killed_writers_leftovers_are_not_listed(tmp_path):
    child = os.fork()
    if not child:
        with store.writing(str(tmp_path / "page")) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert len(names_in(tmp_path)) == 1
    assert listed(str(tmp_path)) == {}
    assert not store.exists(str(tmp_path / "page"))


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_decides_who_may_read_a_file(tmp_path, mask):
    former = os.umask(mask)
    try:
        store.write_whole(str(tmp_path / "page"), b"x")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "page").stat().st_mode) == 0o666 & ~mask


def test_links_of_a_folder(tmp_path):
    root, away = tmp_path / "root", tmp_path / "away"
    for each in (root / "a", away):
        each.mkdir(parents=True)
        (each / "x.txt").write_text("four")
    (root / "to_inside").symlink_to(root / "a" / "x.txt")
    (root / "to_outside").symlink_to(away / "x.txt")
    (root / "folder").symlink_to(away)
    (root / "nowhere").symlink_to(root / "none")
    os.mkfifo(root / "pipe")
    found = listed(str(root))
    assert found.keys() == {"a/x.txt", "to_inside", "to_outside", "folder"}
    assert [name for name, entry in found.items() if entry.outside] == ["folder", "to_outside"]
    assert {"a", "folder"} == {n for n, e in listed(str(root), deep=False).items() if e.is_folder}


def test_objects_that_represent_folders_are_not_listed_but_empty_files_are(bucket_place):
    place = bucket_place
    store.write_whole(join(place, "batch", "_SUCCESS"), b"")
    _stand_in(place, "batch/")
    _stand_in(place, "batch/photos/")
    assert listed(place).keys() == {"batch/_SUCCESS"}
    assert listed(join(place, "batch"), deep=False).keys() == {"_SUCCESS", "photos"}


def _stand_in(place: str, name: str) -> None:
    bucket, _, folder = plain(place).partition("://")[2].partition("/")
    if place.startswith("s3"):
        import boto3

        client = boto3.client("s3", endpoint_url=place.partition("=")[2])
        client.put_object(Bucket=bucket, Key=f"{folder}/{name}")
    else:
        from google.cloud.storage import Client

        Client().bucket(bucket).blob(f"{folder}/{name}").upload_from_string(b"")


def test_objects_that_represent_folders_are_deleted_only_in_cloud_storage(gs_place, s3_place):
    store.write_whole(join(gs_place, "batch", "_SUCCESS"), b"")
    for name in ("batch/", "batch/photos/", "batch-2/"):
        _stand_in(gs_place, name)
    assert store.delete_stand_ins(join(gs_place, "batch")) == 2
    assert store.delete_stand_ins(gs_place) == 1
    assert listed(gs_place).keys() == {"batch/_SUCCESS"}
    with pytest.raises(OSError, match="only in Cloud Storage"):
        store.delete_stand_ins(s3_place)


def test_a_note_is_in_the_listing(gs_place, s3_place):
    for note in ("old", "https://runs.example/R 7.html?a=Größe"):
        store.write_note(join(gs_place, "tags", "report"), note)
    store.write_whole(join(gs_place, "tags", "none"), b"")
    found = listed(gs_place)
    assert found["tags/report"].note == "https://runs.example/R 7.html?a=Größe"
    assert found["tags/none"].note == ""
    with pytest.raises(OSError, match="only in Cloud Storage"):
        store.write_note(join(s3_place, "a"), "b")


@pytest.mark.parametrize("name", ["../up", "a/../../up", "..\\up", "a/..\\..\\up"])
def test_keys_that_lead_out_are_refused(bucket_place, name):
    for act in (store.read, store.delete, store.exists, lambda at: store.write_whole(at, b"x")):
        with pytest.raises(OSError, match="leads out"):
            act(join(bucket_place, name))


def test_names_that_lead_out_are_not_written_to_the_disk(s3_place, monkeypatch):
    monkeypatch.setattr(store, "list", lambda _: [store.Entry("..\\..\\up")])
    with pytest.raises(OSError, match="leads out"), store.local_copy(s3_place):
        pass


def test_a_store_without_a_client_is_named():
    with pytest.raises(SettingsError, match="foo:// is not supported"):
        store.read("foo://bucket/photos")


def test_file_addresses_are_literal(tmp_path: Path):
    store.write_whole(f"file://{tmp_path}/a%20b?c", b"x")
    assert names_in(tmp_path) == ["a%20b?c"]
