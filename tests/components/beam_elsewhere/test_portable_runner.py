"""How a job ends, with a scripted job; `tests/beam_elsewhere` has real jobs."""

import itertools
import threading
import time

import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from customer_age.components.beam_elsewhere import portable_runner
from customer_age.errors import RunError


class Job:
    """Of Beam, as far as it is watched."""

    _state = "RUNNING"

    def __init__(self, end=None) -> None:
        self._messages: list = []
        self._end = end
        self.cancelled = False

    def wait_until_finish(self, duration=None):
        if self._end is None:
            threading.Event().wait()
        return self._end()

    def cancel(self) -> None:
        self.cancelled = True


def raising(error: Exception):
    def end():
        raise error

    return Job(end)


def watched(job: Job, seconds: float = 0.3) -> portable_runner.WatchedJob:
    return portable_runner.WatchedJob(job, "jobs:8099", seconds)


def test_a_job_ends_with_beams_state():
    assert watched(Job(lambda: "DONE")).wait_until_finish() == "DONE"


def test_a_job_without_progress_is_cancelled():
    job = Job()
    with pytest.raises(RunError, match=r"^Beam's job on jobs:8099 showed no progress for 0.3 s"):
        watched(job).wait_until_finish()
    assert job.cancelled


@pytest.mark.parametrize("way", ["files", "messages"])
def test_a_job_with_progress_is_not_cancelled(way):
    job = Job(lambda: time.sleep(1) or "DONE")
    found = watched(job)
    if way == "files":
        found.progress = itertools.count().__next__
    else:
        found.progress = lambda: job._messages.append("a message")
    assert found.wait_until_finish() == "DONE"


def test_unknown_progress_does_not_end_a_job():
    found = watched(Job(lambda: time.sleep(0.2) or "DONE"), 10)
    found.progress = lambda: 1 / 0
    assert found.wait_until_finish() == "DONE"


@pytest.mark.parametrize(
    ("error", "kind", "line"),
    [
        (grpc.RpcError(), RunError, "Beam's job server jobs:8099 disappeared before the job ended"),
        (
            RuntimeError(
                'failed:\n  File "data_plane.py", line 545, in input_elements\n'
                "RuntimeError: Channel closed prematurely."
            ),
            RunError,
            "a Beam worker died, so the job on jobs:8099 failed",
        ),
        (
            RuntimeError("failed:\nRuntimeError: Beam's worker 1-1 died: exit code 1\n"),
            RunError,
            "Beam's worker 1-1 died: exit code 1, so the job on jobs:8099 failed",
        ),
        (
            RuntimeError("failed:\n File\nOSError: [Errno 28] No space left [while running 'W']"),
            RuntimeError,
            "Beam's job on jobs:8099 failed: OSError: [Errno 28] No space left [while running 'W']",
        ),
        (RuntimeError(""), RuntimeError, "Beam's job on jobs:8099 failed: "),
    ],
    ids=["server", "lost", "reported", "failed", "without words"],
)  # fmt: skip
def test_the_end_of_a_job_is_reported_in_one_line(error, kind, line):
    with pytest.raises(kind) as raised:
        watched(raising(error)).wait_until_finish()
    assert str(raised.value).startswith(line)
    assert len(str(raised.value).splitlines()) <= 1
    assert raised.value.__cause__ is error, "the log has all of it"


def test_the_time_is_a_beam_option_and_six_hours_by_default():
    def seconds(*args):
        return PipelineOptions(args).view_as(portable_runner.WatchOptions).max_silent_seconds

    assert seconds() == 6 * 3600
    assert seconds("--max_silent_seconds=60") == 60
