"""Starts the worker process and reads its report, even if it crashes."""

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

# On the CPU, which every server has. The Trainer may still use the GPU of this machine.
_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "1"}

_LONGEST_WORDS = 300

_GRACE_SECONDS = 10
"""The worker's own alarm is later than the timeout here by this time."""


@dataclass(frozen=True)
class Answer:
    """The answer to one request.

    Attributes:
        ages: years; a row for each time that the request was sent, with an age for each value.
        seconds: for each time.
        reasons: for each value the reason for a missing age, or an empty text; empty if the
            signature has no output for reasons.
        error: why there are no ages; empty if there are.
    """

    ages: tuple[tuple[float, ...], ...] = ()
    seconds: tuple[float, ...] = ()
    error: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurements:
    """The worker's report.

    Attributes:
        answers: by the request's name.
        peak_bytes: peak memory; None if the worker did not finish.
        failure: a sentence with the reason if it did not finish; otherwise empty.
    """

    answers: Mapping[str, Answer]
    peak_bytes: int | None
    failure: str


def send(model_dir: Path, requests: Sequence[Request], timeout_seconds: int) -> Measurements:
    """Send requests to a model in a new process.

    If the model crashes the process, the result describes that; it raises no error.

    Args:
        model_dir: a SavedModel on this machine's disk.
        requests: to send, in their order.
        timeout_seconds: for everything, including the import of TensorFlow; then the process is
            killed.

    Raises:
        OSError: the process cannot be started.
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
    """Run the worker; return its exit code, negative for a signal, or None after a timeout."""
    try:
        return subprocess.run(
            # -I: its path has no checkout of ours, no PYTHONPATH and no packages of the user.
            [sys.executable, "-I", str(WORKER), str(folder)],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            timeout=timeout_seconds,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:  # `run` has killed it
        return None


def _read(lines: Path) -> Iterator[dict[str, Any]]:
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # the line that it wrote when it died
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
    if "peak_bytes" in last:  # the report is complete, even if the process crashed at its end
        return Measurements(answers, last["peak_bytes"], failure="")
    if "unusable" in last:
        return Measurements(answers, None, f"the model does not load: {last['unusable']}")
    doing = [line["doing"] for line in reported if "doing" in line] or ["starting"]
    ending = _ending(exit_code, timeout_seconds)
    # After a timeout, the last line of the log would be misleading.
    last_words = "" if exit_code is None else _last_line(words)
    failure = f"the worker process {ending} while it was {doing[-1]}{last_words}"
    return Measurements(answers, None, failure)


def _ending(exit_code: int | None, timeout_seconds: int) -> str:
    if exit_code is None:
        return f"did not finish within {timeout_seconds} s (canary.timeout_seconds)"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    killer = signal.Signals(-exit_code)
    why = " (probably because there was not enough memory)" if killer is signal.SIGKILL else ""
    return f"was killed by {killer.name}{why}"


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return f"; the last line of its log: {lines[-1][:_LONGEST_WORDS]}" if lines else ""
