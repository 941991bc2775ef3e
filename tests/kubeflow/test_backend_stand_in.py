"""The stand-in of the back end runs what the real one runs, and refuses what it refuses."""

import json

import pytest
import yaml
from backend_stand_in.documents import Refused
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.lint import lint
from backend_stand_in.namespace import profile_namespace
from backend_stand_in.run import State
from google.protobuf import json_format
from words_pipeline import MAKE, TRY_TWICE, container, pipeline, platform, put


def text(*documents):
    return yaml.safe_dump_all(documents or (pipeline(),))


@pytest.fixture
def backend(tmp_path):
    return KubeflowBackend(tmp_path)


def test_a_pipeline_runs_to_its_end(backend):
    run = backend.run(text(), {"words": "good day"})
    assert run.succeeded, run.error
    assert list(run.states) == ["Import", "Make", "Take"]
    assert "taken: good day" in run.log("Take")
    assert not list(backend.folder.glob("pods/*/*/root")), "a pod's files go with it"
    assert run.outputs["Take"].parameters["length"].string_value == "8"
    made = run.artifact("Make", "made")
    assert made.uri.startswith(f"minio://mlpipeline/v2/artifacts/words/{run.id}/Make/")
    assert (backend.objects.path(made.uri) / "words.txt").read_text() == "good day"


def test_an_executor_sees_the_launchers_files(backend):
    run = backend.run(text())
    [seen] = run.inputs["Take"].inputs.artifacts["made"].artifacts
    assert seen.name.isdecimal(), "the number in ML Metadata"
    assert seen.type.HasField("instance_schema")
    assert not seen.type.instance_schema, "the schema is forgotten"
    assert seen.metadata["count"] == 3.0
    assert seen.metadata["good"] == 1.0, "a truth becomes a number"
    assert json_format.MessageToDict(seen.metadata["names"]) == {"list": ["a"]}, "a list is wrapped"
    assert {"display_name", "store_session_info"} < set(seen.metadata)
    make = run.inputs["Make"]
    assert make.inputs.artifacts["data"].artifacts[0].metadata["fingerprint"] == "f1"
    folder = f"/minio/mlpipeline/v2/artifacts/words/{run.id}/Make/"
    assert make.outputs.output_file.startswith(folder)
    assert make.outputs.output_file.endswith("/output_metadata.json")
    assert "times" not in make.inputs.parameter_values, "defaults are the launcher's"


def test_what_was_done_is_not_done_again(backend):
    first = backend.run(text())
    second = backend.run(text())
    assert [second.states[task] for task in ("Make", "Take")] == [State.CACHED] * 2
    assert second.artifact("Make", "made").id == first.artifact("Make", "made").id
    other = backend.run(text(), {"words": "other"})
    assert other.states["Make"] is State.COMPLETE
    assert other.states["Take"] is State.COMPLETE, "its input is another artifact"
    uncached = backend.run(text(), caching=False)
    assert uncached.states["Make"] is State.COMPLETE


@pytest.mark.parametrize("change", ["image", "command", "fingerprint"])
def test_the_cache_detects_changes(backend, change):
    backend.run(text())
    spec = pipeline()
    executors = spec["deploymentSpec"]["executors"]
    if change == "image":
        executors["make"]["container"]["image"] = "newer"
    elif change == "command":
        executors["make"]["container"]["args"].append("--more")
    else:
        executors["import"]["importer"]["metadata"]["fingerprint"] = "f2"
    assert backend.run(text(spec)).states["Make"] is State.COMPLETE


def test_a_new_pod_finds_nothing_of_the_old_one(tmp_path):
    spec = pipeline()
    put("deploymentSpec/executors/make", container(TRY_TWICE))(spec)
    policy = {"maxRetryCount": 1, "backoffMaxDuration": "60s"}
    put("root/dag/tasks/Make/retryPolicy", policy)(spec)
    run = KubeflowBackend(tmp_path, version="2.16.1").run(text(spec))
    assert run.attempts["Make"] == 2
    assert run.states["Make"] is State.FAILED
    assert "this is the first attempt" in run.log("Make")


