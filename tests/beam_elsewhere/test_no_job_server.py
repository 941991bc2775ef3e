"""If no job server answers, one line reports it soon, before anything starts."""

import socket
import subprocess
import sys
import time

import pytest

from customer_age.components.beam_elsewhere import job_server
from customer_age.errors import RunError
from customer_age.kubeflow.container import failed_step
from customer_age.pipeline.cli import cli

SECONDS = 30


@pytest.fixture
def args(closed_port):
    """Beam options of a portable runner without a job server."""
    return [
        "--runner=PortableRunner",
        f"--job_endpoint=localhost:{closed_port}",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
    ]


@pytest.fixture
def call(monkeypatch, capsys):
    """Call `customer-age`; return its exit code and its error output."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["customer-age", *map(str, arguments)])
        started = time.monotonic()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert time.monotonic() - started < SECONDS
        return ended.value.code, capsys.readouterr().err

    return command


@pytest.mark.parametrize("verb", ["run", "score"])
def test_the_command_line_reports_it_before_anything_is_written(
    call, args, hand_out, photo, tmp_path, verb
):
    data = hand_out([("1.jpg", 30, photo())])
    work, out = tmp_path / "work", tmp_path / "out"
    command = ["run", "--data", data] if verb == "run" else ["score", data, "--output", out]
    exit_code, said = call(*command, "--work-dir", work, "--set", f"beam.args={args!r}")
    assert exit_code == 2
    [line] = said.splitlines()
    assert f"no Beam job server answered at {args[1]} within 10 s; start it" in line
    assert not work.exists() and not out.exists()


def test_a_container_reports_it_before_it_imports_tensorflow(args):
    started = time.monotonic()
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "customer_age.kubeflow.container.entrypoint"),
            "--executor_class_path=customer_age.components.photo_example_gen.executor.Executor",
            *("--json_serialized_invocation_args={}", "--json_serialized_inputs_spec_args={}"),
            *args,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert time.monotonic() - started < SECONDS
    assert ended.returncode == 1
    *_, line = ended.stderr.splitlines()
    said = f"no Beam job server answered at {args[1]} within 10 s"
    assert line.startswith(f"customer-age: PhotoExampleGen failed: beam.args: {said}")


@pytest.mark.slow
def test_a_job_server_that_ended_meanwhile_is_one_line_too(parts, args, tmp_path):
    """Beam's own wait of 300 seconds is not reached; a cluster tries again."""
    with pytest.raises(RunError) as raised:
        parts.ingest(args, tmp_path / "out")
    failure = failed_step.failure_of(raised.value, "a.photo_example_gen.executor.Executor", {})
    assert failure.exit_code == 1
    assert failure.repeat is failed_step.Repeat.ALWAYS
    assert f"no Beam job server answered at {args[1]} within 10 s" in failure.line


def test_another_server_is_not_accepted_as_a_job_server(monkeypatch):
    monkeypatch.setattr(job_server, "SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"localhost:{silent.getsockname()[1]}"
        assert f"--job_endpoint={endpoint} within 1 s" in job_server.absent(endpoint)


@pytest.mark.parametrize("beam_args", [[], ["--runner=DirectRunner"], ["--job_endpoint=embed"]])
def test_a_runner_without_a_job_server_needs_none(beam_args):
    assert job_server.absent_of(beam_args) is None
