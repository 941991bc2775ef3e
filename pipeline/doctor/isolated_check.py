"""One look in a process of its own, since a library may hang, print or crash.

`python -m customer_age.pipeline.doctor.isolated_check NAME` reads the settings as JSON from its standard
input, and writes its findings as JSON to its standard output.
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
class Probe:
    """A look.

    Attributes:
        name: of its finding, where the process itself finds nothing.
        look: gives the findings.
        seconds: after which no answer is an answer.
        needed: whether a run needs it.
    """

    name: str
    look: Callable[[Settings], Iterator[Finding]]
    seconds: float
    needed: bool = True


PROBES = (
    Probe("TFX components", software.tfx_components, 180),
    Probe("GPU", software.gpu, 120, needed=False),
    Probe("Beam runner", software.beam_runner, 120),
    Probe("registry", network.registry, 40),
    Probe("object store", network.object_stores, 40),
    Probe("image weights", network.weights, 20),
)


def ask(probe: Probe, settings: Settings) -> list[Finding]:
    """Look, from a process of its own, within the time that the probe is given."""
    try:
        ended = subprocess.run(
            [sys.executable, "-m", __name__, probe.name],
            input=settings.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=probe.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [_nothing(probe, f"no answer within {probe.seconds:g} seconds")]
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        return [_nothing(probe, f"the process that looked was ended by {name}")]
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        return [_nothing(probe, lines[-1][:300])]
    return [Finding.of_json(each) for each in json.loads(ended.stdout)]


def _nothing(probe: Probe, says: str) -> Finding:
    return (bad if probe.needed else absent)(
        probe.name, says, f"see what python -m {__name__} {probe.name!r} prints"
    )


def main() -> None:
    """Look, and write down what was found."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    given = "" if sys.stdin.isatty() else sys.stdin.read()
    settings = Settings.model_validate_json(given or "{}")
    probe = next(each for each in PROBES if each.name == sys.argv[1])
    with answer:
        json.dump([each.as_json() for each in probe.look(settings)], answer)


if __name__ == "__main__":
    main()
