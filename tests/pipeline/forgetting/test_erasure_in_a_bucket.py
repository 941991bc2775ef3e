"""The inbox and the batch cache in a bucket, behind an S3 endpoint on loopback."""

import hashlib

import pytest

from customer_age.labels import tombstones
from customer_age.pipeline.forgetting import erasure
from customer_age.pipeline.forgetting.findings import Counts
from customer_age.pipeline.forgetting.subject import Card
from customer_age.pipeline.settings.beam import BeamSettings

BUCKET = "customers"
CARD = "4000-0007"


@pytest.fixture
def bucket(s3_endpoint, aws_credentials, inbox):
    """A client of a bucket with the inbox, and Beam's options to access it."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=BUCKET)
    for file in inbox.rglob("*"):
        if file.is_file():
            client.upload_file(str(file), BUCKET, f"inbox/{file.relative_to(inbox).as_posix()}")
    return client, (f"--s3_endpoint_url={s3_endpoint}", "--s3_region_name=us-east-1")


def objects(client):
    """Return the name and content of every object."""
    listed = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    names = [each["Key"] for page in listed for each in page.get("Contents", ())]
    return {name: client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}


@pytest.mark.slow
def test_batches_are_cached_and_forgotten_in_a_bucket(
    bucket, settings, ingest, inbox, tmp_path, search
):
    client, beam_args = bucket
    chosen = settings(
        "2024-03",
        data__inbox=f"s3://{BUCKET}/inbox",
        data__batch_cache=f"s3://{BUCKET}/cache",
    ).model_copy(update={"beam": BeamSettings(args=beam_args)})
    first = ingest(chosen)
    names = set(objects(client))
    assert sum(name.endswith("/piece.json") for name in names) == 2
    photo = (inbox / "2024-03" / "photos" / f"{CARD}_2024-03.jpg").read_bytes()
    digest = hashlib.sha256(photo).hexdigest().encode()
    sought = (CARD.encode(), photo, digest)
    assert all(any(needle in each for each in objects(client).values()) for needle in sought)

    counts = erasure.forget(chosen, Card(CARD, erasure.person_key(chosen))).counts
    assert counts == Counts(photos=2, rows=3, cached_batches=1, artifacts=1, examples=2)
    left = objects(client)
    assert not any(needle in each for each in left.values() for needle in sought)
    assert not any(CARD in name for name in left)
    assert not search({"card": CARD.encode(), "photo": photo}, tmp_path / "work")
    assert len(tombstones.read(chosen.reached().data.inbox).persons) == 1
    assert not first.exists()
    assert ingest(chosen).exists()
