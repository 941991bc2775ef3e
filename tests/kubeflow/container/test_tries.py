"""Tries as processes; what they do is `one_try.py`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ONE_TRY = Path(__file__).parent / "one_try.py"

PROGRAM = """
import sys
from customer_age.kubeflow.container.tries import Tries
most, backoff, *command = sys.argv[1:]
code = Tries([sys.executable, *command], "Step", int(most), float(backoff)).run()
print("large:", sorted({"tensorflow", "tfx", "kfp"} & sys.modules.keys()))
sys.exit(code)
"""


@pytest.fixture
def start(tmp_path):
    """Starts tries in a process of their own."""

    def started(plan, most=3, backoff=0.01):
        counter, tmp = tmp_path / "tries", tmp_path / "tmp"
        tmp.mkdir()
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(most), str(backoff), ONE_TRY, counter, plan],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp)},
        )

    return started


@pytest.fixture
def run(start, tmp_path):
    """Runs tries to their end; gives exit code, lines of stderr, and a row for each try."""

    def ended(plan, **options):
        process = start(plan, **options)
        stdout, stderr = process.communicate(timeout=120)
        assert "large: []" in stdout
        assert not list((tmp_path / "tmp").iterdir()), "nothing is left on the disk"
        return process.returncode, stderr.splitlines(), rows(tmp_path)

    return ended


def rows(folder):
    return [line.split() for line in (folder / "tries").read_text().splitlines()]


def test_each_try_is_a_fresh_process_and_the_first_that_succeeds_is_the_last(run):
    code, lines, tries = run("kill,always:lost the store,end,end", most=4)
    assert code == 0
    assert len({pid for pid, *_ in tries}) == len(tries) == 3
    assert lines == [
        "customer-age: attempt 2 of 4 in 0.01 s: Step failed: its process was ended by SIGKILL, "
        "probably because there was not enough memory: increase cluster.resources.Step.memory",
        "customer-age: attempt 3 of 4 in 0.02 s: Step lost the store",
    ]


def test_the_last_line_is_the_reason_of_the_last_failure(run):
    code, lines, tries = run("always:a,always:b,always:c")
    assert (code, len(tries)) == (1, 3)
    assert lines[-1] == "customer-age: Step c (attempt 3 of 3)"


@pytest.mark.parametrize(
    ("plan", "code"),
    [("settings:x", 2), ("model:x", 3), ("data:x", 4), ("never:x", 1)],
)
def test_a_failure_that_would_repeat_is_not_retried(run, plan, code):
    ended, lines, tries = run(f"{plan},end,end")
    assert (ended, lines, len(tries)) == (code, ["customer-age: Step x"], 1)


def test_a_failure_with_the_same_message_twice_is_not_retried(run):
    code, lines, tries = run("unless the same:x,unless the same:x,end", most=5)
    assert (code, len(tries)) == (1, 2)
    assert lines[-1] == "customer-age: Step x (attempt 2 of 5)"


def test_a_failure_with_another_message_is_retried(run):
    code, _, tries = run("unless the same:x,unless the same:y,kill,end", most=5)
    assert (code, len(tries)) == (0, 4)


def test_the_waits_grow(run):
    _, lines, tries = run("kill,kill,kill", backoff=0.4)
    started = [float(at) for *_, at in tries]
    assert started[1] - started[0] >= 0.4
    assert started[2] - started[1] >= 0.8
    assert [line.split(":")[1] for line in lines[:-1]] == [
        " attempt 2 of 3 in 0.4 s",
        " attempt 3 of 3 in 0.8 s",
    ]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("code:7", "customer-age: Step failed: its process ended with code 7"),
        ("kill", "customer-age: Step failed: its process was ended by SIGKILL, probably because "
         "there was not enough memory: increase cluster.resources.Step.memory"),
    ],
)  # fmt: skip
def test_a_process_without_its_own_failure_gets_a_description(run, plan, words):
    code, lines, _ = run(plan, most=1)
    assert (code, lines) == (1, [words])


def test_a_signal_ends_the_try_and_the_container(start, tmp_path):
    process = start("sleep,end,end")
    _until(lambda: (tmp_path / "tries").exists() and rows(tmp_path))
    [[child, *_]] = rows(tmp_path)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 143
    assert len(rows(tmp_path)) == 1, "no further try"
    assert not _runs(int(child))
    assert stderr.splitlines() == [
        "customer-age: Step interrupted by SIGTERM, for example because of "
        "cluster.timeout_seconds, or because its node was drained"
    ]
    assert not list((tmp_path / "tmp").iterdir())


def test_a_signal_ends_the_wait_for_the_next_try(start, tmp_path):
    process = start("always:lost the store,end", backoff=600)
    assert "attempt 2 of 3 in 600 s" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)
    assert (process.returncode, len(rows(tmp_path))) == (143, 1)
    assert stderr.splitlines() == [
        "customer-age: Step interrupted by SIGTERM, for example because of "
        "cluster.timeout_seconds, or because its node was drained; the try before "
        "failed: Step lost the store"
    ]


def test_workers_that_a_killed_try_left_end_before_the_next_one(run):
    """Beam's, which would go on writing into the outputs, and hold the memory."""
    code, _, tries = run("leave,end")
    assert code == 0
    group = int(tries[0][1])
    _until(lambda: not _runs(-group))


def _until(condition):
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(process):
    """A process, or a process group by its negative number; one that ended may not be reaped."""
    for file in Path("/proc").glob("[0-9]*/stat" if process < 0 else f"{process}/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, _, group = file.read_text().rpartition(")")[2].split()[:3]
            if state != "Z" and (process > 0 or int(group) == -process):
                return True
    return False
