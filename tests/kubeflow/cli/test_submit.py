"""`customer-age submit`, with the real compiler and the real client of Kubeflow Pipelines."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from kfp_api_stand_in import KfpApi

from customer_age.kubeflow.submission import wait
from customer_age.kubeflow.submission.kfp import runs
from customer_age.pipeline.cli import cli

CONFIG = Path(__file__).parents[1] / "cluster.yaml"
ON_VERTEX = (
    *("--set", "cluster.pipeline_root=gs://bucket/root"),
    *("--set", "data.path=gs://bucket/photos"),
    *("--set", "cluster.secret_environment=[]"),
    *("--set", "cluster.secret_files=[]"),
)


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in (
        *("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_UI_ENDPOINT"),
        *("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_REGION", "GOOGLE_APPLICATION_CREDENTIALS"),
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setattr(runs, "_SETTLED_AFTER", 0.0)
    monkeypatch.setattr(wait, "_INTERVAL", 0.1)


@pytest.fixture
def api():
    with KfpApi() as running:
        yield running


@pytest.fixture
def submit(monkeypatch, capsys):
    def run(*arguments):
        command = ["customer-age", "submit", "--config", CONFIG, *arguments]
        monkeypatch.setattr(sys, "argv", [*map(str, command)])
        exit_code = 0
        try:
            cli.main()
        except SystemExit as ended:
            exit_code = ended.code or 0
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return exit_code, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--help"], "Exit codes"),
        ([], "Missing option '--target'"),
        (["--target", "kubeflow", "--set", "trainer.epoch=3"], "trainer.epoch: unknown setting"),
        (["--target", "kubeflow"], "--host is missing"),
        (["--target", "kubeflow", "--host", "http://h", "--param", "a=1"], "unknown run parameter"),
        (["--target", "kubeflow", "--host", "http://h", "--run-id", "A"], "--run-id A"),
        (["--target", "kubeflow", "--host", "http://h", "--region", "x"], "for --target vertex"),
        (
            ["--target", "vertex", "--label", "a=1", "--host", "x"],
            "--host is for --target kubeflow",
        ),
        (["--target", "kubeflow", "--label", "a=1"], "--label is for --target vertex"),
        (["--target", "vertex", *ON_VERTEX, "--project", "shop"], "--region is missing"),
        (
            ["--target", "vertex", "--project", "shop", "--region", "europe-west4"],
            "Vertex AI only stores artifacts on gs://",
        ),
        (
            ["--target", "kubeflow", "--host", "http://h", "--data", "photos"],
            "is on this machine",
        ),
    ],
)
def test_help_and_mistakes_are_answered_without_tensorflow(arguments, expected):
    program = (
        "import sys, customer_age.pipeline.cli.cli as cli\n"
        "heavy = ('tensorflow', 'tfx', 'apache_beam', 'kfp', 'grpc', 'mlflow', 'pandas')\n"
        "def loaded(): return [name for name in heavy if name in sys.modules]\n"
        "try:\n    cli.main()\n"
        "finally:\n    assert not loaded(), loaded()\n"
    )
    command = ["submit", *arguments]
    if "--help" not in arguments:
        command += ["--config", str(CONFIG)]
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # against a hang: this does not measure speed
    )
    assert expected in done.stdout + done.stderr
    assert done.returncode == (0 if "--help" in arguments else 2), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_is_started_once_and_shown_again(api, submit):
    where = ("--target", "kubeflow", "--host", api.url, "--experiment", "ages")
    run = ("--run-id", "ages-1", "--run-name", "Spring", "--param", "epochs=3")
    exit_code, printed, complaints = submit(*where, *run)
    assert exit_code == 0, complaints
    (started,) = api.runs.values()
    assert started["display_name"] == "Spring (ages-1)"
    assert started["runtime_config"]["parameters"]["epochs"] == 3
    spec, platform = yaml.safe_load_all(started["template"])
    assert spec["schemaVersion"] == "2.1.0"
    assert "kubernetes" in platform["platforms"]
    lines = printed.splitlines()
    assert lines[0] == "run id: ages-1"
    assert lines[1].startswith("cache:  on, but PhotoExampleGen reads the data again")
    link = f"{api.url}/#/runs/details/{started['run_id']}"
    assert lines[2:] == [f"started: {link}"]

    exit_code, printed, _ = submit(*where, *run)
    assert exit_code == 0
    assert len(api.runs) == 1
    assert f"already exists, PENDING: {link}\nNothing was started" in printed


@pytest.mark.slow
def test_known_data_are_cached_in_what_is_sent_and_no_cache_turns_all_off(api, submit):
    where = ("--target", "kubeflow", "--host", api.url, "--param", "data_fingerprint=of the data")
    assert submit(*where)[0] == 0
    assert submit(*where, "--no-cache", "--run-id", "ages-2")[0] == 0
    first, second = (
        {
            name
            for name, task in next(yaml.safe_load_all(run["template"]))["root"]["dag"][
                "tasks"
            ].items()
            if task.get("cachingOptions", {}).get("enableCache")
        }
        for run in api.runs.values()
    )
    assert {"PhotoExampleGen", "Trainer"} <= first
    assert not second


@pytest.mark.slow
def test_waiting_ends_with_the_exit_code_of_the_run(api, submit):
    def fail(run):
        threading.Timer(
            0.5, api.put_state, (run["run_id"], "FAILED"), {"DataGate": "FAILED"}
        ).start()

    api.on_run = fail
    exit_code, printed, complaints = submit(
        *("--target", "kubeflow", "--host", api.url, "--run-id", "ages-1", "--wait")
    )
    assert exit_code == 4
    assert "DataGate: FAILED" in printed
    assert complaints.splitlines()[-1].startswith("DataGate refused the data; see its log")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_a_dry_run_needs_neither_network_nor_credentials(submit, target):
    place = {
        "kubeflow": ("--host", "http://127.0.0.1:1", "--namespace", "team-a"),
        "vertex": (*ON_VERTEX, "--project", "shop", "--region", "europe-west4"),
    }[target]
    exit_code, printed, complaints = submit(
        "--target", target, *place, "--run-id", "ages-1", "--dry-run", "--param", "epochs=3"
    )
    assert exit_code == 0, complaints
    assert "ages-1" in printed
    assert "11 tasks" in printed
    assert "  epochs              3\n" in printed
    assert printed.endswith("Nothing was sent: --dry-run.\n")


def test_nobody_answers(submit):
    exit_code, _, complaints = submit("--target", "kubeflow", "--host", "http://127.0.0.1:1")
    assert exit_code == 1
    assert complaints.splitlines()[-1].startswith(
        "customer-age: http://127.0.0.1:1: Kubeflow Pipelines does not answer"
    )
