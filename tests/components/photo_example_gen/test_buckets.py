"""A data set in a bucket, behind real endpoints on loopback: S3's, and Cloud Storage's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.files import Entry, folders, store
from customer_age.files.addresses import join, reached_by
from customer_age.files.data_folder import StoreFolder
from customer_age.labels import open_data_set
from customer_age.photos.decode import read_photo
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading
from customer_age.schema.refusals import PhotoRefused, Reason

PHOTOS = 24
BUCKET = "photos-of-a-shop"


@dataclass(frozen=True)
class Bucket:
    """The same data set in a bucket and in a folder."""

    folder: Path
    scheme: str
    beam_args: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return f"{self.scheme}://{BUCKET}/spring"

    @property
    def reached(self) -> str:
        return reached_by(self.address, self.beam_args)


@pytest.fixture
def s3(s3_endpoint, aws_credentials, data):
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="spring/", Body=b"")
    client.put_object(Bucket=BUCKET, Key="spring/final_files/", Body=b"")
    for name, file in data.items():
        client.upload_file(str(file), BUCKET, f"spring/{name}")
    return (f"--s3_endpoint_url={s3_endpoint}", "--s3_region_name=us-east-1")


@pytest.fixture
def gs(cloud_storage, data):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    client = storage.Client(project="test", credentials=AnonymousCredentials())
    bucket = client.create_bucket(BUCKET)
    bucket.blob("spring/").upload_from_string(b"")
    for name, file in data.items():
        bucket.blob(f"spring/{name}").upload_from_filename(str(file))
    return ("--no_auth",)


@pytest.fixture
def folder(hand_out, photo):
    rows = [(f"{number:06d}.jpg", 20 + number, photo(number)) for number in range(PHOTOS)]
    return hand_out([*rows, ("missing.jpg", 30, None), ("../labels.csv", 30, None)])


@pytest.fixture
def data(folder):
    return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*.*"))}


@pytest.fixture(params=["s3", "gs"])
def bucket(request, folder):
    return Bucket(folder, request.param, request.getfixturevalue(request.param))


def test_a_bucket_gives_the_examples_of_a_folder(bucket, ingest, tmp_path):
    here = ingest(bucket.folder, tmp_path / "here")
    there = ingest(f"{bucket.address}/", tmp_path / "there", beam_args=bucket.beam_args)
    assert there.summary["rows"] == PHOTOS + 2
    assert there.summary["photos"] == here.summary["photos"]
    assert there.summary["refused"] == {"file_missing": 1, "outside_data_folder": 1}
    assert there.by_name() == here.by_name()


def test_a_folder_is_listed_once_for_any_number_of_rows(bucket, monkeypatch):
    listings = []
    listed = store.list

    def counted(address):
        listings.append(address)
        return listed(address)

    monkeypatch.setattr(store, "list", counted)
    data_set = open_data_set(bucket.reached)
    assert len(list(data_set.rows())) == PHOTOS + 2
    assert data_set.fingerprint()
    assert len(listings) == 1


def test_a_photo_that_was_deleted_is_missing(bucket):
    folder = folders.reach(bucket.reached)
    with pytest.raises(PhotoRefused) as refused:
        read_photo(folder.path("final_files/gone.jpg"))
    assert refused.value.reason is Reason.FILE_MISSING


def test_a_store_that_does_not_answer_does_not_delay_others(monkeypatch):
    requested, answer = threading.Event(), threading.Event()

    def listed(address):
        if "silent" in address:
            requested.set()
            answer.wait(60)
        return iter([Entry("a.jpg", 7)])

    monkeypatch.setattr(store, "list", listed)
    with ThreadPoolExecutor(2) as pool:
        silent = pool.submit(lambda: list(StoreFolder("s3://silent").files("")))
        try:
            assert requested.wait(10)
            other = pool.submit(lambda: list(StoreFolder(f"s3://{BUCKET}").files("")))
            assert [name for name, _ in other.result(timeout=10)] == ["a.jpg"]
        finally:
            answer.set()
        silent.result(timeout=10)


def test_the_fingerprint_changes_with_an_object(bucket):
    def fingerprint():
        return open_data_set(bucket.reached).fingerprint()

    before = fingerprint()
    assert fingerprint() == before
    store.write_whole(join(bucket.reached, "final_files/000001.jpg"), b"another")
    assert fingerprint() != before


def test_missing_files_are_reported_in_one_line(bucket):
    address = f"{bucket.scheme}://{BUCKET}/autumn"
    with pytest.raises(SettingsError, match=f"data folder {address}: ") as error:
        open_data_set(reached_by(address, bucket.beam_args))
    assert "\n" not in str(error.value)


def test_a_run_finds_its_data_in_a_bucket(bucket):
    args = str(list(bucket.beam_args))
    found = loading.load(
        "local", ("trainer.weights=none", f"beam.args={args}"), data__path=bucket.address
    )
    assert len(preflight.check(found).data) == 64
