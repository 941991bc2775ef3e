"""Plays a week at a shop, with triggers that are killed by SIGKILL at random; see `test_week.py`.

Arguments: a folder, the ledger's address, the inbox's address, a seed, and Beam options for the
inbox. Each trigger is a process of its own; many of them are killed just before a statement, a
commit, or a word with the target, and many run two at once. Between two looks ten minutes pass.

It prints the results as JSON.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import sqlalchemy
from recording_target import RecordingTarget
from sqlalchemy.engine import Engine
from standing_clock import StandingClock

from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.retraining.ledger.ledger import Ledger, now
from customer_age.pipeline.retraining.trigger import Trigger
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

_PHOTOS = 2
_WITHOUT_NEWS = 12
_LAST_LOOKS = 100
"""How many checks in a row must be quiet to end the week, and the largest number of checks."""


class Killer:
    """Kills its own process at a step."""

    def __init__(self, at: int):
        self._left = at

    def arm(self) -> None:
        for moment in ("before_cursor_execute", "commit", "rollback"):
            sqlalchemy.event.listen(Engine, moment, self.step)

    def step(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyTarget(RecordingTarget):
    """Calls the target, and may die before or after each call."""

    def __init__(self, file: Path, step: Callable[..., None]):
        super().__init__(file, asks=2, slow=0.05)
        self._step = step

    def start(self, run_id: str, settings: Settings) -> None:
        self._step()
        super().start(run_id, settings)
        self._step()


class Week:
    """The shop's inbox, and the batches that arrive there."""

    def __init__(self, folder: Path, ledger: str, place: "Place", beam_args: str, seed: int):
        self._folder = folder
        self._place = place
        self._ledger = ledger
        self._random = random.Random(seed)
        self._clock = StandingClock(now())  # batches get their times from the store
        self._killed = 0
        self._settings = loading.load(
            "local",
            (
                "retraining.min_photos=3",
                "retraining.max_wait_hours=1",
                "retraining.cool_down_hours=0.5",
                "retraining.retry_hours=0.3",
                "retraining.newest_batches=0",
                f"beam.args={beam_args}",
            ),
            work_dir=str(folder / "work"),
            data__path=str(folder),
            data__inbox=place.address,
        )
        self._inbox = open_inbox(self._settings)  # used only by the triggers

    def play(self) -> dict:
        for arrival in self._arrivals():
            arrival()
            self._look_around()
        quiet = 0
        for _ in range(_LAST_LOOKS):
            self._pass()
            quiet = quiet + 1 if self._look([0]) else 0
            if quiet == _WITHOUT_NEWS:
                break
        return self._result()

    def _arrivals(self) -> Iterator[Callable[[], None]]:
        """Return the events in the inbox, in order."""
        put = self._place.put
        for day in range(7):
            name = f"day-{day}"
            yield partial(put, name, seed=name, complete=False)
            yield partial(put, f"{name}-evening", seed=f"{name}-evening")
            yield partial(self._place.complete, name)
            if day == 1:
                yield partial(put, "bad-one", seed="bad-one")
            if day == 2:
                yield partial(put, "day-0-again", seed="day-0")
            if day == 3:
                yield partial(put, "no-rows", seed="", table="file_name,card_id,captured_at\n")
            if day == 5:
                yield partial(put, "half", seed="half", complete=False)

    def _look_around(self) -> None:
        """Run a few checks, some of them two at once, some of them killed."""
        for _ in range(self._random.randint(1, 3)):
            at_once = self._random.choice([1, 1, 2, 3])
            self._look(
                [self._random.choice([0, self._random.randint(1, 60)]) for _ in range(at_once)]
            )
            self._pass()

    def _pass(self) -> None:
        self._clock.forward(minutes=10)

    def _look(self, killed_at: list[int]) -> bool:
        """Check with several triggers; return whether a single one had nothing to do."""
        children = [self._fork(at) for at in killed_at]
        codes = []
        for child in children:
            _, status = os.waitpid(child, 0)
            code = os.waitstatus_to_exitcode(status)
            self._killed += code == -signal.SIGKILL
            if code not in (0, _QUIET, 1, -signal.SIGKILL):
                raise RuntimeError(f"a trigger ended with {code}")
            codes.append(code)
        return codes == [_QUIET]

    def _fork(self, killed_at: int) -> int:
        child = os.fork()
        if child:
            return child
        try:
            os._exit(self._looked(killed_at))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(99)

    def _looked(self, killed_at: int) -> int:
        killer = Killer(killed_at)
        if killed_at:
            killer.arm()
        said: list[str] = []
        code = Trigger(
            settings=self._settings,
            inbox=self._inbox,
            ledger=Ledger(self._ledger, "shop", self._clock),
            target=DeadlyTarget(self._folder / "target.sqlite", killer.step),
            champions=NoChampions(),
            check=lambda _: None,
            say=said.append,
            clock=self._clock,
        ).check_inbox()
        quiet = any(line == "no run: no new photos" for line in said)
        return _QUIET if quiet and not code else code

    def _result(self) -> dict:
        ledger = Ledger(self._ledger, "shop", self._clock)
        target = RecordingTarget(self._folder / "target.sqlite")
        return {
            "killed": self._killed,
            "batches": {
                batch.name: [batch.state.value, batch.tries, batch.run_id, batch.reason]
                for batch in ledger.batches()
            },
            "runs": {run.run_id: [run.state.value, list(run.new_batches)] for run in ledger.runs()},
            "active": ledger.active_run() is not None,
            "made": [
                [run_id, batches, target.state(run_id).value] for run_id, batches in target.made()
            ],
        }


