"""Listing a bucket folder by folder, behind real endpoints on loopback."""

import sys
from datetime import timedelta

import pytest

from customer_age.errors import SettingsError
from customer_age.files.bucket_listing import open_listing

KEYS = ("shop/monday/a.jpg", "shop/monday/deep/b.jpg", "shop/tuesday/_SUCCESS", "shop/cards.csv")


@pytest.fixture
def s3(s3_endpoint, aws_credentials):
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="bucket")
    for key in KEYS:
        client.put_object(Bucket="bucket", Key=key, Body=key.encode())
    beam_args = (f"--s3_endpoint_url={s3_endpoint}", "--s3_region_name=us-east-1")
    return open_listing("s3://bucket/shop", beam_args)


@pytest.fixture
def gs(cloud_storage):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    bucket = storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket(
        "bucket"
    )
    for key in KEYS:
        bucket.blob(key).upload_from_string(key.encode())
    return open_listing("gs://bucket/shop", ("--no_auth",))


@pytest.mark.parametrize("store", ["s3", "gs"])
def test_folders_and_objects(request, store):
    listing = request.getfixturevalue(store)
    assert list(listing.folders("shop/")) == ["shop/monday/", "shop/tuesday/"]
    found = {each.key: each for each in listing.objects("shop/monday/")}
    assert sorted(found) == sorted(KEYS[:2])
    assert len({each.digest for each in found.values()} - {""}) == 2
    assert all(each.modified.utcoffset() == timedelta(0) for each in found.values())


def test_a_client_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam.io.aws.clients.s3.boto3_client", None)
    with pytest.raises(SettingsError, match=r"^s3://bucket/shop: install customer-age\[s3\]$"):
        open_listing("s3://bucket/shop", ())
