"""Names are literal: with any characters in a name, each function uses only the file of that name.

Decoys are in the same folder: the name read as a pattern, a URL or a home folder, in another case
or Unicode form, or cut off somewhere. No decoy may be read, written or deleted.
"""

import contextlib
import hashlib
import itertools
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_age.files import folders, leftovers, locks, open_folder, store
from customer_age.files.addresses import is_remote, join, local_path, plain, split
from customer_age.files.content_digests import ContentDigests
from customer_age.files.file_names import wrong_with

ODD = (
    "out[1]", "a*", "b?", "{x,y}", "~", "%41", "#", "a b ", "Jürgen", "..x", "a...", "[!a]", "a\\*",
    "**", "$HOME", "a#b?c", "a;b&c=d", "-rf", "a?endpoint=http:", "file:", "100%", "[a-c]x", "?.*",
)  # fmt: skip
LETTERS = "ab1xA[]*?{},~%4#. üU!^-$;&+=@'\"|()\\"

unique = itertools.count()
names = st.one_of(st.sampled_from(ODD), st.text(LETTERS, min_size=1, max_size=7)).filter(
    lambda name: not wrong_with(name)
)


def decoys(name: str) -> set[str]:
    """The other names that a name could mean if it were not literal."""
    meant = {
        unquote(name), quote(name), name.partition("#")[0], name.partition("?")[0],
        name.strip(), name.strip("."), name.lower(), name.upper(), name[:-1], f"{name}x",
        unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name),
        name.replace("\\", ""),
        re.sub(r"\[!?(.).*?\]", r"\1", name), re.sub(r"\[.*?\]", "z", name),
        re.sub(r"\{(.*?),.*?\}", r"\1", name), re.sub(r"\*+", "", name), re.sub(r"\*+", "b", name),
        name.replace("?", "b"), "ab", "x", "y",
    }  # fmt: skip
    return {each for each in meant if each != name and not wrong_with(each) and "/" not in each}


def on_the_disk(place: str) -> dict[str, str]:
    """The MD5 of every file below a folder, by its name relative to it."""
    root = Path(local_path(place))
    return {
        each.relative_to(root).as_posix(): hashlib.md5(each.read_bytes()).hexdigest()
        for each in root.rglob("*")
        if each.is_file()
    }


def in_the_bucket(place: str) -> dict[str, str]:
    """The same for a bucket, read by another client than ours."""
    import boto3

    bucket, _, folder = plain(place).partition("://")[2].partition("/")
    client = boto3.client("s3", endpoint_url=place.partition("=")[2])
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{folder}/")
    found = [each for page in pages for each in page.get("Contents", ())]
    return {each["Key"].removeprefix(f"{folder}/"): each["ETag"].strip('"') for each in found}