_QUIET = 7


class NoChampions:
    def exists(self) -> bool:
        return False

    def version(self) -> str:
        return ""

    def drift(self, _: object) -> None:
        return None


class FolderPlace:
    """An inbox in a folder."""

    def __init__(self, address: str):
        self.address = address

    def put(self, name: str, seed: str, complete: bool = True, table: str = "") -> None:
        rows, files = contents(seed)
        for file, content in {**files, "photos.csv": (table or rows).encode()}.items():
            path = Path(self.address, name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if complete:
            self.complete(name)

    def complete(self, name: str) -> None:
        Path(self.address, name, "_SUCCESS").touch()


class BucketPlace:
    """An inbox in a bucket."""

    def __init__(self, address: str, endpoint: str):
        import boto3

        self.address = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._client = boto3.client("s3", endpoint_url=endpoint)

    def put(self, name: str, seed: str, complete: bool = True, table: str = "") -> None:
        rows, files = contents(seed)
        for file, content in {**files, "photos.csv": (table or rows).encode()}.items():
            self._put(f"{name}/{file}", content)
        if complete:
            self.complete(name)

    def complete(self, name: str) -> None:
        self._put(f"{name}/_SUCCESS", b"")

    def _put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=f"{self._prefix}/{key}", Body=content)


Place = FolderPlace | BucketPlace


def contents(seed: str) -> tuple[str, dict[str, bytes]]:
    """A batch's table, and its photos by name."""
    rows = ["file_name,card_id,captured_at"]
    rows += [f"{number}.jpg,{number},2026-03-01" for number in range(_PHOTOS)]
    photos = {f"photos/{number}.jpg": f"{seed} {number}".encode() for number in range(_PHOTOS)}
    return "\n".join(rows), photos


def main(folder: str, ledger: str, address: str, seed: str, endpoint: str = "") -> None:
    place = BucketPlace(address, endpoint) if endpoint else FolderPlace(address)
    args = [f"--s3_endpoint_url={endpoint}", "--s3_region_name=us-east-1"] if endpoint else []
    print(json.dumps(Week(Path(folder), ledger, place, json.dumps(args), int(seed)).play()))


if __name__ == "__main__":
    main(*sys.argv[1:])
