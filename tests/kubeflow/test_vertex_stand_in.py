"""The stand-in of Vertex AI Pipelines runs a job in Vertex's way, and refuses what it refuses."""

import json

import pytest
from backend_stand_in.documents import Refused
from backend_stand_in.run import State
from backend_stand_in.vertex import VertexBackend
from words_pipeline import TRY_TWICE, container, pipeline, put


def job():
    spec = pipeline()
    importer = spec["deploymentSpec"]["executors"]["import"]["importer"]
    importer["artifactUri"] = {"constant": "gs://data/words"}
    return {
        "displayName": "words",
        "pipelineSpec": spec,
        "labels": {"team": "ages"},
        "runtimeConfig": {"gcsOutputDirectory": "gs://bucket/root"},
    }


@pytest.fixture
def backend(tmp_path):
    return VertexBackend(tmp_path)


def test_a_job_runs_to_its_end(backend):
    run = backend.run(json.dumps(job()), {"words": "good day"})
    assert run.succeeded, run.error
    made = run.artifact("Make", "made")
    assert made.uri.startswith(f"gs://bucket/root/123456789/{run.id}/Make_")
    assert (backend.objects.path(made.uri) / "words.txt").read_text() == "good day"
    assert run.outputs["Take"].parameters["length"].string_value == "8"


def test_an_executor_sees_vertexs_files(backend):
    run = backend.run(json.dumps(job()))
    [seen] = run.inputs["Take"].inputs.artifacts["made"].artifacts
    [made] = run.inputs["Make"].outputs.artifacts["made"].artifacts
    assert seen.name == made.name
    assert seen.name.startswith("projects/123456789/locations/us-central1/metadataStores/default/")
    assert seen.type.instance_schema.startswith("title: test.Words")
    assert backend.metadata(run, "Make", "made") == {"count": 3.0, "names": ["a"], "good": True}
    assert run.inputs["Make"].outputs.output_file.startswith("gs://bucket/root/")


def test_what_was_done_is_not_done_again(backend):
    backend.run(json.dumps(job()))
    again = backend.run(json.dumps(job()))
    assert [again.states[task] for task in ("Make", "Take")] == [State.CACHED] * 2
    other = job()
    other["runtimeConfig"]["parameterValues"] = {"words": "other"}
    assert backend.run(json.dumps(other)).states["Make"] is State.COMPLETE


def test_the_files_of_a_failed_attempt_stay(backend):
    given = job()
    put("pipelineSpec/deploymentSpec/executors/make", container(TRY_TWICE))(given)
    put("pipelineSpec/root/dag/tasks/Make/retryPolicy", {"maxRetryCount": 1})(given)
    run = backend.run(json.dumps(given))
    assert run.succeeded, run.error
    assert run.attempts["Make"] == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (put("runtimeConfig/gcsOutputDirectory", "minio://b/k"), "is no gs:// folder"),
        (put("runtimeConfig", {}), "is no gs:// folder"),
        (put("runtimeConfig/parameterValues", {"word": "x"}), "not required by pipeline: word"),
        (put("runtimeConfig/parameters", {"words": {"stringValue": "x"}}), "parameterValues"),
        (put("pipelineSpec/schemaVersion", "2.0.0"), "schema 2.1.0 alone"),
        (put("pipelineSpec/platforms", {}), 'no field named "platforms"'),
        (put("platform", {}), 'no field named "platform"'),
        (put("labels", {"Team": "Ages"}), "label Team=Ages"),
        (
            put("pipelineSpec/root/dag/tasks/Make/retryPolicy", {"maxRetryCount": 11}),
            "at most 10 retries",
        ),
        (
            put(
                "pipelineSpec/deploymentSpec/executors/make/container/resources",
                {"accelerator": {"type": "nvidia.com/gpu", "count": 1}},
            ),
            "no accelerator is called nvidia.com/gpu",
        ),
    ],
)
def test_vertex_refuses(backend, change, complaint):
    given = job()
    change(given)
    with pytest.raises(Refused, match=complaint):
        backend.run(json.dumps(given))
