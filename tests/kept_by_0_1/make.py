"""Made the data in this folder with release 0.1's code; kept for the record, not run again.

    cd CHECKOUT_OF_0.1 && .venv/bin/python make.py FOLDER_FOR_THE_DATA

The folder contains `every_setting.yaml`, which a person wrote. The rest are some days of a shop
with loyalty cards, simulated in /srv/shop with the command `customer-age` itself where possible;
the files on the disk are then packed. Three things are not release 0.1's own: the ResNet50 is a
network of four numbers, so that a model has only kilobytes; the machine is called `shop`; and one
run is killed before it begins.
"""

import contextlib
import csv
import http.server
import io
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

HERE = Path(__file__).resolve()
SHOP = Path("/srv/shop")
BASE, INBOX, WORK = SHOP / "base", SHOP / "inbox", SHOP / "work"
SETTINGS = SHOP / "settings.yaml"
FORGOTTEN = "4000-0013"
NO_CONSENT = "4000-0041"
NOTHING_STARTS = "KEPT_NOTHING_STARTS"
"""In the environment: a run's process is killed before it begins."""

SETTINGS_OF_THE_SHOP = f"""\
# A whole run in under a minute: grey squares, three times as bright as the person is old.
name: shop
work_dir: {WORK}
data:
  path: {BASE}
  inbox: {INBOX}
  stored_size: 40
  split_shares: {{train: 0.6, valid: 0.2, test: 0.2}}
trainer:
  weights: none
  input_size: 32
  batch_size: 8
  epochs: 20
  learning_rate: 2.0e-2
  weight_decay: 0.0
  dropout: 0.0
  patience: 20
  augmentation: false
gate:
  max_mae: 20
  min_test_photos: 3
  champion_tolerance: 10
retraining:
  min_photos: 10
  max_wait_hours: 10000
  cool_down_hours: 0
  retry_hours: 1
  tries: 2
  epochs: 2
  learning_rate: 1.0e-3
notify:
  attempts: 1
  timeout_seconds: 2
"""

LEFT_OUT = (
    r"\.system/",  # TFX's own, of an execution that has ended
    r"work/logs/",
    r"work/reports?(/|\.html)",
    r"RunReport/(report|eda)/",
    r"\.lock$",
    r"events\.out\.tfevents",
    r"Trainer/model/",  # the registry has them
    r"Champion/model/",
    r"\.ipynb_checkpoints",
)
"""Parts of paths that release 0.1 never reads again."""

TEXTS = ("", ".csv", ".json", ".jsonl", ".pbtxt", ".sql", ".yaml")
"""Endings of the files that may contain /srv/shop; binary files must not contain it."""


LARGE = 4096
"""Bytes."""


