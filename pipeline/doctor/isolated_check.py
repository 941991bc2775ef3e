"""Runs one check in its own process, because a library may hang, print or crash.

`python -m customer_age.pipeline.doctor.isolated_check NAME` reads the settings as JSON from
standard input, and writes its findings as JSON to standard output.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..settings.settings import Settings
from . import network, software
from .finding import Finding, absent, bad


@dataclass(frozen=True)
class IsolatedCheck:
    """A check, and its time limit.

    Attributes:
        name: the name of the finding if the process itself reports none.
        check: returns the findings.
        seconds: the time limit; after it the process is killed, which is the finding.
        needed: whether a run needs it.
    """

    name: str
    check: Callable[[Settings], Iterator[Finding]]
    seconds: float
    needed: bool = True


CHECKS = (
    IsolatedCheck("TFX components", software.tfx_components, 180),
    IsolatedCheck("GPU", software.gpu, 120, needed=False),
    IsolatedCheck("Beam runner", software.beam_runner, 120),
    IsolatedCheck("registry", network.registry, 40),
    IsolatedCheck("object store", network.object_stores, 40),
    IsolatedCheck("image weights", network.weights, 20),
)


def run_isolated(isolated: IsolatedCheck, settings: Settings) -> list[Finding]:
    """Run a check in its own process, within its time limit."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__, isolated.name],
            input=settings.model_dump_json(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=isolated.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [_no_answer(isolated, f"no answer within {isolated.seconds:g} seconds")]
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        return [_no_answer(isolated, f"the process of this check was killed by {name}")]
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        return [_no_answer(isolated, lines[-1][:300])]
    return [Finding.of_json(each) for each in json.loads(ended.stdout)]


def _no_answer(isolated: IsolatedCheck, result: str) -> Finding:
    return (bad if isolated.needed else absent)(
        isolated.name, result, f"see the output of python -m {__name__} {isolated.name!r}"
    )


def main() -> None:
    """Run a check, and write its findings."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the output of libraries is not part of the findings
    content = "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode()
    settings = Settings.model_validate_json(content or "{}")
    isolated = next(each for each in CHECKS if each.name == sys.argv[1])
    with answer:
        json.dump([each.as_json() for each in isolated.check(settings)], answer)


if __name__ == "__main__":
    main()
