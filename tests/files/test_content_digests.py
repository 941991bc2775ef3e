"""Content digests are the same in a folder, in S3 and in Cloud Storage, and files are read once."""

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from customer_age.files import Entry, store
from customer_age.files.addresses import is_remote, join, local_path, plain
from customer_age.files.content_digests import MISSING, OUTSIDE, UNREADABLE, ContentDigests

PHOTOS = {
    "a.jpg": b"one photo",
    "sub/b ü %41.jpg": b"another photo" * 1000,
    "sub/empty.jpg": b"",
}
SECONDS = 10**9


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def put(folder: str, photos: dict[str, bytes]) -> None:
    for name, content in photos.items():
        store.write_whole(join(folder, name), content)


def settled(folder: str) -> list[Entry]:
    """The listing of a folder as if its files were old."""
    return [
        dataclasses.replace(
            entry,
            modified_ns=entry.modified_ns - 9 * SECONDS,
            changed_ns=entry.changed_ns and entry.changed_ns - 9 * SECONDS,
        )
        for entry in store.list(folder)
    ]


@contextlib.contextmanager
def reads() -> Iterator[list[str]]:
    """The names of files that are opened during the block."""
    opened: list[str] = []
    with mock.patch.object(store, "open", wraps=store.open) as spy:
        yield opened
        opened += [plain(call.args[0]).rpartition("/")[2] for call in spy.call_args_list]


def kept_in(memory: Path) -> dict[str, str]:
    (file,) = (memory / "_digests").iterdir()
    return json.loads(file.read_text())


@pytest.fixture
def folder(tmp_path) -> str:
    put(str(tmp_path / "photos"), PHOTOS)
    return str(tmp_path / "photos")


