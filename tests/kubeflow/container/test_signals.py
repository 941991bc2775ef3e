"""SIGTERM to the real entry point, as the first process of a container too, while it is at work."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FIRST_PROCESS = ("unshare", "--map-root-user", "--pid", "--fork", "--mount-proc")
"""In a container of its own, as far as processes go; `unshare` starts it, and is not in it."""

COMMAND = (
    *(sys.executable, "-m", "customer_age.kubeflow.container.entrypoint"),
    "--executor_class_path=customer_age.components.registry_pusher.executor.Executor",
    "--json_serialized_inputs_spec_args={}",
)

LINE = (
    "customer-age: RegistryPusher interrupted by SIGTERM, for example because of "
    "cluster.timeout_seconds, or because its node was drained"
)


@pytest.fixture(params=["a process", "the first process"])
def prefix(request):
    if request.param == "a process":
        return ()
    if subprocess.run([*FIRST_PROCESS, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a namespace of processes")
    return FIRST_PROCESS


@pytest.mark.parametrize("retries", [0, 2])
def test_a_signal_ends_a_container_at_once_with_one_line_and_no_result(tmp_path, prefix, retries):
    """It comes while TFX is imported, which takes seconds, in the process or in that of a try."""
    result = tmp_path / "output.json"
    invocation = json.dumps({"outputs": {"outputFile": str(result)}})
    started = subprocess.Popen(
        [
            *(*prefix, *COMMAND, f"--max_retries={retries}"),
            f"--json_serialized_invocation_args={invocation}",
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        entrypoint = _waited_for(lambda: _child(started.pid)) if prefix else started.pid
        at_work = (lambda: _child(entrypoint)) if retries else (lambda: _handles(entrypoint))
        _waited_for(at_work)
        time.sleep(0.3)
        sent = time.monotonic()
        os.kill(entrypoint, signal.SIGTERM)
        _, said = started.communicate(timeout=60)
        # What is being imported may have printed a note of its own.
        assert (started.returncode, said.splitlines()[-1]) == (143, LINE)
        assert "Traceback" not in said
        assert time.monotonic() - sent < 30
        assert not list(tmp_path.iterdir())
    finally:
        started.kill()


def _waited_for(condition):
    until = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def _child(process):
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(found[0]) if found else 0


def _handles(process):
    """Whether it has a handler for SIGTERM."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1
