"""An ingestion that fails, or is killed, at any call to a file leaves nothing that the next takes.

As a program, this file ingests again and again in processes of its own, each killed one call later.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from customer_age.files import store

CALLS = ("list", "read", "open", "write_whole", "writing", "copy", "delete")
KILLED = 137


@pytest.fixture
def rows(photo):
    """Of good photos, and a broken one."""
    good = [(f"{number}.jpg", 20 + number, photo(number)) for number in range(9)]
    return [*good, ("text.jpg", 30, b"not a photo")]


def ingest(data: Path, folder: Path) -> None:
    """Run the executor over a data set; examples and the batch cache go into the folder."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.types import standard_artifacts

    from customer_age.components import beam_runners
    from customer_age.components.artifacts.types import PhotoDataSet
    from customer_age.components.photo_example_gen.executor import Executor
    from customer_age.components.photo_example_gen.spec import IngestionSpec
    from customer_age.labels.splits import SplitShares

    data_set, examples = PhotoDataSet(), standard_artifacts.Examples()
    data_set.uri, examples.uri = str(folder / "data_set"), str(folder / "examples")
    (folder / "examples").mkdir(parents=True, exist_ok=True)
    spec = IngestionSpec(
        min_size=16,
        split_key="key",
        split_shares=SplitShares(train=0.4, valid=0.3, test=0.3),
        age_groups=("0-17", "18+"),
        batch_cache=str(folder / "cache"),
    )
    context = BaseBeamExecutor.Context(beam_runners.options(1, []), str(folder), "1")
    properties = {"data_path": str(data), "spec": spec.to_json(), "code": ""}
    Executor(context).Do({}, {"examples": [examples], "data_set": [data_set]}, properties)


def left(folder: Path) -> dict[str, object]:
    """Every file of the examples; of their summary, what it counts."""
    output = folder / "examples"
    found: dict[str, object] = {
        file.relative_to(output).as_posix(): file.read_bytes()
        for file in output.rglob("*")
        if file.is_file()
    }
    summary = json.loads(str(found.pop("ingestion.json"), "utf-8"))
    return found | {"counts": (summary["rows"], summary["photos"], summary["refused"])}


def act_at_call(number: int, act: Callable[[], object], patch: pytest.MonkeyPatch) -> list[str]:
    """Do something at a call of `store`, counted from 1; gives the calls, as they come."""
    calls: list[str] = []

    def watched(name, function):
        def call(*args, **kwargs):
            calls.append(name)
            if len(calls) == number:
                act()
            return function(*args, **kwargs)

        return call

    for name in CALLS:
        patch.setattr(store, name, watched(name, getattr(store, name)))
    return calls


def fail() -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.slow
@pytest.mark.one_line
def test_the_next_run_repairs_an_error_at_any_call(rows, hand_out, photo, tmp_path):
    # A photo in two rows: its shard is opened, and copied record by record.
    data = hand_out([*rows, ("again.jpg", 20, photo(0))])
    ingest(data, tmp_path / "whole")
    whole, number = left(tmp_path / "whole"), 0
    while True:
        number += 1
        folder = tmp_path / f"failed {number}"
        with pytest.MonkeyPatch.context() as patch:
            calls = act_at_call(number, fail, patch)
            try:
                ingest(data, folder)
            except Exception as error:  # Beam wraps ours
                assert "Input/output error" in str(error)
        if len(calls) < number:
            break
        ingest(data, folder)
        assert left(folder) == whole, f"after call {number}, {calls[number - 1]}"
    assert set(calls) == set(CALLS) - {"copy"}


@pytest.mark.slow
@pytest.mark.one_line
def test_the_next_run_repairs_a_kill_at_any_call(rows, hand_out, tmp_path):
    data = hand_out(rows)  # each photo once: shards are copied as they are
    ingest(data, tmp_path / "whole")
    whole = left(tmp_path / "whole")
    ended = subprocess.run(
        [sys.executable, __file__, data, tmp_path],
        check=False,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    kills = int(ended.stdout.split()[-1])
    assert kills > len(CALLS)
    for number in range(1, kills + 1):
        assert left(tmp_path / f"killed {number}") == whole, f"killed at call {number}"


def ended(work: Callable[[], None]) -> int:
    """The exit code of a process that does some work."""
    if not (child := os.fork()):
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ingest_killed_ever_later(data: Path, scratch: Path) -> int:
    """Ingest, killed at one call after the other, and once more each time; gives how often."""
    number = 0
    while True:
        number += 1
        folder = scratch / f"killed {number}"

        def killed(folder=folder, number=number):
            with pytest.MonkeyPatch.context() as patch:
                act_at_call(number, lambda: os._exit(KILLED), patch)
                ingest(data, folder)

        code = ended(killed)
        if code == 0:
            return number - 1
        if code != KILLED:
            raise SystemExit(f"call {number}: exit code {code}")
        # The summary is the last file; after it comes the sweep of the cache.
        summary = folder / "examples" / "ingestion.json"
        if summary.exists() and left(folder) != left(scratch / "whole"):
            raise SystemExit(f"call {number}: there is a summary of what is not whole")
        if ended(lambda folder=folder: ingest(data, folder)):
            raise SystemExit(f"call {number}: the next run failed")


if __name__ == "__main__":
    # Imported here once; a process with threads must not be forked, so nothing is run here.
    import customer_age.components.photo_example_gen.executor  # noqa: F401

    print(ingest_killed_ever_later(Path(sys.argv[1]), Path(sys.argv[2])))
