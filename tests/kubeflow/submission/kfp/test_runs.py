"""Runs on Kubeflow Pipelines: the real client, against a stand-in of its API."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import kfp_server_api
import pytest
import yaml
from kfp_api_stand_in import KfpApi

from customer_age.errors import RunError
from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.kfp.runs import KubeflowRuns
from customer_age.kubeflow.submission.runs import Submission

COMPILED = (Path(__file__).parents[2] / "golden" / "kubeflow.yaml").read_text()


@pytest.fixture(autouse=True)
def no_context(monkeypatch, tmp_path):
    """What is set up on this machine plays no part."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_UI_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def api():
    with KfpApi() as running:
        yield running


@pytest.fixture
def runs(api):
    return runs_at(api.url)


def runs_at(host, **place):
    return KubeflowRuns(KubeflowEndpoint.of(host, "ages", **place), settled_after=0.3)


def submission(run_id="ages-1", run_name="", **parameters):
    given = {"data_path": "s3://photos/appa_real", "run_id": run_id, **parameters}
    return Submission(run_id, run_name, specifications.of_kubeflow(COMPILED), given)


def test_a_run_is_started_with_all_that_was_compiled(api, runs):
    shown = runs.create(submission(epochs=3, max_mae=7.5))
    (run,) = api.runs.values()
    (experiment,) = api.experiments.values()
    assert experiment["display_name"] == "ages"
    assert run["experiment_id"] == experiment["experiment_id"]
    assert run["display_name"] == "ages-1"
    assert list(yaml.safe_load_all(run["template"])) == list(yaml.safe_load_all(COMPILED))
    assert run["runtime_config"]["parameters"] == {
        "data_path": "s3://photos/appa_real",
        "run_id": "ages-1",
        "epochs": 3,
        "max_mae": 7.5,
    }
    assert run["runtime_config"]["pipeline_root"] == "minio://mlpipeline/v2/artifacts"
    assert shown.state == "PENDING"
    assert shown.link == f"{api.url}/#/runs/details/{run['run_id']}"


def test_a_run_id_is_one_run_under_any_name(api, runs):
    first = runs.create(submission(run_name="Spring"))
    again = [runs.create(submission(run_name=name)).link for name in ("", "Summer", "ages-1")]
    assert again == [first.link] * 3
    (run,) = api.runs.values()
    assert run["display_name"] == "Spring (ages-1)"


@pytest.mark.parametrize(
    "name", ["ages-11", "my-ages-1", "Clone of ages-1", "Clone of Spring (ages-1)", "AGES-1"]
)
def test_a_run_of_another_name_is_another_run(api, runs, name):
    other = runs.create(submission("ages-2"))
    api.runs[other.link.rpartition("/")[2]]["display_name"] = name
    assert runs.find("ages-1") is None
    runs.create(submission("ages-1"))
    assert len(api.runs) == 2


def test_finding_a_run_creates_nothing(api, runs):
    assert runs.find("ages-1") is None
    assert not api.experiments
    assert {method for method, _ in api.requests} == {"GET"}


def test_many_runs_take_several_pages(api, runs, monkeypatch):
    monkeypatch.setattr("customer_age.kubeflow.submission.kfp.runs._SEVERAL", 2)
    for number in range(10, 15):
        runs.create(submission(f"ages-1{number}"))
    wanted = runs.create(submission("ages-1"))
    assert runs.find("ages-1").link == wanted.link


def test_one_of_several_runs_started_at_the_same_time_stays(api):
    starters = 5
    all_have_looked = threading.Barrier(starters)

    def wait_for_the_others(method, path):
        if (method, path) == ("POST", "/apis/v2beta1/runs"):
            all_have_looked.wait(120)

    api.on_request = wait_for_the_others
    import kfp  # noqa: F401  what a process imports first must not be imported by five at once

    with ThreadPoolExecutor(starters) as pool:
        shown = list(
            pool.map(lambda _: runs_at(api.url).create(submission()).link, range(starters))
        )
    created = [path for path in api.requests if path == ("POST", "/apis/v2beta1/runs")]
    assert len(created) == starters
    (run,) = api.runs.values()
    assert run["state"] == "PENDING", "the one that stays is not cancelled"
    assert set(shown) == {f"{api.url}/#/runs/details/{run['run_id']}"}


def _several(api, runs, *created_at):
    """Runs with one id, from submissions that died before the second listing; sorted ids."""
    runs.create(submission("ages-0"))
    body = kfp_server_api.V2beta1Run(
        experiment_id=next(iter(api.experiments)),
        display_name="ages-1",
        pipeline_spec=specifications.of_kubeflow(COMPILED),
    )
    ids = sorted(runs._client.runs.run_service_create_run(body).run_id for _ in created_at)
    for run_id, moment in zip(ids, created_at, strict=True):
        api.runs[run_id]["created_at"] = f"2026-01-01T00:00:{moment:02d}Z"
    return ids