def grey(age: int, seed: int) -> bytes:
    """A photo: three times as bright as the person is old, with a corner that differs."""
    photo = Image.new("RGB", (40, 40), (3 * age,) * 3)
    ImageDraw.Draw(photo).rectangle((0, 0, 3, 3), fill=(seed % 256, seed // 256 * 40, 128))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=60)
    return file.getvalue()


def number_of(person: int) -> str:
    return f"4000-{person:04}"


def age_of(person: int) -> int:
    return 8 + (person * 7) % 69


def write_cards(folder: Path, people: range) -> None:
    with (folder / "cards.csv").open("w", newline="") as file:
        cards = csv.writer(file, lineterminator="\n")
        cards.writerow(["card_id", "date_of_birth", "consent"])
        for person in people:
            card = number_of(person)
            consent = "no" if card == NO_CONSENT else "yes"
            cards.writerow([card, f"{2026 - age_of(person)}-11-02", consent])


def write_photos(folder: Path, people: list[int], broken: int = 0) -> None:
    """Write `photos.csv` and the photos, as many of them broken."""
    (folder / "photos").mkdir(parents=True)
    rows = ["file_name,card_id,captured_at"]
    for place, person in enumerate(people):
        name = f"{place:02}.jpg"
        seed = sum(folder.name.encode()) * 7 + place
        content = f"no photo {seed}".encode() if place < broken else grey(age_of(person), seed)
        (folder / "photos" / name).write_bytes(content)
        rows.append(f"{name},{number_of(person)},2026-11-02T10:15")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")


def complete(name: str) -> None:
    """Write `_SUCCESS`, at eight in the evening of the batch's day."""
    file = INBOX / name / "_SUCCESS"
    file.touch()
    evening = datetime.fromisoformat(f"{name[:10]}T20:00:00+00:00").timestamp()
    os.utime(file, (evening, evening))


def as_shop() -> None:
    """Replace the ResNet50 by a small network, and this machine's name by `shop`."""
    socket.gethostname = lambda: "shop"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

    def brightness(_weights: str | None) -> Any:
        import keras

        photos = keras.Input((None, None, 3))
        pooled = keras.layers.GlobalAveragePooling2D()(photos)
        return keras.Model(photos, keras.layers.Rescaling(1 / 128)(pooled), name="resnet50")

    from customer_age.components.trainer import model
    from customer_age.pipeline.retraining import local_target

    model._resnet50 = brightness

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess:
        assert not check
        if os.environ.get(NOTHING_STARTS):
            return subprocess.CompletedProcess(command, -9)
        _python, _m, _module, *arguments = command
        return subprocess.run([sys.executable, str(HERE), "as-run", *arguments], check=False)

    class Subprocess:
        """Replaces the module `subprocess` in `local_target`."""

    Subprocess.run = staticmethod(run)
    local_target.subprocess = Subprocess


def command(arguments: list[str]) -> None:
    """`customer-age ARGUMENTS` at the shop."""
    as_shop()
    from customer_age.kubeflow.cli import main

    sys.argv = ["customer-age", *arguments]
    main()


def retraining_run(arguments: list[str]) -> None:
    """The process of a run that `customer-age retrain` started."""
    as_shop()
    from customer_age.pipeline.retraining import local_run

    sys.exit(local_run.main(*arguments))


def customer_age(verb: str, *arguments: str, code: int = 0, said: str = "", **more: Any) -> str:
    """Run the command in a separate process, check its end, and return its output."""
    line = [sys.executable, str(HERE), "as-shop", verb, *arguments, "--config", str(SETTINGS)]
    environment = {**os.environ, "LOGNAME": "shop", "USER": "shop", **more.pop("env", {})}
    ended = subprocess.run(
        line, check=False, capture_output=True, text=True, env=environment, cwd=SHOP, **more
    )
    printed = f"{ended.stdout}{ended.stderr}"
    print(f"$ customer-age {' '.join([verb, *arguments])}\n{printed}", flush=True)
    assert ended.returncode == code, ended.returncode
    assert said in printed, said
    return ended.stdout


@contextlib.contextmanager
def webhook() -> Iterator[str]:
    """The address of a webhook on loopback that accepts all requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


class Looks:
    """`retrain --once` with the ledger in the work folder, then one with a ledger in PostgreSQL.

    The second one finds the runs of the first one, which have the same ids: of the same batches.
    """

    def __init__(self, postgres: str):
        as_shop()
        from customer_age.pipeline.retraining.ledger import Ledger

        self.postgres = Ledger(postgres, "shop")
        self.sqlite = Ledger(f"sqlite:///{WORK}/retraining/ledger.sqlite", "shop")

    def look(self, url: str, *overrides: str, killed: bool = False, **expected: Any) -> None:
        given = [part for override in overrides for part in ("--set", override)]
        environment = {"CUSTOMER_AGE_NOTIFY_URL": url}
        if killed:
            environment[NOTHING_STARTS] = "1"
        customer_age("retrain", "--once", *given, env=environment, **expected)
        try:
            self._in_postgres(url, overrides)
        except RuntimeError as error:
            assert killed, error

    def _in_postgres(self, url: str, overrides: tuple[str, ...]) -> None:
        from customer_age.pipeline import settings as settings_files
        from customer_age.pipeline.retraining import champions, inbox, notifications
        from customer_age.pipeline.retraining.local_target import LocalTarget
        from customer_age.pipeline.retraining.surroundings import Surroundings
        from customer_age.pipeline.retraining.trigger import Trigger

        class Elsewhere(LocalTarget):
            def start(self, run_id: str, settings: object) -> None:
                raise RuntimeError(f"{run_id} is killed before it began")

        address = "retraining.ledger=postgresql://shop@ledger.shop.example:5432/ledger"
        settings = settings_files.load(str(SETTINGS), (*overrides, address))
        surroundings = Surroundings(
            settings=settings,
            inbox=inbox.open_inbox(settings),
            ledger=self.postgres,
            target=Elsewhere(settings.work_dir),
            champions=champions.open_champions(settings),
            check=lambda _: None,
            say=lambda line: print(f"PostgreSQL: {line}", flush=True),
            webhook=notifications.Webhook(url, timeout_seconds=2, attempts=1),
        )
        Trigger(surroundings).look()


def play(looks: Looks) -> None:
    """Simulate the shop's days; the files that they leave are kept."""
    from customer_age.pipeline.retraining.local_target import RunFiles

    # The base set, and a model that was trained on it.
    write_photos(BASE, [*range(1, 31), *range(1, 11)])
    write_cards(BASE, range(1, 31))
    INBOX.mkdir()
    write_cards(INBOX, range(1, 81))
    WORK.mkdir()
    (WORK / "person.key").write_text("the key of the persons of a shop in a test")
    customer_age("run", said="Published: version 1")

    # A person is forgotten, and is in the first batch again.
    customer_age("forget", "-", input=FORGOTTEN, said="erased: 1 photos and 3 rows")

    # A batch with which a version is published; a copy of it; one without a table.
    write_photos(INBOX / "2026-11-02", [13, *range(31, 42)])
    shutil.copytree(INBOX / "2026-11-02", INBOX / "2026-11-02-again")
    (INBOX / "2026-11-01").mkdir()
    for name in ("2026-11-01", "2026-11-02", "2026-11-02-again"):
        complete(name)
    with webhook() as url:
        looks.look(url, said="ended, published")

    # From now on the webhook does not answer. A batch with a model that the gate refuses.
    write_photos(INBOX / "2026-11-03", [31, 32, 33, *range(42, 51)])
    complete("2026-11-03")
    looks.look(url, "gate.max_mae=0.001", code=3, said="ended, model refused")

    # One with broken photos.
    write_photos(INBOX / "2026-11-04", list(range(51, 63)), broken=10)
    complete("2026-11-04")
    looks.look(url, code=4, said="ended, data refused")

    # A batch in a run that was killed, and a small one that waits meanwhile.
    write_photos(INBOX / "2026-11-05", list(range(63, 75)))
    complete("2026-11-05")
    looks.look(url, killed=True, code=1, said="could not be brought to its end")
    write_photos(INBOX / "2026-11-06", [75, 76, 77])
    complete("2026-11-06")
    with RunFiles(str(WORK), looks.sqlite.active_run().run_id).held():
        looks.look(url, said="is running")

    # `predict` leaves a model next to the registry.
    customer_age("predict", str(BASE / "photos" / "00.jpg"), "--format", "csv")


def pack(target: Path) -> None:
    """Keep the shop's files: SQLite as SQL, large files once, and the time of each change."""
    changed: dict[str, int] = {}
    same_as: dict[str, str] = {}
    contents: dict[bytes, str] = {}
    for file in sorted(SHOP.rglob("*")):
        name = file.relative_to(SHOP).as_posix()
        if any(re.search(part, name) for part in LEFT_OUT):
            continue
        if file.is_dir():
            if not any(file.iterdir()):
                changed[f"{name}/"] = file.stat().st_mtime_ns
            continue
        changed[name] = file.stat().st_mtime_ns
        content = file.read_bytes()
        if len(content) > LARGE and contents.setdefault(content, name) != name:
            same_as[name] = contents[content]
            continue
        # A folder `work` would be ignored by git.
        copy = target / "shop" / re.sub("^work/", "work_folder/", name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith(b"SQLite format 3\0"):
            with contextlib.closing(sqlite3.connect(file)) as database:
                script = "\n".join(database.iterdump()) + "\n"
            copy.with_name(f"{copy.name}.sql").write_text(script)
        else:
            copy.write_bytes(content)
            assert file.suffix in TEXTS or bytes(SHOP) not in content, file
    made_at = datetime.now(timezone.utc).isoformat()
    manifest = {"made_at": made_at, "changed_ns": changed, "same_as": same_as}
    (target / "shop.json").write_text(json.dumps(manifest, indent=0) + "\n")


def dump(postgres: str) -> str:
    """The ledger in PostgreSQL as plain SQL."""
    said = subprocess.run(
        ["pg_dump", "--no-owner", "--no-privileges", "--inserts", postgres],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    # `\restrict` and `\unrestrict` are psql's own.
    return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("\\"))


def what_is_said(target: Path, looks: Looks) -> None:
    """Release 0.1's output about these data, which the tests compare."""
    from customer_age.components.model_registry import open_registry
    from customer_age.pipeline import settings
    from customer_age.pipeline.retraining.status import describe

    said = target / "said_by_0_1"
    said.mkdir()
    (said / "status.txt").write_text(customer_age("retrain", "--status"))
    lines = describe(looks.postgres.batches(), looks.postgres.runs())
    (said / "status_postgresql.txt").write_text("\n".join(lines) + "\n")
    for name, arguments in {"list": ["list"], "compare": ["compare", "1", "2"]}.items():
        (said / f"models_{name}.txt").write_text(customer_age("models", *arguments))
    versions = open_registry(
        f"mlflow+sqlite:///{WORK}/registry/mlflow.db", "customer-age"
    ).versions()
    told = [{**vars(each), "created": each.created.isoformat()} for each in versions]
    (said / "registry.json").write_text(json.dumps(told, indent=1) + "\n")
    for version in ("1", "2"):
        photos = str(BASE / "photos")
        ages = customer_age("predict", photos, "--version", version, "--format", "csv")
        (said / f"ages_{version}.csv").write_text(ages)
    every = settings.load(str(target / "every_setting.yaml")).model_dump(mode="json")
    (said / "every_setting.json").write_text(json.dumps(every, indent=1) + "\n")


def main(target: Path) -> None:
    """Simulate and pack."""
    sys.path.append(str(Path.cwd() / "tests" / "pipeline" / "retraining"))
    import postgres_server
    import psycopg

    SHOP.mkdir()
    SETTINGS.write_text(SETTINGS_OF_THE_SHOP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with postgres_server.running(port) as address:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE ledger")
        looks = Looks(f"{address}/ledger")
        play(looks)
        pack(target)
        (target / "ledger_postgresql.sql").write_text(dump(f"{address}/ledger"))
        what_is_said(target, looks)


if __name__ == "__main__":
    roles = {"as-shop": command, "as-run": retraining_run}
    if sys.argv[1] in roles:
        roles[sys.argv[1]](sys.argv[2:])
    else:
        main(Path(sys.argv[1]).resolve())
