"""The same data in a folder, in S3 and in Cloud Storage become the same files, byte for byte."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from customer_age.files import store
from customer_age.files.addresses import join

BUCKET = "the-same-everywhere"
CARDS = {f"4000-{number:04}": f"{1950 + 2 * number}-05-17" for number in range(20)}


@pytest.fixture
def bucket_of_s3(s3_endpoint, aws_credentials):
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}?endpoint={s3_endpoint}"


@pytest.fixture
def bucket_of_cloud_storage(cloud_storage):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket(BUCKET)
    return f"gs://{BUCKET}"


def hand_out(data: Path, _inbox: Path, photo, **_) -> str:
    """Twelve photos; two rows of one of them, one of another age, and what cannot be used."""
    (data / "final_files").mkdir(parents=True)
    rows = []
    for number in range(12):
        name = f"photo {number}.jpg" if number % 2 else f"photo-{number}.jpg"
        (data / "final_files" / name).write_bytes(photo(number))
        rows.append(f"{name},{20 + number}")
    for copy, original, age in (("copy.jpg", 3, 23.5), ("other.jpg", 5, 60)):
        shutil.copy(data / "final_files" / f"photo {original}.jpg", data / "final_files" / copy)
        rows.append(f"{copy},{age}")
    rows += ["photo-0.jpg,20", "photo-2.jpg,99", "missing.jpg,30", "photo-4.jpg,old", "text.jpg,30"]
    (data / "final_files" / "text.jpg").write_text("not a photo")
    (data / "labels.csv").write_text("\n".join(["file_name,real_age", *rows, ""]))
    return ""


def release(data: Path, _inbox: Path, photo, **_) -> str:
    """APPA-REAL's own layout: three tables, one of them zipped, and some face crops."""
    for first, split in enumerate(("train", "valid", "test")):
        (data / split).mkdir(parents=True)
        rows = ["file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"]
        for number in range(100 * first, 100 * first + 6):
            name = f"{number:06d}.jpg"
            (data / split / name).write_bytes(photo(number))
            if number % 3 == 0:
                (data / split / f"{name}_face.jpg").write_bytes(photo(1000 + number))
            rows.append(f"{name},38,30.1,4.2,{20 + number % 50}")
        table = "\n".join([*rows, ""])
        if split == "valid":
            (data / "gt_avg_valid.csv.gz").write_bytes(gzip.compress(table.encode(), mtime=0))
        else:
            (data / f"gt_avg_{split}.csv").write_text(table)
    shutil.copy(data / "train" / "000001.jpg", data / "test" / "000201.jpg")
    (data / "ignore_list.txt").write_text("000204.jpg\n")
    return ""


def loyalty_cards(data: Path, inbox: Path, photo, batch, shown) -> str:
    """A data set of loyalty cards and two batches; a photo of the data set comes again."""
    inbox.mkdir(parents=True)
    cards = list(CARDS)
    batch(data.parent, data.name, [shown(f"{each}.jpg", each) for each in cards], CARDS)
    for name, some in (("monday", cards[::2]), ("tuesday", cards[1::3])):
        rows = [shown(f"{name} {each}.jpg", each, "2024-06-11") for each in some]
        batch(inbox, name, rows, CARDS)
    shutil.copy(
        data / "photos" / f"{cards[2]}.jpg", inbox / "monday" / "photos" / f"monday {cards[2]}.jpg"
    )
    return "monday,tuesday"


def left(uri: Path) -> dict[str, bytes]:
    """Every file that an ingestion left; its summary without times."""
    found = {
        file.relative_to(uri).as_posix(): file.read_bytes()
        for file in sorted(uri.rglob("*"))
        if file.is_file()
    }
    summary = json.loads(found.pop("ingestion.json"))
    for name in ("seconds", "seconds_ingesting", "seconds_assembling"):
        summary.pop(name)
    return found | {"ingestion.json": json.dumps(summary, sort_keys=True).encode()}


def stored_at(folder: Path, address: str) -> str:
    """Put a folder's files under an address."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            store.write_whole(join(address, file.relative_to(folder).as_posix()), file)
    return address


@pytest.mark.parametrize("layout", [hand_out, release, loyalty_cards])
@pytest.mark.parametrize("kept", ["beyond the run", "for the run alone"])
def test_the_same_data_give_the_same_files(
    layout, kept, ingest, photo, batch, shown, tmp_path, bucket_of_s3, bucket_of_cloud_storage
):
    data, inbox = tmp_path / "data", tmp_path / "inbox"
    batches = layout(data, inbox, photo=photo, batch=batch, shown=shown)
    results = []
    for number, place in enumerate((str(tmp_path), bucket_of_s3, bucket_of_cloud_storage)):
        base = join(place, "data")
        if number:
            stored_at(data, base)
            stored_at(inbox, join(place, "inbox"))
        places = {"inbox": join(place, "inbox")} if batches else {}
        if kept == "beyond the run":
            places["batch_cache"] = join(place, "cache")
        output = tmp_path / f"examples {number}"
        output.mkdir()
        ingest(base, output, batches=batches, **places)
        results.append(left(output))
    here, in_s3, in_cloud_storage = results
    assert sum(name.startswith("Split-") for name in here) >= 3
    assert in_s3 == here
    assert in_cloud_storage == here
