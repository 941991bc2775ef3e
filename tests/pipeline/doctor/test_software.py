import socket
from pathlib import Path

import pytest

from customer_age.pipeline.doctor import isolated_check, software
from customer_age.pipeline.doctor.finding import Finding, State
from customer_age.pipeline.settings import loading

BLOCKED = "tfx.components.statistics_gen.executor"


def run(name: str, *overrides: str) -> Finding:
    check = next(each for each in isolated_check.CHECKS if each.name == name)
    [finding] = isolated_check.run_isolated(check, loading.load("demo", overrides))
    return finding


def test_the_local_runner_counts() -> None:
    found = run("Beam runner")
    assert (found.state, found.result) == (State.GOOD, "FnApiRunner")


def test_a_runner_that_does_not_answer_is_reported() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        found = run("Beam runner", f"beam.args=[--runner=PortableRunner, --job_endpoint={address}]")
        assert found.state is State.BAD
        assert f"{address} does not answer" in found.result
        held.listen()
        found = run("Beam runner", f"beam.args=[--runner=PortableRunner, --job_endpoint={address}]")
        assert found.line() == f"✓ Beam runner: PortableRunner, {address} answers"


def test_an_unknown_runner_is_reported() -> None:
    found = run("Beam runner", "beam.args=[--runner=FastestRunner]")
    assert found.state is State.BAD
    assert "FastestRunner" in found.result


def test_a_check_that_crashes_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    needed = run("registry")
    assert (needed.state, needed.result) == (
        State.BAD,
        "the process of this check was killed by SIGABRT",
    )
    assert run("GPU").state is State.ABSENT


@pytest.mark.slow
def test_every_component_of_the_graph_is_checked() -> None:
    from customer_age.pipeline.graph.create_pipeline import create_pipeline

    pipeline = create_pipeline(loading.load("demo"))
    of_tfx = {
        each.executor_spec.executor_class.__module__
        for each in pipeline.components
        if hasattr(each.executor_spec, "executor_class")
    }
    of_tfx = {module for module in of_tfx if module.startswith("tfx.components.")}
    assert of_tfx
    assert of_tfx <= set(software.TFX_MODULES)


@pytest.mark.slow
def test_a_component_whose_import_fails_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {BLOCKED!r}:\n"
        "            raise ImportError('no such symbol: absl::Mutex')\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    whole = run("TFX components")
    assert whole.state is State.GOOD, whole.line()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    broken = run("TFX components")
    assert broken.state is State.BAD
    assert BLOCKED in broken.result
    assert "absl::Mutex" in broken.result
    assert "make clean setup" in broken.advice
