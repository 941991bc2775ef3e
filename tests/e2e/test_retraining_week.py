"""Days at a shop on the real local target: photos arrive, and the model retrains itself.

`tests/pipeline/retraining/test_week.py` covers the many ways to die, with a target that does not
train. Here runs really train on each batch, and are also killed.
"""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from customer_age.files import addresses
from customer_age.pipeline.retraining.ledger.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.one_line]

TINY = Path(__file__).parent / "tiny.yaml"
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
PIPELINE = "tiny"
ODD = "-ä b%20c%2Fd%25#e+f&g=h:i@j'k\"l;m{n}$o~p,(q)!"
"""A name with a special meaning in a URL, a shell, or a pattern other than TFX's."""

POLICY = (
    "retraining.min_photos=20",
    "retraining.cool_down_hours=0",
    "retraining.retry_hours=0",
    "retraining.tries=2",
    "retraining.epochs=1",
    "data.max_photos_per_card=null",
)


def put_batch(inbox, name, seed, photos=30, complete=True, columns="file_name,card_id,captured_at"):
    """A batch of grey squares whose brightness is the age; all were born on New Year's Day."""
    random = np.random.default_rng(seed)
    (inbox / name / "photos").mkdir(parents=True)
    rows = []
    for number in range(photos):
        age = int(random.integers(5, 80))
        pixels = np.clip(random.normal(age * 3, 6, (40, 40, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(inbox / name / "photos" / f"{number:03}.jpg")
        rows.append(f"{number:03}.jpg,card-{age},2026-01-01T10:00")
    (inbox / name / "photos.csv").write_text("\n".join([columns, *rows]))
    if complete:
        (inbox / name / "_SUCCESS").touch()


class Shop:
    """An inbox, a work folder, a webhook, and the command that checks them."""

    def __init__(self, folder, photos, webhook):
        self.inbox = folder / "inbox"
        self.work = folder / "shop" / ODD
        self.work.parent.mkdir()
        self.inbox.mkdir()
        with (self.inbox / "cards.csv").open("w", newline="") as file:
            cards = csv.writer(file)
            cards.writerow(["card_id", "date_of_birth", "consent"])
            cards.writerows([f"card-{age}", f"{2026 - age}-01-01", "yes"] for age in range(5, 80))
        self._command = [
            *(CUSTOMER_AGE, "retrain", "--once", "--config", TINY, "--data", photos),
            *("--inbox", self.inbox),
        ]
        for override in (*POLICY, f"notify.url={webhook}"):
            self._command += ["--set", override]

    @property
    def ledger(self):
        file = f"{self.work}/retraining/ledger.sqlite"
        return Ledger(addresses.sqlite_url(file), PIPELINE)

    def moves(self):
        """Rename the work folder; nothing may be created under the old name."""
        old, self.work = self.work, self.work.with_name(f"{self.work.name} moved")
        old.rename(self.work)

    def call(self, *words, typed=""):
        """Run another command on the work folder, and return its output."""
        command = [CUSTOMER_AGE, *words, "--work-dir", self.work]
        done = subprocess.run(
            [str(part) for part in command],
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def look(self):
        """Start a check."""
        return subprocess.Popen(
            [str(part) for part in [*self._command, "--work-dir", self.work]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def looked(self):
        """Run a whole check, and return the exit code and the output."""
        look = self.look()
        output, _ = look.communicate(timeout=900)
        assert "Traceback" not in output, output
        return look.returncode, output

    def states(self):
        return {batch.name: batch.state.value for batch in self.ledger.batches()}

    def training_of(self, run, look):
        """Wait until the run with this number, from 1 on, is training."""
        while len(list(self.work.glob("pipeline/Trainer/model_run/*"))) < run:
            assert look.poll() is None, look.communicate()[0]
            time.sleep(0.05)

    def run_process(self):
        """Return the process of the current run."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                if f"{self.work}/retraining/runs/" in " ".join(words) and "-m" in words:
                    return int(folder.name)
        raise AssertionError("no run is under way")

    def wait_for_the_end_of(self, process):
        deadline = time.monotonic() + 600
        while True:
            try:
                stat = Path(f"/proc/{process}/stat").read_text()
            except OSError:
                return
            if stat.rpartition(")")[2].split()[0] == "Z":
                return
            assert time.monotonic() < deadline, "it never ended"
            time.sleep(0.2)


@contextlib.contextmanager
def paused(process):
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.fixture
def webhook():
    """Start a webhook on loopback, and return its address and what it received."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()


def test_days_at_a_shop(photos, webhook, versions, tmp_path, person_key):
    address, got = webhook
    shop = Shop(tmp_path, photos, address)
    person_key(shop.work)

    # Monday: a good batch, the same again, a bad one, and an incomplete upload.
    put_batch(shop.inbox, "monday", seed=1)
    put_batch(shop.inbox, "monday-again", seed=1)
    put_batch(shop.inbox, "no-rows", seed=2, photos=0)
    put_batch(shop.inbox, "tuesday", seed=3, complete=False)

    # The trigger dies while the run is training: the run continues without it.
    trigger = shop.look()
    shop.training_of(1, trigger)
    run = shop.run_process()
    trigger.send_signal(signal.SIGKILL)
    trigger.wait()
    assert shop.states()["monday"] == "taken"

    # Two triggers check at once while it runs, and a batch becomes complete.
    (shop.inbox / "tuesday" / "_SUCCESS").touch()
    with paused(run):  # or it may end before both have looked
        both = [shop.look(), shop.look()]
        output = [look.communicate(timeout=900)[0] for look in both]
    assert all("is running" in each for each in output), output
    assert [look.returncode for look in both] == [0, 0], output
    shop.wait_for_the_end_of(run)

    # Its end is recorded, and the next run is started; that run dies.
    trigger = shop.look()
    shop.training_of(2, trigger)
    os.kill(shop.run_process(), signal.SIGKILL)
    printed, _ = trigger.communicate(timeout=900)
    assert trigger.returncode == 1, printed
    assert "could not be completed" in printed
    assert "ended, published" in printed, "of the first run"
    first, second = shop.ledger.runs()
    assert (first.state.value, second.ended_at) == ("published", None)

    # The next check resumes it, with the same id, in the folder's new path.
    shop.moves()
    code, printed = shop.looked()
    assert code == 0, printed
    assert f"run {second.run_id} ended, published" in printed
    assert shop.looked() == (0, "no run: no new photos\n")

    # The ledger, the registry and the files agree.
    assert shop.states() == {
        "monday": "learnt",
        "monday-again": "set_aside",
        "no-rows": "set_aside",
        "tuesday": "learnt",
    }
    _, found, champion = versions(shop.work / "registry")
    assert [version.tags["run_id"] for version in found] == [first.run_id, second.run_id]
    assert [version.settings["data.batches"] for version in found] == [
        '["monday"]',
        '["monday", "tuesday"]',
    ]
    assert [version.tags["started_from"] for version in found] == ["none", "champion"]
    assert [version.tags["rows"] for version in found] == ["270", "300"]
    assert champion == "2"
    records = {file.stem: json.loads(file.read_text()) for file in _records(shop.work)}
    assert {name: record["exit_code"] for name, record in records.items()} == {
        first.run_id: 0,
        second.run_id: 0,
    }

    # Each end was notified once.
    assert sorted((event["type"], event["subject"]) for event in got) == sorted(
        [
            ("customer-age.run.published", first.run_id),
            ("customer-age.run.published", second.run_id),
            ("customer-age.batch.set_aside", "monday-again"),
            ("customer-age.batch.set_aside", "no-rows"),
        ]
    )
    published = [event["data"] for event in got if event["type"].endswith("published")]
    assert [(each["version"], each["new_batches"]) for each in published] == [
        ("1", ["monday"]),
        ("2", ["tuesday"]),
    ]

    shop.moves()
    check_every_command(shop, tmp_path)


def check_every_command(shop, tmp_path):
    """Each uses the work folder's present path, and creates nothing next to it."""
    assert re.search(r"^ *2 .*champion", shop.call("models", "list"), re.MULTILINE)
    photo = shop.inbox / "monday" / "photos" / "000.jpg"
    assert shop.call("predict", photo).startswith("file_name,age,")
    shop.call("score", photo.parent, "--output", tmp_path / "ages.parquet")
    assert shop.call("models", "rollback")
    card = (shop.inbox / "monday" / "photos.csv").read_text().splitlines()[1].split(",")[1]
    forget = ("forget", "-", "--inbox", shop.inbox, "--config", TINY)
    assert shop.call(*forget, typed=card).startswith("erased: ")
    assert shop.looked()[0] == 0
    assert list(shop.work.parent.iterdir()) == [shop.work]
    assert {each.name for each in tmp_path.iterdir()} == {"inbox", "shop", "ages.parquet"}


def _records(work):
    return (work / "retraining" / "runs").glob("*.json")
