"""Scans of an inbox: a folder, and buckets behind real endpoints on loopback."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.retraining.inbox_scan import scan
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState
from customer_age.pipeline.settings import loading


def open_at(address, *overrides):
    return open_inbox(loading.load("local", overrides, data__inbox=address))


class FolderShop:
    def __init__(self, folder):
        self._folder = folder / "inbox"
        self._folder.mkdir()
        self.inbox = open_at(str(self._folder))

    def put(self, name, content=b""):
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


class S3Shop:
    def __init__(self, endpoint):
        import boto3

        self._client = boto3.client("s3", endpoint_url=endpoint)
        self._bucket = "shop"
        self._client.create_bucket(Bucket=self._bucket)
        args = f'["--s3_endpoint_url={endpoint}", "--s3_region_name=us-east-1"]'
        self.inbox = open_at(f"s3://{self._bucket}/loyalty/inbox/", f"beam.args={args}")

    def put(self, name, content=b""):
        self._client.put_object(Bucket=self._bucket, Key=f"loyalty/inbox/{name}", Body=content)


class GoogleShop:
    def __init__(self):
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        client = storage.Client(project="test", credentials=AnonymousCredentials())
        self._bucket = client.create_bucket("shop")
        self.inbox = open_at("gs://shop/loyalty/inbox", 'beam.args=["--no_auth"]')

    def put(self, name, content=b""):
        self._bucket.blob(f"loyalty/inbox/{name}").upload_from_string(content)


@pytest.fixture
def s3_shop(s3_endpoint, aws_credentials):
    return S3Shop(s3_endpoint)


@pytest.fixture
def gs_shop(cloud_storage):
    return GoogleShop()


@pytest.fixture(params=["folder", "s3", "gs"])
def shop(request, tmp_path):
    if request.param == "folder":
        return FolderShop(tmp_path)
    return request.getfixturevalue(f"{request.param}_shop")


TABLE = b"file_name,card_id,captured_at\n1.jpg,1,2026-03-01\n2.jpg,2,2026-03-01\n"


def put_batch(shop, name, photo=b"photo", table=TABLE, complete=True):
    shop.put(f"{name}/photos/1.jpg", photo)
    shop.put(f"{name}/photos/2.jpg", photo + b"2")
    shop.put(f"{name}/photos.csv", table)
    if complete:
        shop.put(f"{name}/_SUCCESS")


def test_complete_batches_are_found(shop):
    put_batch(shop, "monday")
    put_batch(shop, "tuesday", b"other", complete=False)
    shop.put("_forgotten/0123", b"{}")
    shop.put("cards.csv", b"card_id,date_of_birth,consent\n")
    shop.put(".hidden/_SUCCESS")
    result = scan(shop.inbox, [])
    assert result.present == {"monday", "tuesday"}
    assert result.incomplete == ("tuesday",)
    (found,) = result.found
    assert (found.name, found.photos, found.problem) == ("monday", 2, "")
    assert len(found.content) == 64
    assert found.arrived.utcoffset() == timedelta(0)


def test_a_known_batch_is_not_opened(shop, monkeypatch):
    put_batch(shop, "monday")
    put_batch(shop, "tuesday", b"other")
    first = {each.name: each for each in scan(shop.inbox, []).found}
    known = Batch("monday", BatchState.LEARNT, 2, first["monday"].arrived)
    opened = []
    digests = shop.inbox.digests
    monkeypatch.setattr(shop.inbox, "digests", lambda name: opened.append(name) or digests(name))
    result = scan(shop.inbox, [known])
    assert (opened, [each.name for each in result.found]) == (["tuesday"], ["tuesday"])


def test_the_content_is_that_of_photos_and_table(shop):
    put_batch(shop, "monday")
    put_batch(shop, "the-same")
    shop.put("the-same/cards.csv", b"newer profiles")
    put_batch(shop, "other-photo", b"other")
    put_batch(shop, "other-table", table=TABLE.replace(b"2026-03-01", b"2026-03-02"))
    content = {each.name: each.content for each in scan(shop.inbox, []).found}
    assert content["monday"] == content["the-same"]
    assert len(set(content.values())) == 3


def test_a_batch_set_aside_is_found_when_it_arrives_again(shop):
    put_batch(shop, "monday")
    (found,) = scan(shop.inbox, []).found
    aside = Batch("monday", BatchState.SET_ASIDE, 2, found.arrived)
    assert scan(shop.inbox, [aside]).found == ()
    earlier = Batch("monday", BatchState.SET_ASIDE, 2, found.arrived - timedelta(seconds=1))
    assert scan(shop.inbox, [earlier]).found == (found,)
    learnt = Batch("monday", BatchState.LEARNT, 2, earlier.arrived_at)
    assert scan(shop.inbox, [learnt]).found == ()


def test_a_workbook_next_to_the_table_is_named(shop):
    put_batch(shop, "monday")
    shop.put("monday/photos.xlsx", b"PK")
    (found,) = scan(shop.inbox, []).found
    assert found.problem.startswith("photos.csv and photos.xlsx; expected photos.csv, once; .xlsx")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"", "photos.csv: the table is empty"),
        (b"\xff\xfe\x00", "not text in UTF-16"),
        (b"\xfe\x00", "not text in UTF-8"),
        (TABLE.splitlines()[0], "photos.csv: no rows"),
    ],
)
def test_an_invalid_table_is_a_problem(shop, table, says):
    put_batch(shop, "monday", table=table)
    (found,) = scan(shop.inbox, []).found
    assert says in found.problem


def test_a_batch_with_two_tables_and_one_with_none(shop):
    put_batch(shop, "two")
    shop.put("two/photos.tsv", TABLE)
    shop.put("none/_SUCCESS")
    problems = {each.name: each.problem for each in scan(shop.inbox, []).found}
    assert problems["two"].startswith("photos.csv and photos.tsv; expected photos.csv")
    assert problems["none"].startswith("no label table; expected photos.csv")


def test_a_link_out_of_a_batch_is_not_followed(tmp_path):
    shop = FolderShop(tmp_path)
    put_batch(shop, "monday")
    (before,) = scan(shop.inbox, []).found
    secret = tmp_path / "secret"
    secret.write_bytes(b"photo")
    photo = Path(tmp_path, "inbox", "monday", "photos", "1.jpg")
    photo.unlink()
    photo.symlink_to(secret)
    (after,) = scan(shop.inbox, []).found
    assert after.content != before.content