@pytest.fixture
def memory(tmp_path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def parts(s3_place):
    """Upload an object to S3 in several parts."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_place.partition("endpoint=")[2])

    def upload(name: str, *contents: bytes) -> None:
        where = {"Bucket": "shop", "Key": f"place/{name}"}
        begun = client.create_multipart_upload(**where) | where
        begun = {key: begun[key] for key in ("Bucket", "Key", "UploadId")}
        tags = [
            {
                "PartNumber": number,
                "ETag": client.upload_part(**begun, PartNumber=number, Body=content)["ETag"],
            }
            for number, content in enumerate(contents, 1)
        ]
        client.complete_multipart_upload(**begun, MultipartUpload={"Parts": tags})

    return upload


def test_the_same_bytes_have_the_same_digests_in_every_place(place):
    put(place, PHOTOS)
    with reads() as opened:
        digests = ContentDigests().of(place, store.list(place))
    assert digests == {name: md5(content) for name, content in PHOTOS.items()}
    assert len(opened) == (0 if is_remote(place) else 3), "a store's listing has the digest"


def test_an_object_of_several_parts_is_read_and_remembered(s3_place, parts, memory):
    first, second = bytes(5 * 2**20), b"the rest"
    parts("large.jpg", first, second)
    parts("small.jpg", b"one part")
    store.write_whole(join(s3_place, "whole.jpg"), b"whole")
    listed = [*store.list(s3_place)]
    assert [entry.md5 for entry in listed] == ["", "", md5(b"whole")]
    expected = {
        "large.jpg": md5(first + second), "small.jpg": md5(b"one part"), "whole.jpg": md5(b"whole"),
    }  # fmt: skip
    with reads() as opened:
        assert ContentDigests(str(memory)).of(s3_place, listed) == expected
    assert sorted(opened) == ["large.jpg", "small.jpg"]
    with reads() as opened:
        assert ContentDigests(str(memory)).of(s3_place, store.list(s3_place)) == expected
    assert opened == []
    parts("small.jpg", b"one_part")
    changed = ContentDigests(str(memory)).of(s3_place, store.list(s3_place))
    assert changed == expected | {"small.jpg": md5(b"one_part")}


def test_an_object_with_only_a_crc32c_is_read(gs_place, memory):
    put(gs_place, PHOTOS)
    composite = [dataclasses.replace(each, digest="yZRlqg==") for each in store.list(gs_place)]
    for expected in (3, 0):
        with reads() as opened:
            digests = ContentDigests(str(memory)).of(gs_place, composite)
        assert digests == {name: md5(content) for name, content in PHOTOS.items()}
        assert len(opened) == expected


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ('"900150983cd24fb0d6963f7d28e17f72"', "900150983cd24fb0d6963f7d28e17f72"),
        ("kAFQmDzST7DWlj99KOF/cg==", "900150983cd24fb0d6963f7d28e17f72"),
        ('"900150983cd24fb0d6963f7d28e17f72-2"', ""),
        ('"900150983cd24fb0d6963f7d28e17f7"', ""),
        ("900150983cd24fb0d6963f7d28e17f72", ""),
        ("yZRlqg==", ""),
        ("kAFQmDzST7DWlj99KOF/cg", ""),
        ("ü", ""),
        ("", ""),
    ],
)
def test_a_stores_digest_may_be_an_md5(digest, expected):
    assert Entry("a.jpg", digest=digest).md5 == expected


def test_a_digest_is_remembered(folder, memory):
    entries = settled(folder)
    with reads() as opened:
        first = ContentDigests(str(memory)).of(folder, entries)
    assert len(opened) == 3
    with reads() as opened:
        assert ContentDigests(str(memory)).of(folder, entries) == first
    assert opened == []
    with reads() as opened:
        assert ContentDigests().of(folder, entries) == first
    assert len(opened) == 3, "without a memory"


@pytest.mark.parametrize("field", ["name", "byte_size", "modified_ns", "changed_ns", "digest"])
def test_a_file_with_another_entry_is_read_again(folder, memory, field):
    entry = next(each for each in settled(folder) if each.name == "a.jpg")
    digests = ContentDigests(str(memory))
    digests.of(folder, [entry])
    if field == "name":
        os.link(f"{folder}/a.jpg", f"{folder}/x.jpg")
    changed = {"name": "x.jpg", "digest": "x"}.get(field, getattr(entry, field) or 1)
    if isinstance(changed, int):
        changed -= 1
    with reads() as opened:
        digests.of(folder, [dataclasses.replace(entry, **{field: changed})])
    assert len(opened) == 1


def test_a_changed_byte_is_noticed_with_the_same_size_and_time(folder, memory):
    time.sleep(2.1)
    before = ContentDigests(str(memory)).of(folder, store.list(folder))
    photo = Path(folder, "a.jpg")
    status = photo.stat()
    photo.write_bytes(b"0ne photo")
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    with reads() as opened:
        after = ContentDigests(str(memory)).of(folder, store.list(folder))
    assert opened == ["a.jpg"], "the others are remembered"
    assert after == before | {"a.jpg": md5(b"0ne photo")}


def test_a_file_that_changed_just_now_is_not_remembered(folder, memory):
    digests = ContentDigests(str(memory))
    young = next(store.list(folder))
    # An hour ahead of the clock, so that it does not settle while the test runs.
    young = dataclasses.replace(
        young,
        modified_ns=young.modified_ns + 3600 * SECONDS,
        changed_ns=young.changed_ns + 3600 * SECONDS,
    )
    old = dataclasses.replace(settled(folder)[0], name="sub/empty.jpg")
    digests.of(folder, [young, old])
    with reads() as opened:
        digests.of(folder, [young, old])
    assert opened == ["a.jpg"]
    # A file's time can be set back, but not the time of that change.
    set_back = dataclasses.replace(young, modified_ns=0)
    digests.of(folder, [set_back])
    with reads() as opened:
        digests.of(folder, [set_back])
    assert opened == ["a.jpg"]


def test_a_memory_holds_no_names_and_no_deleted_files(folder, memory):
    card = "40000007.jpg"
    put(folder, {card: b"a customer"})
    digests = ContentDigests(str(memory))
    digests.of(folder, settled(folder))
    kept = kept_in(memory)
    assert sorted(kept.values()) == sorted(
        [md5(b"a customer"), *(md5(content) for content in PHOTOS.values())]
    )
    assert all(len(key) >= 16 and int(key, 16) >= 0 for key in kept)
    assert card.partition(".")[0] not in json.dumps(kept)
    Path(folder, card).unlink()
    Path(folder, "a.jpg").write_bytes(b"changed")
    digests.of(folder, settled(folder))
    assert sorted(kept_in(memory).values()) == sorted(
        [md5(b"changed"), md5(b""), md5(PHOTOS["sub/b ü %41.jpg"])]
    )


def test_nothing_is_written_without_a_new_digest(folder, memory):
    digests = ContentDigests(str(memory))
    entries = settled(folder)
    digests.of(folder, entries)
    with mock.patch.object(store, "write_whole", wraps=store.write_whole) as spy:
        digests.of(folder, entries)
        digests.of(folder, entries[1:])
    assert spy.call_args_list == []


def test_a_memory_may_be_in_a_store(folder, bucket_place):
    entries = settled(folder)
    first = ContentDigests(bucket_place).of(folder, entries)
    with reads() as opened:
        assert ContentDigests(bucket_place).of(f"file://{folder}/", entries) == first
    assert opened == [], "it is the same folder"
    names = [entry.name for entry in store.list(bucket_place)]
    assert [name.rpartition("/")[0] for name in names] == ["_digests"]


def test_a_forgotten_digest_is_read_again(folder, memory):
    digests = ContentDigests(str(memory))
    entries = settled(folder)
    digests.of(folder, entries)
    digests.forget(folder)
    digests.forget(folder)
    ContentDigests().forget(folder)
    assert [*(memory / "_digests").iterdir()] == []
    with reads() as opened:
        digests.of(folder, entries)
    assert len(opened) == 3


@pytest.mark.parametrize("damaged", ["", "{", "[1]", "\udc80"])
def test_a_damaged_memory_is_ignored(folder, memory, damaged):
    digests = ContentDigests(str(memory))
    entries = settled(folder)
    whole = digests.of(folder, entries)
    (file,) = (memory / "_digests").iterdir()
    content = file.read_bytes()
    file.write_text(damaged, errors="surrogateescape")
    assert digests.of(folder, entries) == whole
    assert file.read_bytes() == content, "it is mended"


def test_values_that_are_not_digests_are_ignored(folder, memory):
    digests = ContentDigests(str(memory))
    entries = settled(folder)
    whole = digests.of(folder, entries)
    (file,) = (memory / "_digests").iterdir()
    values: Iterator[object] = iter((7, "outside", None))
    file.write_text(json.dumps({key: next(values) for key in kept_in(memory)}))
    assert digests.of(folder, entries) == whole


@pytest.mark.parametrize("kind", ["path", "s3"])
def test_a_memory_that_cannot_be_used_stops_nothing(folder, tmp_path, request, caplog, kind):
    (tmp_path / "file").write_bytes(b"")
    address = f"{tmp_path}/file"
    if kind == "s3":
        address = request.getfixturevalue("s3_place").replace("shop", "other")
    digests = ContentDigests(address)
    for _ in range(2):
        assert digests.of(folder, settled(folder))["a.jpg"] == md5(PHOTOS["a.jpg"])
    lines = [record.getMessage() for record in caplog.records if "cannot be written" in record.msg]
    said = [line for line in caplog.messages if "cannot be" in line]
    assert said
    assert all(line.startswith(plain(join(address, "_digests"))) for line in said)
    assert len([line for line in said if "cannot be written" in line]) == 1, lines
    assert all(len(line.splitlines()) == 1 for line in said)


def test_a_link_that_leads_out_is_not_read(folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    Path(folder, "out.jpg").symlink_to(tmp_path / "secret")
    Path(folder, "in.jpg").symlink_to(Path(folder, "a.jpg"))
    with reads() as opened:
        digests = ContentDigests().of(folder, [*store.list(folder), Entry("../secret", 6)])
    assert digests["out.jpg"] == digests["../secret"] == OUTSIDE
    assert digests["in.jpg"] == digests["a.jpg"]
    assert not {"out.jpg", "secret"} & set(opened)


def test_deleted_or_unreadable_files_are_marked_and_not_remembered(place, memory):
    put(place, {"a.jpg": b"a", "b.jpg": b"b", "c.jpg": b"c"})
    unknown = [dataclasses.replace(entry, digest="") for entry in settled(place)]
    expected = {"a.jpg": MISSING, "b.jpg": md5(b"b"), "c.jpg": md5(b"c")}
    store.delete(join(place, "a.jpg"))
    if not is_remote(place):
        store.delete(join(place, "c.jpg"))
        Path(local_path(join(place, "c.jpg"))).mkdir()
        expected["c.jpg"] = UNREADABLE
    assert ContentDigests(str(memory)).of(place, unknown) == expected
    kept = sorted(digest for digest in expected.values() if len(digest) == 32)
    assert sorted(kept_in(memory).values()) == kept


def test_a_store_that_does_not_answer_is_an_error(aws_credentials, monkeypatch, memory):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    address = "s3://shop/photos?endpoint=http://127.0.0.1:1"
    with pytest.raises(OSError, match="no answer from"):
        ContentDigests(str(memory)).of(address, [Entry("a.jpg", 1, 1, '"x-2"')])
    assert not memory.exists()


def test_large_files_of_a_folder_are_read_by_threads(tmp_path):
    photos = {f"{number}.jpg": bytes([number]) * 2**19 for number in range(5)}
    put(str(tmp_path), photos)
    digests = ContentDigests().of(str(tmp_path), store.list(str(tmp_path)))
    assert digests == {name: md5(content) for name, content in photos.items()}


def test_a_sub_folder_that_is_listed_has_no_content(folder):
    assert ContentDigests().of(folder, store.list(folder, deep=False)).keys() == {"a.jpg"}
