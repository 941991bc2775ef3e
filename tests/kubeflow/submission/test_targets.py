"""The trigger's targets on clusters: real clients against stand-ins, a real registry."""

import threading
import time
from pathlib import Path

import pytest
from kfp_api_stand_in import KfpApi
from vertex_pipelines_stand_in import PROJECT, REGION, VertexPipelines

from customer_age.errors import RunError
from customer_age.kubeflow.submission import outcomes, specifications, start
from customer_age.kubeflow.submission.kfp import runs as kubeflow_runs
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.runs import Submission
from customer_age.kubeflow.submission.targets import ClusterTarget, open_target
from customer_age.kubeflow.submission.vertex_ai.location import VertexLocation
from customer_age.kubeflow.submission.vertex_ai.runs import VertexRuns
from customer_age.kubeflow.submission.wait import wait
from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint
from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.settings import loading

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def registry_uri(tmp_path_factory):
    """A registry with a version of the run `ages-published`."""
    folder = tmp_path_factory.mktemp("registry")
    model = folder / "model"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"a model")
    uri = f"mlflow+sqlite:///{folder}/mlflow.db"
    open_registry(uri, "customer-age").publish(
        Publication(
            model_dir=model,
            fingerprint=saved_model_fingerprint(model),
            metrics={"mae": 6.0},
            tags={"run_id": "ages-published"},
        )
    )
    return uri


@pytest.fixture
def settings(registry_uri):
    return loading.load(str(HERE / "cluster.yaml"), (f"registry.uri={registry_uri}",))


@pytest.fixture(params=["kubeflow", "vertex"])
def cluster(request, settings, monkeypatch):
    """A target, its settings, and how to change the state of a run in its service."""
    golden = HERE / "golden" / ("kubeflow.yaml" if request.param == "kubeflow" else "vertex.json")
    monkeypatch.setattr(kubeflow_runs, "_SETTLED_AFTER", 0.0)
    # Compiling takes half a minute here, and has its own tests.
    monkeypatch.setattr(start, "compiled", lambda plan, target: _golden(golden, plan))
    if request.param == "kubeflow":
        with KfpApi() as api:
            yield _Kubeflow(api, settings)
    else:
        overrides = (
            f"registry.uri={settings.registry.uri}",
            "cluster.pipeline_root=gs://bucket/root",
            "cluster.secret_environment=[]",
            "cluster.secret_files=[]",
        )
        with VertexPipelines() as vertex:
            yield _Vertex(vertex, loading.load(str(HERE / "cluster.yaml"), overrides))


def _golden(file, plan):
    read = specifications.of_kubeflow if file.suffix == ".yaml" else specifications.of_vertex
    return Submission(plan.run_id, plan.run_name, read(file.read_text()), plan.parameters)


class _Kubeflow:
    cancelled = "CANCELED"

    def __init__(self, api, settings):
        self.api, self.settings = api, settings
        self.target = open_target(KubeflowEndpoint.of(api.url, "ages"), settings)

    def put(self, run_id, state, **tasks):
        (service_id,) = (key for key, run in self.api.runs.items() if run["display_name"] == run_id)
        # The service knows of a task's pods too, and of the whole as one more task.
        its_own = {"root": state, **{f"{name}-driver": "SUCCEEDED" for name in tasks}}
        self.api.put_state(service_id, state, **tasks, **its_own)

    def started(self):
        return len(self.api.runs)


class _Vertex:
    cancelled = "CANCELLED"

    def __init__(self, vertex, settings):
        self.vertex, self.settings = vertex, settings
        runs = VertexRuns(VertexLocation(PROJECT, REGION), vertex.channel)
        self.target = ClusterTarget("vertex", runs, settings)

    def put(self, run_id, state, **tasks):
        self.vertex.put_state(run_id, state, **tasks)

    def started(self):
        return len(self.vertex.jobs)


def test_a_run_that_was_never_started_is_unknown(cluster):
    assert cluster.target.state("ages-1") is RunState.UNKNOWN


def test_starting_a_run_again_starts_nothing(cluster):
    for _ in range(2):
        cluster.target.start("ages-1", cluster.settings)
        assert cluster.started() == 1
        assert cluster.target.state("ages-1") is RunState.RUNNING
    cluster.put("ages-1", "FAILED")
    cluster.target.start("ages-1", cluster.settings)
    assert cluster.started() == 1


