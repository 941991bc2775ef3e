"""Starts the worker, and reads what it reports, however it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from absl import logging

from .requests import Request

WORKER = Path(__file__).with_name("worker.py")

# On the CPU, which every place that serves a model has: here the GPU may still be the Trainer's.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "1"}

_LONGEST_WORDS = 300

_GRACE_SECONDS = 10
"""By which the worker's own alarm comes later than the timeout here."""


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes:
        ages: years; a row for each time it was sent, with an age for each value of the batch.
        seconds: for each time.
        reasons: for each value why it has no age, else empty; none at all where the signature
            gives none.
        error: why there are no ages, else empty.
    """

    ages: tuple[tuple[float, ...], ...] = ()
    seconds: tuple[float, ...] = ()
    error: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurements:
    """What the worker reported.

    Attributes:
        answers: by the request's name.
        peak_bytes: of memory, or None where it did not come to its end.
        failure: a sentence on why it did not, else empty.
    """

    answers: Mapping[str, Answer]
    peak_bytes: int | None
    failure: str


def send(model_dir: Path, requests: Sequence[Request], timeout_seconds: int) -> Measurements:
    """Send requests to a model in a fresh process.

    Whatever the model does to the process is an answer; nothing is raised for it.

    Args:
        model_dir: a SavedModel on this machine's disk.
        requests: to send, in their order.
        timeout_seconds: for all of it, the import of TensorFlow too; then the process is killed.

    Raises:
        OSError: the process cannot be started here.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_work(folder, model_dir, requests, timeout_seconds + _GRACE_SECONDS)
        lines, log = folder / "lines", folder / "log"
        with lines.open("wb") as output, log.open("wb") as errors:
            exit_code = _run(folder, output, errors, timeout_seconds)
        reported = list(_read(lines))
        words = log.read_text(encoding="utf-8", errors="replace")
    logging.info("The worker's log:\n%s", words)
    return _measurements(reported, exit_code, words, timeout_seconds)


def _write_work(folder: Path, model_dir: Path, requests: Sequence[Request], seconds: int) -> None:
    files: dict[bytes, str] = {}
    for value in (value for request in requests for value in request.values):
        if value not in files:
            files[value] = str(folder / f"value-{len(files)}")
            Path(files[value]).write_bytes(value)
    work = {
        "model": str(model_dir),
        "seconds": seconds,
        "requests": [
            {
                "name": request.name,
                "signature": request.signature,
                "argument": request.argument,
                "values": [files[value] for value in request.values],
                "times": request.times,
            }
            for request in requests
        ],
    }
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")


def _run(folder: Path, output: BinaryIO, log: BinaryIO, timeout_seconds: int) -> int | None:
    """Run the worker; gives its exit code, negative for a signal, or None where time ran out."""
    try:
        return subprocess.run(
            # -I: neither our checkout, nor PYTHONPATH, nor a user's own packages are on its path.
            [sys.executable, "-I", str(WORKER), str(folder)],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            timeout=timeout_seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:  # it has been killed
        return None


def _read(lines: Path) -> Iterator[dict[str, Any]]:
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # the line that it was writing when it died
            return


def _measurements(
    reported: list[dict[str, Any]], exit_code: int | None, words: str, timeout_seconds: int
) -> Measurements:
    answers = {
        line["answered"]: Answer(
            ages=tuple(tuple(row) for row in line.get("ages", ())),
            seconds=tuple(line.get("seconds", ())),
            error=line.get("error", ""),
            reasons=tuple(line.get("reasons", ())),
        )
        for line in reported
        if "answered" in line
    }
    last = reported[-1] if reported else {}
    if "peak_bytes" in last:  # all is reported, even where it crashed at its very end
        return Measurements(answers, last["peak_bytes"], failure="")
    if "unusable" in last:
        return Measurements(answers, None, f"the model does not load: {last['unusable']}")
    doing = [line["doing"] for line in reported if "doing" in line] or ["starting"]
    ending = _ending(exit_code, timeout_seconds)
    last_words = "" if exit_code is None else _last_line(words)  # those of a hanging one mislead
    failure = f"the worker process {ending} while it was {doing[-1]}{last_words}"
    return Measurements(answers, None, failure)


def _ending(exit_code: int | None, timeout_seconds: int) -> str:
    if exit_code is None:
        return f"was not done after {timeout_seconds} s (canary.timeout_seconds)"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    killer = signal.Signals(-exit_code)
    why = " (as happens where memory runs out)" if killer is signal.SIGKILL else ""
    return f"was killed by {killer.name}{why}"


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return f"; its last words: {lines[-1][:_LONGEST_WORDS]}" if lines else ""
