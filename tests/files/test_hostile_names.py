"""Files outside a folder that a listing or a link names are not written, read or deleted."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest

from customer_age.files import open_folder, store
from customer_age.files.addresses import DataUnavailable, join, plain
from customer_age.files.content_digests import OUTSIDE, ContentDigests

HOSTILE = (
    "a/../../evil", "../evil", "/abs", "a//b", ".", "..", "a/.", "x\0y", "x\x1b[2Jy",
)  # fmt: skip
ONLY_ON_A_DISK = ("n" * 300, "..\\evil", "a\\..\\..\\evil", "C:evil")
"""Keys that are valid in a store, and that are not written to a folder."""


def put(place: str, name: str) -> None:
    """Write an object as any client of the store can."""
    import boto3

    bucket, _, folder = plain(place).partition("://")[2].partition("/")

    client = boto3.client("s3", endpoint_url=place.partition("=")[2])
    client.put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=b"evil")


@pytest.fixture
def listing_of(scripted, aws_credentials, monkeypatch) -> Callable[[str, list[str]], str]:
    """Let a store list keys that a test server cannot store; returns the folder's address."""

    def answers(kind: str, names: list[str]) -> str:
        now, keys = "2026-01-01T00:00:00Z", [f"place/{name}" for name in names]
        if kind == "gs":
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", scripted.endpoint)
            items = [{"name": key, "size": "4", "updated": now, "crc32c": "x"} for key in keys]
            scripted.script = [json.dumps({"items": items}).encode()] * 9
            return "gs://shop/place"
        contents = "".join(
            f"<Contents><Key>{escape(key, {chr(10): '&#10;'})}</Key><LastModified>{now}"
            '</LastModified><ETag>"x"</ETag><Size>4</Size></Contents>'
            for key in keys
        )
        xml = f"<ListBucketResult>{contents}<IsTruncated>false</IsTruncated></ListBucketResult>"
        scripted.script = [xml.encode()] * 9
        return f"s3://shop/place?endpoint={scripted.endpoint}"

    return answers


@pytest.fixture(params=HOSTILE, ids=repr)
def hostile(request, s3_place) -> tuple[str, str]:
    """A real bucket's folder with a good file and a file with a hostile name."""
    store.write_whole(join(s3_place, "good"), b"good")
    put(s3_place, request.param)
    return s3_place, request.param


def all_files(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir()}


def one_line(error: BaseException, name: str) -> None:
    text = str(error)
    assert text.isprintable(), text
    assert repr(name)[1:-1] in text or repr(f"place/{name}")[1:-1] in text, text


def test_a_listing_with_such_a_key_is_not_used(hostile, tmp_path):
    check_not_used(*hostile, tmp_path)


@pytest.mark.parametrize("name", (*HOSTILE, "x\ny"), ids=repr)
def test_a_listing_of_cloud_storage_with_such_a_key_is_not_used(listing_of, name, tmp_path):
    check_not_used(listing_of("gs", ["good", name]), name, tmp_path)


def test_a_listing_of_s3_with_a_line_end_is_not_used(listing_of, tmp_path):
    check_not_used(listing_of("s3", ["good", "x\ny"]), "x\ny", tmp_path)


def check_not_used(place: str, name: str, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "model"
    with pytest.raises(OSError) as error:
        store.copy_folder(place, str(target))
    one_line(error.value, name)
    with pytest.raises(OSError), store.local_copy(place):
        pass
    with pytest.raises(DataUnavailable) as away:
        open_folder(place)
    one_line(away.value, name)
    assert away.value.exit_code == 2
    assert all_files(tmp_path) == set()


@pytest.mark.parametrize("name", ONLY_ON_A_DISK)
def test_a_key_that_is_not_a_valid_name_on_a_disk_is_not_written(s3_place, name, tmp_path):
    store.write_whole(join(s3_place, "good"), b"good")
    put(s3_place, name)
    assert {each.name for each in store.list(s3_place)} == {"good", name}
    target = tmp_path / "deep" / "model"
    with pytest.raises(OSError, match=r"(leads out of its folder|more than 255 bytes); rename"):
        store.copy_folder(s3_place, str(target))
    assert all_files(tmp_path) == set()
    digests = ContentDigests().of(s3_place, store.list(s3_place))
    assert digests[name] == OUTSIDE != digests["good"]


def test_such_keys_are_deleted_by_their_own_names(listing_of, scripted):
    """With their folder, in Cloud Storage, and no other object is deleted."""
    names = ["../evil", "/abs", "a//b"]
    store.delete(listing_of("gs", names), folder=True)
    deleted = [unquote(path.partition("/o/")[2]) for _, path in scripted.requests[1:]]
    assert [key.partition("?")[0] for key in deleted] == [f"place/{name}" for name in names]


@pytest.mark.parametrize("linked", ["secret", "folder", ""])
def test_a_link_out_of_a_folder_is_not_copied(tmp_path, linked):
    (tmp_path / "away" / "folder").mkdir(parents=True)
    (tmp_path / "away" / "secret").write_bytes(b"secret")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "good").write_bytes(b"good")
    (tmp_path / "model" / "also").symlink_to(tmp_path / "model" / "good")
    (tmp_path / "model" / "link").symlink_to(tmp_path / "away" / linked)
    with pytest.raises(OSError, match="the name 'link' is a link out of its folder"):
        store.copy_folder(str(tmp_path / "model"), str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()
    (tmp_path / "model" / "link").unlink()
    assert store.copy_folder(str(tmp_path / "model"), str(tmp_path / "copy")) == 2
    assert (tmp_path / "copy" / "also").read_bytes() == b"good"
