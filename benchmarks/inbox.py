"""Measure the time of a check of an inbox of 10,000 batches: the first one, and later ones.

`python benchmarks/inbox.py [--batches 10000] [--photos 2]`

The inbox is a folder on this machine, and the ledger is SQLite. The batches contain a few photos of
some bytes, because only the check is measured. It runs the trigger's code, with a policy that never
starts a run.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from customer_age.pipeline.retraining import policy
from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.retraining.inbox_scan import scan
from customer_age.pipeline.retraining.ledger.ledger import Ledger, now
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings


def fill(folder: Path, batches: range, photos: int) -> None:
    """Put batches into an inbox."""
    for batch in batches:
        inner = folder / f"{batch:06}"
        (inner / "photos").mkdir(parents=True)
        rows = ["file_name,card_id,captured_at"]
        for photo in range(photos):
            (inner / "photos" / f"{photo}.jpg").write_bytes(f"{batch} {photo}".encode())
            rows.append(f"{photo}.jpg,{photo},2026-03-01T10:15")
        (inner / "photos.csv").write_text("\n".join(rows))
        (inner / "_SUCCESS").touch()


def look(settings: Settings) -> int:
    """Check the inbox as the trigger does; return how many batches were new."""
    ledger = Ledger(settings.ledger_uri, settings.name)
    seen = scan(open_inbox(settings), ledger.batches())
    ledger.forget_vanished(seen.present)
    added = ledger.add(seen.found)
    decision = policy.decide(
        ledger.batches(), seen.present, ledger.runs(), settings.retraining, now()
    )
    if decision.batches:
        raise RuntimeError("the policy would start a run")
    return len(added)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """Return the seconds that the work took, and its result."""
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--photos", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "inbox"
        fill(folder, range(arguments.batches), arguments.photos)
        settings = loading.load(
            "local",
            ("retraining.min_photos=1000000000",),
            work_dir=f"{scratch}/work",
            data__inbox=str(folder),
        )
        print("| check | new batches | seconds |\n| --- | --: | --: |")
        for name, more in (("first", 0), ("no new batches", 0), ("ten new batches", 10)):
            fill(folder, range(arguments.batches, arguments.batches + more), arguments.photos)
            seconds, found = timed(lambda: look(settings))
            print(f"| {name} | {found:,} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