def test_the_cluster_sets_secrets_and_a_deadline(tmp_path):
    secret = {"secretName": "registry", "keyToEnv": [{"secretKey": "t", "envVar": "TOKEN"}]}
    documents = (pipeline(), platform(secretAsEnv=[secret]))
    run = KubeflowBackend(tmp_path / "none").run(text(*documents))
    assert run.error == 'CreateContainerConfigError: secret "registry" not found (Take)'
    cluster = profile_namespace(secrets={"registry": {"t": "hush"}})
    run = KubeflowBackend(tmp_path / "some", cluster).run(text(*documents))
    assert "hush 2" in run.log("Take")
    spec = pipeline()
    spec["deploymentSpec"]["executors"]["take"] = container("import time; time.sleep(60)")
    late = KubeflowBackend(tmp_path / "late").run(text(spec, platform(activeDeadlineSeconds=1)))
    assert "longer than the specified deadline" in late.error


def executor(label, content):
    def change(spec):
        spec["deploymentSpec"]["executors"][label] = content

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (executor("import", {"resolver": {}}), "non-container and non-importer"),
        (executor("make", {"customJob": {"customJob": {}}}), "non-container and non-importer"),
        (put("schemaVersion", "2.0.0"), "only supports schema version 2.1.0"),
        (put("runtimeConfig", {}), "unknown template format"),
        (put("root/dag/tasks/Make/retries", 3), "unknown template format"),
        (put("pipelineInfo/name", "Words"), "lowercase alphanumeric"),
        (put("components/make/executorLabel", "gone"), "not found in deployment config"),
        (put("root/dag/tasks/Make/dependentTasks", ["Take"]), "graph with cycle"),
        (put("root/dag/tasks/Make/dependentTasks", ["Who"]), "invalid dependency Who"),
    ],
)
def test_the_back_end_refuses(backend, change, complaint):
    spec = pipeline()
    change(spec)
    with pytest.raises(Refused, match=complaint):
        backend.run(text(spec))


def test_a_platform_document_must_fit(backend):
    with pytest.raises(Refused, match='unknown field "nodeSelektor"'):
        backend.run(text(pipeline(), platform(nodeSelektor={})))


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [({"word": "x"}, "not required by pipeline: word"), ({"words": 3}, "requires type string")],
)
def test_a_run_has_the_pipelines_parameters_and_no_others(backend, parameters, complaint):
    with pytest.raises(Refused, match=complaint):
        backend.run(text(), parameters)


@pytest.mark.parametrize(
    ("change", "task", "complaint"),
    [
        (
            put("deploymentSpec/executors/import/importer/artifactUri", {"constant": "/data"}),
            "Import",
            "no provider scheme found in artifact URI: /data",
        ),
        (
            put("deploymentSpec/executors/import/importer/artifactUri", {"constant": ""}),
            "Import",
            "empty Artifact URI",
        ),
        (
            put("components/make/inputDefinitions/parameters/words/parameterType", "LIST"),
            "Make",
            "type mismatch: expect LIST, got string",
        ),
        (
            put("components/make/inputDefinitions/parameters/more", {"parameterType": "STRING"}),
            "Make",
            "neither value nor default value",
        ),
        (
            put("deploymentSpec/executors/make/container/args", ["{{$.inputs.parameters['x']}}"]),
            "Make",
            'parameter "x" not found',
        ),
    ],
)  # fmt: skip
def test_a_task_fails_where_the_real_one_fails(backend, change, task, complaint):
    spec = pipeline()
    change(spec)
    run = backend.run(text(spec))
    assert run.states[task] is State.FAILED
    assert complaint in run.error


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        ({"artefacts": {}}, "failed to unmarshall ExecutorOutput"),
        ({"artifacts": {"made": {"artifacts": [{"uri": "minio://other/x"}]}}}, "bucket prefix"),
        ({"artifacts": {"made": {"artifacts": [{"metadata": {"a": None}}]}}}, "unsupported value"),
    ],
)
def test_the_output_of_a_container_must_be_valid(backend, output, complaint):
    spec = pipeline()
    code = MAKE + f"    output.write_text({json.dumps(json.dumps(output))})\n"
    spec["deploymentSpec"]["executors"]["make"] = container(code)
    run = backend.run(text(spec))
    assert run.states["Make"] is State.FAILED
    assert complaint in run.error


def test_pre_cache_hooks_never_run(backend):
    spec = pipeline()
    hook = {"preCacheCheck": {"command": ["false"]}}
    spec["deploymentSpec"]["executors"]["make"]["container"]["lifecycle"] = hook
    assert backend.run(text(spec)).succeeded


def test_the_lint_accepts_a_valid_pipeline():
    assert lint(text()) == []
    assert lint(text(pipeline(), platform(activeDeadlineSeconds=1))) == []
