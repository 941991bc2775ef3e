"""Runs on Vertex AI Pipelines: Google's client, against a stand-in of the service."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from vertex_pipelines_stand_in import NUMBER, PROJECT, REGION, VertexPipelines

from customer_age.errors import RunError, SettingsError
from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.runs import Submission
from customer_age.kubeflow.submission.vertex_ai import location
from customer_age.kubeflow.submission.vertex_ai import runs as vertex_runs
from customer_age.kubeflow.submission.vertex_ai.location import VertexLocation
from customer_age.kubeflow.submission.vertex_ai.runs import VertexRuns

COMPILED = (Path(__file__).parents[2] / "golden" / "vertex.json").read_text()


@pytest.fixture
def vertex():
    with VertexPipelines() as running:
        yield running


@pytest.fixture
def runs(vertex):
    return VertexRuns(VertexLocation(PROJECT, REGION), vertex.channel)


def submission(run_id="ages-1", run_name="", **parameters):
    given = {"data_path": "gs://bucket/appa_real", "run_id": run_id, **parameters}
    return Submission(run_id, run_name, specifications.of_vertex(COMPILED), given)


def test_a_job_contains_the_compiled_pipeline_and_all_options(vertex):
    place = VertexLocation(
        PROJECT,
        REGION,
        "trainer@shop.iam.gserviceaccount.com",
        f"projects/{NUMBER}/global/networks/private",
        {"team": "offers"},
    )
    shown = VertexRuns(place, vertex.channel).create(submission(run_name="Spring", epochs=3))
    job = vertex.jobs["ages-1"]
    compiled = json.loads(COMPILED)
    content = json_format.MessageToDict(type(job).pb(job))
    assert content["pipelineSpec"] == compiled["pipelineSpec"]
    assert content["runtimeConfig"] == {
        "gcsOutputDirectory": compiled["runtimeConfig"]["gcsOutputDirectory"],
        "parameterValues": {
            "data_path": "gs://bucket/appa_real",
            "run_id": "ages-1",
            "epochs": 3.0,
        },
    }
    assert job.display_name == "Spring"
    assert job.service_account == "trainer@shop.iam.gserviceaccount.com"
    assert job.network == f"projects/{NUMBER}/global/networks/private"
    assert job.labels["team"] == "offers"
    assert shown.state == "PENDING"
    assert shown.link == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/ages-1"
        "?project=shop"
    )


def test_a_run_id_is_one_job(vertex, runs):
    runs.create(submission())
    vertex.put_state("ages-1", "RUNNING")
    again = runs.create(submission(run_name="another name"))
    assert again.state == "RUNNING"
    assert [job.display_name for job in vertex.jobs.values()] == ["ages-1"]


def test_one_of_several_jobs_started_at_the_same_time_stays(vertex):
    starters = 4
    vertex.on_create = threading.Barrier(starters).wait

    def create(number):
        runs = VertexRuns(VertexLocation(PROJECT, REGION), vertex.channel)
        return runs.create(submission(run_name=f"by {number}")).link

    with ThreadPoolExecutor(starters) as pool:
        assert len(set(pool.map(create, range(starters)))) == 1
    assert len(vertex.jobs) == 1


def test_an_unknown_job_is_none(runs):
    assert runs.find("ages-1") is None


def test_states_of_a_job_and_its_tasks_are_reported(vertex, runs):
    runs.create(submission(epochs=3))
    vertex.put_state("ages-1", "RUNNING", PhotoExampleGen="SUCCEEDED", Trainer="RUNNING")
    shown = runs.find("ages-1")
    assert (shown.state, shown.finished) == ("RUNNING", False)
    assert shown.tasks == {"PhotoExampleGen": "SUCCEEDED", "Trainer": "RUNNING"}
    assert shown.parameters == {
        "data_path": "gs://bucket/appa_real",
        "run_id": "ages-1",
        "epochs": 3.0,
    }
    vertex.put_state("ages-1", "FAILED", "The DAG failed.", Trainer="FAILED")
    shown = runs.find("ages-1")
    assert (shown.state, shown.finished, shown.error) == ("FAILED", True, "The DAG failed.")


def test_a_service_that_is_away_for_a_moment_gets_another_request(vertex, runs):
    vertex.away = 1
    assert runs.create(submission()).state == "PENDING"
    vertex.away = 1
    assert runs.find("ages-1").state == "PENDING"


def test_a_service_that_stays_away_is_reported(monkeypatch):
    monkeypatch.setattr(vertex_runs, "_UNREACHABLE_AFTER", 1)
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        runs = VertexRuns(VertexLocation(PROJECT, REGION), channel)
        with pytest.raises(RunError, match="Vertex AI does not answer") as caught:
            runs.find("ages-1")
    assert "\n" not in str(caught.value)


def test_a_denied_account_gets_the_missing_right(vertex, runs):
    vertex.allowed = False
    with pytest.raises(RunError, match="access denied by Vertex AI.*Vertex AI User"):
        runs.create(submission())
    with pytest.raises(RunError, match="access denied by"):
        VertexRuns(VertexLocation("another-shop", REGION), vertex.channel).find("ages-1")


def test_missing_credentials_are_reported_with_a_solution(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no file"))
    with pytest.raises(RunError, match="gcloud auth application-default login"):
        VertexRuns(VertexLocation(PROJECT, REGION)).find("ages-1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"runtimeConfig": {"gcsOutputDirectory": "minio://bucket"}}, "is no gs:// folder"),
        ({"pipelineSpec": {"schemaVersion": "2.1.0", "colour": 1}}, "colour"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_refusal_of_the_service_or_its_client_is_one_line(vertex, runs, change, expected):
    refused = submission()
    refused.specification.update(change)
    with pytest.raises(RunError, match=expected) as caught:
        runs.create(refused)
    assert "\n" not in str(caught.value)
    assert not vertex.jobs


def test_an_unknown_parameter_is_reported(vertex, runs):
    with pytest.raises(RunError, match="not required by pipeline: colour"):
        runs.create(submission(colour="blue"))
    assert not vertex.jobs


def test_another_region_is_not_this_one(vertex):
    with pytest.raises(RunError, match="us-central1"):
        VertexRuns(VertexLocation(PROJECT, "us-central1"), vertex.channel).create(submission())


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"project": ""}, "--project is missing; write it as in shop-123"),
        ({"region": ""}, "--region is missing; write it as in europe-west4"),
        ({"region": "Frankfurt"}, "--region 'Frankfurt' is not valid"),
        ({"service_account": "trainer"}, "--service-account 'trainer' is not valid"),
        ({"network": "projects/shop/global/networks/x"}, "--network"),
        ({"labels": {"Team": "offers"}}, "--label Team=offers: key and value must be"),
        ({"labels": {"team": "Offers"}}, "--label team=Offers"),
        ({"labels": {f"l{number}": "" for number in range(65)}}, "at most 64"),
    ],
)
def test_an_invalid_location_is_refused(place, expected):
    with pytest.raises(SettingsError) as caught:
        VertexLocation(**{"project": PROJECT, "region": REGION, **place})
    assert expected in str(caught.value)


def test_labels_are_read():
    assert location.labels(("team=offers", "cost-centre=")) == {
        "team": "offers",
        "cost-centre": "",
    }
    with pytest.raises(SettingsError, match="write it as key=value"):
        location.labels(("team",))
    with pytest.raises(SettingsError, match="is given twice"):
        location.labels(("team=a", "team=b"))
