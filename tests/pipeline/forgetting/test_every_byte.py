"""After `forget`, a search of every byte finds nothing of the person outside the tombstone.

The work folder is a real one: base set, batches, a run that ends at the DataGate with its reports
and its log, caches, ML Metadata, a registry and a ledger.
"""

import hashlib
import io
import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from customer_age.labels import pseudonyms
from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint
from customer_age.pipeline.forgetting import certificate, erasure
from customer_age.pipeline.forgetting.subject import Card
from customer_age.pipeline.retraining.ledger import database

SMALL = (
    "data.stored_size=40",
    "data.min_size=16",
    "data.split_shares={train: 0.5, valid: 0.25, test: 0.25}",
    "gate.age_groups=[0-17, 18+]",
    "trainer.weights=none",
)
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
CARD = "4000-0007"
OTHER = "4000-0008"
USED, REFUSED, TWICE, FUTURE = (
    f"0{CARD}_used.jpg",
    "party & friends.jpg",
    "IMG_20240307.jpg",
    "till 3 4000_0007.png",
)
THEIRS = (USED, REFUSED, TWICE, FUTURE)
STRANGERS = "nobody special.jpg"
"""A refused photo of another person, which stays in the reports."""


@pytest.fixture
def photos(inbox, batch, shown, grey):
    """The person's photos by name: used, refused, a duplicate, and one from the future."""
    used, picture = grey(171, (47, 43)), grey(99, (45, 44))
    batch(
        inbox,
        "2026-05",
        [
            shown(USED, CARD, "2026-05-02", used),
            shown(REFUSED, CARD, "2026-05-03", b"no photo at all of " + REFUSED.encode()),
            shown(TWICE, CARD, "2026-05-02", used),
            shown(FUTURE, CARD, "2199-05-02", picture),
            shown("theirs.jpg", OTHER, "2026-05-02", grey(120, (44, 44))),
            shown(STRANGERS, OTHER, "2026-05-02", b"no photo either"),
        ],
    )
    folder = inbox / "2026-05"
    table = folder / "photos.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "photos.parquet")
    table.unlink()
    return {name: (folder / "photos" / name).read_bytes() for name in THEIRS}


@pytest.fixture
def worked(settings, photos, tmp_path):
    """The settings of a run that refused its data, with a registry and a ledger."""
    chosen = settings("2024-03", "2025-03", "2026-05")
    lines = [*SMALL, "data.batches=[2024-03,2025-03,2026-05]", "data.max_refused_share=0"]
    places = ["--data", chosen.data.path, "--work-dir", chosen.work_dir]
    command = [CUSTOMER_AGE, "run", *places]
    for line in (*lines, f"data.inbox={chosen.data.inbox}"):
        command += ["--set", line]
    run = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
    assert run.returncode == 4, run.stdout + run.stderr
    write_ledger(chosen.ledger_uri)
    publish(chosen, tmp_path / "model", "2026-05,2026-06", 5.0)
    return chosen


def publish(chosen, folder, batches, mae):
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(str(mae).encode())
    registry = open_registry(chosen.registry_uri, chosen.registry.model_name)
    champion = registry.champion()
    publication = Publication(
        model_dir=folder,
        fingerprint=saved_model_fingerprint(folder),
        metrics={"mae": mae},
        tags={"batches": batches} if batches else {},
        baseline_version=champion.version if champion else "",
    )
    return registry.publish(publication)


def write_ledger(uri):
    """The ledger's record of a run that ended with a line about a photo."""
    now = datetime.now(timezone.utc)
    reason = f"1 row without a usable age (first: 2026-05/photos.parquet, line 3, {REFUSED}: no)"
    with database.Database(uri).transaction() as connection:
        run = {"state": "data_refused", "why": "new photos", "settings": "{}", "new_batches": "[]"}
        key = {"pipeline": "customer-age", "planned_at": now}
        connection.execute(database.RUNS.insert().values(**key, **run, run_id="one", reason=reason))
        event = {"id": "one", "type": "customer-age.run.data_refused", "subject": "one"}
        data = json.dumps({"reason": reason})
        connection.execute(
            database.EVENTS.insert().values(
                **event, pipeline="customer-age", happened_at=now, data=data
            )
        )


def search(contents, needles, *folders):
    """Return the places of each needle in raw and unzipped files and in SQLite and Parquet rows."""
    found = {}
    for file, content in contents(*folders):
        texts = [content]
        if content.endswith(b"PAR1"):
            table = pq.read_table(io.BytesIO(content[content.index(b"PAR1") :]))
            texts.append(json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode())
        for name, needle in needles.items():
            if any(needle in text for text in texts):
                found.setdefault(name, set()).add(file)
    return found


def needles_of(photos, key):
    """All names and numbers that could identify the person."""
    sought = {"card": CARD.encode(), "digits": b"40000007", "person": pseudonym(key).encode()}
    sought |= {
        form: form.encode() for form in ("4000 0007", "4000_0007", "4000%2D0007", "4000.0007")
    }
    sought["stand-in"] = pseudonym(key)[:12].encode()
    for name, photo in photos.items():
        digest = hashlib.sha256(photo)
        sought |= {
            f"{name}: name": name.encode(),
            f"{name}: name in HTML": name.replace("&", "&amp;").encode(),
            f"{name}: bytes": photo,
            f"{name}: SHA-256": digest.hexdigest().encode(),
            f"{name}: SHA-256 as bytes": digest.digest(),
            f"{name}: MD5": hashlib.md5(photo).hexdigest().encode(),
        }
    return sought


def pseudonym(key):
    return pseudonyms.pseudonym(CARD, key)


@pytest.mark.slow
@pytest.mark.one_line
def test_nothing_is_left_in_any_byte(worked, photos, inbox, contents, tmp_path):
    key = erasure.person_key(worked)
    sought = needles_of(photos, key)
    places = (Path(worked.work_dir), inbox, Path(worked.data.path))
    before = search(contents, sought, *places)
    assert {f"{name}: bytes" for name in THEIRS} <= set(before)
    named = {file.name for file in before[f"{REFUSED}: name"] | before[f"{REFUSED}: name in HTML"]}
    assert named >= {"refused.csv", "ingestion.json", "report.html", "ledger.sqlite"}
    strangers = search(contents, {"stranger": STRANGERS.encode()}, Path(worked.work_dir))

    done = erasure.forget(worked, Card(CARD, key))

    left = search(contents, sought, *places)
    tombstone = inbox / "_forgotten" / pseudonym(key)
    assert left == {"person": {tombstone}, "stand-in": {tombstone}}
    kept = {file for file in strangers["stranger"] if file.suffix == ".html"}
    after = search(contents, {"stranger": STRANGERS.encode()}, Path(worked.work_dir))["stranger"]
    assert kept and kept <= after, "reports stay, and name others"
    assert done.counts.texts >= 4
    assert [version.version for version in done.certificate.versions] == ["1"]
    with sqlalchemy.create_engine(worked.ledger_uri).connect() as connection:
        [reason] = connection.execute(sqlalchemy.select(database.RUNS.c.reason)).scalars()
    assert reason.endswith("line 3, (erased): no)")
    [file] = (Path(worked.work_dir) / certificate.FOLDER).iterdir()
    assert certificate.is_genuine(json.loads(file.read_bytes()), key)