@pytest.mark.parametrize(
    ("run_id", "state", "tasks", "outcome", "exit_code", "expected"),
    [
        ("ages-1", "RUNNING", {"PhotoExampleGen": "RUNNING"}, RunState.RUNNING, 1, ""),
        ("ages-published", "SUCCEEDED", {}, RunState.PUBLISHED, 0, "MAE of 6.00 years"),
        (
            "ages-published",
            "FAILED",
            {"RunReport": "FAILED"},
            RunState.PUBLISHED,
            0,
            "Published: version 1",
        ),
        ("ages-1", "SUCCEEDED", {}, RunState.MODEL_REFUSED, 3, "see the run's report"),
        ("ages-1", "FAILED", {"DataGate": "FAILED"}, RunState.DATA_REFUSED, 4, "DataGate refused"),
        (
            "ages-1",
            "FAILED",
            {"PhotoExampleGen": "FAILED"},
            RunState.DATA_REFUSED,
            4,
            "PhotoExampleGen refused",
        ),
        (
            "ages-1",
            "FAILED",
            {"DataGate": "SUCCEEDED", "Trainer": "FAILED"},
            RunState.FAILED,
            1,
            "Trainer failed",
        ),
        ("ages-1", "FAILED", {}, RunState.FAILED, 1, "the run is FAILED"),
    ],
)
def test_the_outcome_of_a_run(cluster, run_id, state, tasks, outcome, exit_code, expected):
    cluster.target.start(run_id, cluster.settings)
    cluster.put(run_id, state, **tasks)
    assert cluster.target.state(run_id) is outcome
    assert expected in cluster.target.reason(run_id)
    assert "\n" not in cluster.target.reason(run_id)
    assert bool(cluster.target.reason(run_id)) == outcome.ended
    found = outcomes.outcome(cluster.target._runs.find(run_id), cluster.settings)
    assert found.exit_code == exit_code


def test_a_cancelled_run_has_failed(cluster):
    cluster.target.start("ages-1", cluster.settings)
    cluster.put("ages-1", cluster.cancelled)
    assert cluster.target.state("ages-1") is RunState.FAILED


def test_an_unavailable_registry_is_reported(cluster):
    cluster.target.start("ages-1", cluster.settings)
    run = cluster.target._runs.find("ages-1")
    cluster.put("ages-1", "SUCCEEDED")
    parameters = {**run.parameters, "registry_uri": "mlflow+http://127.0.0.1:1"}
    ended = type(run)("ages-1", run.link, "SUCCEEDED", parameters=parameters)
    with pytest.raises(RunError, match="SUCCEEDED, but it is unknown whether it published"):
        outcomes.outcome(ended, cluster.settings)


def test_waiting_prints_a_line_for_each_change(cluster):
    cluster.target.start("ages-1", cluster.settings)
    lines = []
    arrived = threading.Event()

    def tell(line):
        lines.append(line.split(" ", 1)[1])
        arrived.set()

    def play():
        for state, tasks in (
            ("RUNNING", {"PhotoExampleGen": "RUNNING"}),
            ("RUNNING", {"Trainer": "RUNNING"}),
            ("FAILED", {"Trainer": "FAILED"}),
        ):
            arrived.wait(10)
            time.sleep(0.2)
            arrived.clear()
            cluster.put("ages-1", state, **tasks)

    player = threading.Thread(target=play)
    player.start()
    ended = wait(cluster.target._runs, "ages-1", tell, interval=0.05)
    player.join()
    assert ended.state == "FAILED"
    assert lines == [
        "ages-1: PENDING",
        "PhotoExampleGen: RUNNING",
        "ages-1: RUNNING",
        "Trainer: RUNNING",
        "Trainer: FAILED",
        "ages-1: FAILED",
    ]


class _Flaky:
    """Runs whose service does not answer some requests."""

    def __init__(self, runs, away):
        self._runs, self._away = runs, away

    def find(self, run_id):
        if self._away:
            self._away -= 1
            raise RunError("the service does not answer")
        return self._runs.find(run_id)


def test_waiting_survives_a_service_that_is_away_for_a_while(cluster):
    cluster.target.start("ages-1", cluster.settings)
    cluster.put("ages-1", "SUCCEEDED")
    lines = []
    runs = cluster.target._runs
    assert wait(_Flaky(runs, 3), "ages-1", lines.append, interval=0.01).state == "SUCCEEDED"
    assert [line for line in lines if "retrying" in line] == [
        "the service does not answer at the moment, retrying: the service does not answer"
    ]
    with pytest.raises(RunError, match="does not answer"):
        wait(_Flaky(runs, 99), "ages-1", lines.append, interval=0.01, patience=0.05)


def test_waiting_for_a_run_that_is_not_there_ends(cluster):
    with pytest.raises(RunError, match="ages-1 no longer exists"):
        wait(cluster.target._runs, "ages-1", print, interval=0.01)


def test_a_location_has_its_target(settings):
    target = open_target(VertexLocation(PROJECT, REGION), settings)
    assert isinstance(target._runs, VertexRuns)