def test_the_next_submission_repairs_a_killed_one(api, runs):
    _, oldest, _ = _several(api, runs, 7, 5, 6)
    assert runs.find("ages-1").link.endswith(oldest)
    assert runs.create(submission()).link.endswith(oldest)
    assert {run["run_id"] for run in api.runs.values() if run["display_name"] == "ages-1"} == {
        oldest
    }


def test_the_lower_id_of_two_runs_in_one_second_stays(api, runs):
    ids = _several(api, runs, 5, 5, 5)
    assert runs.create(submission()).link.endswith(min(ids))


def test_a_duplicate_that_has_ended_is_kept(api, runs):
    first, second = _several(api, runs, 5, 6)
    api.put_state(second, "SUCCEEDED")
    assert runs.create(submission()).link.endswith(first)
    assert second in api.runs


def test_an_experiment_that_another_makes_at_the_same_time_is_used(api):
    def make_it_first(method, path):
        if (method, path) == ("POST", "/apis/v2beta1/experiments"):
            api.on_request = lambda method, path: None
            api.method("experiments.create")({"display_name": "ages"})

    api.on_request = make_it_first
    runs_at(api.url).create(submission())
    assert len(api.experiments) == 1
    assert len(api.runs) == 1


def test_states_of_a_run_and_its_tasks_are_reported(api, runs):
    service_id = runs.create(submission()).link.rpartition("/")[2]
    api.put_state(service_id, "RUNNING", PhotoExampleGen="SUCCEEDED", Trainer="RUNNING")
    shown = runs.find("ages-1")
    assert (shown.state, shown.finished) == ("RUNNING", False)
    assert shown.tasks == {"PhotoExampleGen": "SUCCEEDED", "Trainer": "RUNNING"}
    assert shown.parameters["data_path"] == "s3://photos/appa_real"
    api.put_state(service_id, "FAILED", Trainer="FAILED")
    assert runs.find("ages-1").finished
    assert runs.find("ages-1").tasks["Trainer"] == "FAILED"


def test_the_pages_may_have_another_address(runs, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://kubeflow.example.org/pipeline/")
    link = runs.create(submission()).link
    assert link.startswith("https://kubeflow.example.org/pipeline/#/runs/details/")


def test_the_token_is_read_from_its_file_and_never_printed(monkeypatch, tmp_path, capfd):
    file = tmp_path / "token"
    file.write_text("let-me-in\n")
    with KfpApi(token="let-me-in") as api:
        with pytest.raises(RunError, match="access denied by .*KF_PIPELINES_SA_TOKEN_PATH"):
            runs_at(api.url, namespace="team-a").find("ages-1")
        monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
        runs_at(api.url).create(submission())
        assert len(api.runs) == 1
        file.write_text("guess-me-in")
        with pytest.raises(RunError) as refused:
            runs_at(api.url).find("ages-1")
    assert "me-in" not in "".join(capfd.readouterr()) + str(refused.value)


def test_a_missing_token_file_is_reported(api, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/nowhere/token")
    with pytest.raises(RunError, match="/nowhere/token cannot be read"):
        runs_at(api.url).find("ages-1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schemaVersion": "2.0.0"}, "only supports schema version 2.1.0"),
        ({"pipelineInfo": {}}, "unknown template format"),
    ],
)
def test_a_refusal_of_the_service_is_one_line(api, runs, change, expected):
    refused = submission()
    refused.specification["pipeline_spec"].update(change)
    with pytest.raises(RunError) as caught:
        runs.create(refused)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not api.runs


def test_an_unknown_parameter_is_reported(api, runs):
    with pytest.raises(
        RunError, match=r"refused the request \(400\).*not required by pipeline: colour"
    ):
        runs.create(submission(colour="blue"))
    assert not api.runs


def test_nobody_answers():
    with pytest.raises(RunError) as caught:
        runs_at("http://127.0.0.1:1").find("ages-1")
    assert str(caught.value) == (
        "http://127.0.0.1:1: Kubeflow Pipelines does not answer ([Errno 111] Connection refused); "
        "check --host"
    )


@pytest.mark.parametrize("status", [200, 404])
def test_a_login_page_is_not_an_api(status):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            content = b"<html>Log in to Dex</html>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(RunError, match="not the Kubeflow Pipelines API"):
            runs_at(f"http://127.0.0.1:{server.server_port}").create(submission())
    finally:
        server.shutdown()
        server.server_close()
