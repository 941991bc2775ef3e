"""A pipeline that another version compiled, in this version's image."""

import json
import subprocess
import sys

import pytest

from customer_age.errors import SettingsError


def start(module: str, executor: str, output_file) -> subprocess.CompletedProcess:
    message = {"inputs": {}, "outputs": {"outputFile": str(output_file)}}
    arguments = {
        "--executor_class_path": executor,
        "--json_serialized_invocation_args": json.dumps(message),
        "--json_serialized_inputs_spec_args": "{}",
    }
    words = [word for pair in arguments.items() for word in pair]
    return subprocess.run(
        [sys.executable, "-m", module, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("module", "executor"),
    [
        # As customer-age 0.1 compiled it.
        ("customer_age.kubeflow.entrypoint", "customer_age.components.canary.executor.Executor"),
        # As this version compiles it, with an executor that the image does not have.
        ("customer_age.kubeflow.container.entrypoint", "customer_age.components.gone.Executor"),
        (
            "customer_age.kubeflow.container.entrypoint",
            "customer_age.components.run_parameters.Executor",
        ),
    ],
)
def test_it_ends_with_a_line_that_says_to_compile_again(tmp_path, module, executor):
    ended = start(module, executor, tmp_path / "task" / "output.json")
    assert ended.returncode == SettingsError.exit_code
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("customer-age: ")
    assert "compile it again" in last
    assert not (tmp_path / "task").exists()


def test_a_library_that_is_missing_is_not_taken_for_an_older_pipeline(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import a_library_that_is_missing")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = start(
        "customer_age.kubeflow.container.entrypoint",
        "needs_more.Executor",
        tmp_path / "task" / "output.json",
    )
    assert ended.returncode == 1
    assert "a_library_that_is_missing" in ended.stderr.splitlines()[-1]
