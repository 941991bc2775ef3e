"""A whole run on base set and batches, a forgotten card, and a retraining without it."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

pytestmark = [pytest.mark.slow, pytest.mark.one_line]

CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
PEOPLE = 30


def number_of(person):
    """Return a card's number, of so many digits that none are among others by chance."""
    return f"40{person:02}-7305-9146-{person:04}"


CARD = number_of(7)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory, batch, shown, grey, profiles_table):
    """A batch of thirty people whose brightness is their age; another person comes later."""
    folder = tmp_path_factory.mktemp("shop") / "inbox"
    folder.mkdir()
    ages = {person: 10 + 2 * person for person in range(PEOPLE)}
    born = {number_of(person): f"{2024 - age}-03-01" for person, age in ages.items()}
    profiles_table(folder, born)
    rows = [
        shown(f"{number_of(person)}.png", number_of(person), content=grey(3 * age, (41, 40)))
        for person, age in ages.items()
    ]
    batch(folder, "2024-03", rows)
    return folder


def test_a_retraining_has_no_data_of_a_forgotten_person(
    command, photos, inbox, tmp_path, versions, batch, shown, contents, person_key
):
    work = tmp_path / "work"
    person_key(work)
    window = [f"data.inbox={inbox}", "data.batches=[2024-03]"]
    exit_code, printed = command(photos, work, *window).ended()
    assert exit_code == 0, printed
    assert f"{240 + PEOPLE} photos (" in printed
    report = (work / "report.html").read_text()
    assert "1 of 1 batch in the data window" in report
    _, [version], _ = versions(work / "registry")
    assert version.tags["batches"] == "2024-03"

    photo = (inbox / "2024-03" / "photos" / f"{CARD}.png").read_bytes()
    digest = hashlib.sha256(photo)
    sought = [each.encode() for each in (CARD, CARD.replace("-", ""), digest.hexdigest())]
    sought += [photo, digest.digest(), stored(work, photo)]
    forget = [CUSTOMER_AGE, "forget", "-", "--inbox", inbox, "--work-dir", work]
    done = subprocess.run(
        list(map(str, forget)), input=CARD, text=True, capture_output=True, check=True
    )
    assert done.stdout.startswith("erased: 1 photos and 2 rows of uploads; 2 examples")
    for file, content in contents(work, inbox):
        assert not any(needle in content for needle in sought), file

    batch(inbox, "2024-04", [shown("again.jpg", CARD), shown("b.jpg", number_of(8))])
    window[1] = "data.batches=[2024-03,2024-04]"
    exit_code, printed = command(
        photos, work, *window, "trainer.weights=champion", "trainer.epochs=1"
    ).ended()
    assert exit_code == 0, printed
    assert "1 refused" in printed
    examples = max((work / "pipeline" / "PhotoExampleGen" / "examples").iterdir(), key=newest)
    with (examples / "refused.csv").open(newline="") as file:
        assert [row["reason"] for row in csv.DictReader(file)] == ["forgotten"]
    training = max((work / "pipeline" / "Trainer" / "model_run").iterdir(), key=newest)
    record = json.loads((training / "training.json").read_text())
    assert (record["weights"], len(record["history"])) == ("champion", 1)
    report = (work / "report.html").read_text()
    assert "1 of 2 batches in the data window" in report
    for file, content in contents(work):
        assert not any(needle in content for needle in sought), file


def newest(folder):
    return int(folder.name)


def stored(work, photo):
    """Return the photo as stored in its example."""
    for file in work.glob("pipeline/PhotoExampleGen/examples/*/Split-*/*.gz"):
        for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            size = feature["image/byte_size"].int64_list.value[0]
            batch = feature["batch"].bytes_list.value[0]
            age = feature["real_age"].float_list.value[0]
            if (batch, size, round(age)) == (b"2024-03", len(photo), 24):
                return feature["image/encoded"].bytes_list.value[0]
    raise AssertionError("no model was trained on the photo")
