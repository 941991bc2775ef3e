"""Photos of a bucket, read by one client."""

import pytest
from apache_beam.io.aws.clients.s3 import boto3_client

from customer_age.files import folders, s3_objects
from customer_age.photos import read_photo
from customer_age.schema.refusals import PhotoRefused, Reason

BUCKET = "photos-of-a-shop"


@pytest.fixture
def s3(s3_endpoint, aws_credentials):
    """Beam's options, to a bucket with two objects, and how to make Beam know them."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=BUCKET)
    for key, content in (("a/1.jpg", b"one"), ("a/two words ü.jpg", b"two")):
        client.put_object(Bucket=BUCKET, Key=key, Body=content)
    return (f"--s3_endpoint_url={s3_endpoint}", "--s3_region_name=us-east-1")


@pytest.fixture
def made(monkeypatch):
    """Every client that is made from here on."""
    clients = []
    make = boto3_client.Client

    def counted(options):
        clients.append(make(options))
        return clients[-1]

    monkeypatch.setattr(boto3_client, "Client", counted)
    monkeypatch.setattr(s3_objects, "_made", None)
    return clients


def test_one_client_reads_all_objects(s3, made):
    folders.reach(f"s3://{BUCKET}", s3)
    assert read_photo(f"s3://{BUCKET}/a/1.jpg") == b"one"
    assert read_photo(f"s3://{BUCKET}/a/two words ü.jpg") == b"two"
    assert len(made) == 1


def test_other_options_are_another_client(s3, made):
    folders.reach(f"s3://{BUCKET}", ("--s3_endpoint_url=http://127.0.0.1:9", s3[1]))
    with pytest.raises(PhotoRefused, match="cannot be read"):
        read_photo(f"s3://{BUCKET}/a/1.jpg")
    folders.reach(f"s3://{BUCKET}", s3)
    assert read_photo(f"s3://{BUCKET}/a/1.jpg") == b"one"
    assert len(made) == 2


def test_what_the_store_refuses_cannot_be_read(s3):
    folders.reach(f"s3://{BUCKET}", s3)
    with pytest.raises(PhotoRefused) as refused:
        read_photo("s3://another-bucket/a/1.jpg")
    assert refused.value.reason is Reason.FILE_UNREADABLE