class House:
    """A folder with files and folders named as decoys, and its expected content."""

    def __init__(self, place: str, name: str) -> None:
        self.root = join(place, f"example {next(unique)}")
        self.file = join(self.root, "files", name)
        self.folder = join(self.root, "folders", name)
        self.name = name
        self._really = in_the_bucket if is_remote(place) else on_the_disk
        self.expected: dict[str, str] = {}
        for decoy in sorted(decoys(name)):
            for file in (f"files/{decoy}", f"folders/{decoy}/inner"):
                self.write(file, f"decoy {decoy}".encode())
        self.check("the decoys")

    def write(self, file: str, content: bytes) -> None:
        if is_remote(self.root):
            store.write_whole(join(self.root, *file.split("/")), content)
        else:
            path = Path(local_path(self.root), file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.expect(file, content)

    def expect(self, file: str, content: bytes) -> None:
        self.expected[file] = hashlib.md5(content).hexdigest()

    def check(self, done: str) -> None:
        found = self._really(self.root)
        assert found == self.expected, f"{done} of {self.name!r}"


def nothing_is_there(house: House, scratch: Path) -> None:
    """Calls with a name that does not exist."""
    for address in (house.file, house.folder):
        assert not store.exists(address)
        assert not folders.is_file(address)
        assert [*store.list(address)] == [*store.list(address, deep=False)] == []
        assert [*leftovers.unfinished(address)] == []
        assert folders.open_if_there(address) is None
        for act in (store.read, store.open, lambda at: store.copy(at, f"{scratch}/copy")):
            with pytest.raises(FileNotFoundError):
                act(address)
        with contextlib.suppress(FileNotFoundError), store.local_copy(address) as copied:
            assert not copied.exists()
        assert store.copy_folder(address, str(scratch / "copies")) == 0
        store.delete(address)
        store.delete(address, folder=True)
        leftovers.delete_empty_folders(address, time.time_ns(), lambda _: True)
        ContentDigests(address).forget(address)
    within = folders.reach(join(house.root, "files"))
    assert not within.has_file(house.name)
    assert not within.has_folder(house.name)
    assert within.modified(house.name) is None
    assert on_the_disk(str(scratch)) == {}
    house.check("questions")


def it_is_written_and_read(house: House, scratch: Path) -> None:
    """Write and read a file, and a folder with a file of that name."""
    name = house.name
    store.write_whole(house.file, b"first", new=True)
    with pytest.raises(FileExistsError):
        store.write_whole(house.file, b"second", new=True)
    with store.writing(house.file) as file:
        file.write(b"named")
    store.copy(house.file, join(house.folder, name))
    house.expect(f"files/{name}", b"named")
    house.expect(f"folders/{name}/{name}", b"named")
    house.check("writing")
    assert split(house.file)[1] == name
    assert store.exists(house.file)
    assert folders.is_file(house.file)
    assert store.read(house.file) == store.read(join(house.folder, name)) == b"named"
    with store.open(house.file) as opened:
        assert opened.read() == b"named"
    for address in (house.file, house.folder):
        with store.local_copy(address) as copied:
            read = copied if address == house.file else copied / name
            assert read.read_bytes() == b"named"
    assert [each.name for each in store.list(house.folder)] == [name]
    assert name in {each.name for each in store.list(join(house.root, "files"))}
    assert store.copy_folder(house.folder, str(scratch / name)) == 1
    assert on_the_disk(str(scratch)).keys() == {f"{name}/{name}"}
    house.check("reading")


def it_is_a_data_folder(house: House) -> None:
    name = house.name
    hidden = name.startswith(".")  # which a data folder leaves out
    folder = folders.reach(house.folder) if hidden else open_folder(house.folder)
    assert [each for each, _ in folder.files("")] == ([] if hidden else [name])
    within = folders.reach(join(house.root, "folders"))
    assert hidden or within.has_file(f"{name}/{name}")
    assert hidden or within.has_folder(name)
    with folder.open(name) as file:
        assert file.read() == b"named"
    memory = ContentDigests(join(house.root, "memory"))
    digests = memory.of(house.folder, store.list(house.folder))
    assert digests == {name: hashlib.md5(b"named").hexdigest()}
    memory.forget(house.folder)
    house.check("digests")


def it_is_deleted(house: House) -> None:
    name = house.name
    store.delete(house.file)
    del house.expected[f"files/{name}"]
    house.check("deleting the file")
    store.delete(house.folder, folder=True)
    del house.expected[f"folders/{name}/{name}"]
    house.check("deleting the folder")


def only_a_disk_has_it(house: House) -> None:
    """Use locks, and leftovers of killed writers."""
    lock = Path(local_path(house.file))
    with locks.held(lock, "a test") as alone:
        assert alone
    lock.unlink()
    growing = Path(local_path(house.folder), ".x.0123.unfinished")
    (growing.parent / house.name).mkdir(parents=True)
    growing.touch()
    assert [each.name for each in leftovers.unfinished(house.folder)] == [growing.name]
    growing.unlink()
    empty = [Path(local_path(house.root), "folders", each, "empty") for each in ("x", "out1", "ab")]
    for each in empty:
        each.mkdir(parents=True, exist_ok=True)
    time.sleep(0.002)
    leftovers.delete_empty_folders(house.folder, time.time_ns(), lambda each: each == house.name)
    assert [*growing.parent.iterdir()] == []
    assert all(each.is_dir() for each in empty if each.parent.name != house.name)
    growing.parent.rmdir()
    house.check("leftovers")


@pytest.fixture
def untouched_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home folder, which no name means, and a working folder that must stay empty."""
    home, here = tmp_path / "home", tmp_path / "here"
    for each in (home, here):
        each.mkdir()
    (home / "inner").write_bytes(b"at home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    yield
    assert on_the_disk(str(home)) == {"inner": hashlib.md5(b"at home").hexdigest()}
    assert [*here.iterdir()] == []


def all_of_it(place: str, name: str, scratch: Path) -> None:
    house = House(place, name)
    nothing_is_there(house, scratch)
    it_is_written_and_read(house, scratch)
    it_is_a_data_folder(house)
    it_is_deleted(house)
    if not is_remote(place):
        only_a_disk_has_it(house)


@pytest.fixture
def each_name(tmp_path: Path, untouched_home: None) -> Callable[[str, str], None]:
    return lambda place, name: all_of_it(place, name, tmp_path / f"scratch {next(unique)}")


HOW = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_an_odd_name_is_literal_on_a_disk(each_name, tmp_path, name, form):
    each_name(form.format(tmp_path / "place"), name)


@settings(HOW, max_examples=40)
@given(name=names)
@example(name="[a]b*")
def test_any_name_is_literal_on_a_disk(each_name, tmp_path, name):
    each_name(str(tmp_path / "place"), name)


def test_odd_names_are_literal_in_a_bucket(each_name, s3_place):
    for name in ODD[:12]:
        each_name(s3_place, name)


@settings(HOW, max_examples=5)
@given(name=names)
def test_any_name_is_literal_in_a_bucket(each_name, s3_place, name):
    each_name(s3_place, name)
