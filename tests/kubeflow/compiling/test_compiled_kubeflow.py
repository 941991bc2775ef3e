"""The compiled pipeline runs to its end as Kubeflow Pipelines would run it.

The first run, on 2.17, has a process that is killed and a pod that is lost, and publishes; the
second one, on 2.16, has a pod that is evicted, and a limit that no model keeps.
"""

import dataclasses
from pathlib import Path

import kfp
import kfp.components
import pytest
import yaml
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.launcher import ContainerFailed, PodLost
from backend_stand_in.lint import lint
from backend_stand_in.namespace import own_namespace, with_objects
from backend_stand_in.run import State
from kfp_api_stand_in import KfpApi

from customer_age import kubeflow
from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.kfp.runs import KubeflowRuns
from customer_age.kubeflow.submission.runs import Submission

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This client only works with:FutureWarning"),
]

ROOT = "minio://artifacts/customer-age"
MANIFESTS = Path(kubeflow.__file__).parent / "manifests"
PROVIDERS = """
    minio:
      default:
        endpoint: minio.storage:9000
        region: us-east-1
        disableSSL: true
        credentials:
          fromEnv: false
          secretRef: {secretName: minio, accessKeyKey: key, secretKeyKey: secret}
"""
KILLED_ONCE = """
import os, pathlib, signal, sys

words = sys.orig_argv
marker = pathlib.Path(os.environ["KILLED_ONCE"])
repeats = "--max_retries" in str(words) and "--try_folder" not in str(words)
if "tfx.components.statistics_gen.executor.Executor" in words and not repeats:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""Python's sitecustomize: kills the first process that would make statistics, once for all runs;
not the one that repeats it."""
CACHED = {
    *("PhotoSchema", "PhotoExampleGen", "StatisticsGen", "ExampleValidator", "DataGate"),
    *("Trainer", "Canary"),
}


@pytest.fixture(scope="module")
def specification(tiny_settings, photos_in_s3):
    """As `customer-age submit` sends it where it knows the data."""
    from customer_age.kubeflow.compiling.compiler import compile_kubeflow

    keys = "{key: AWS_ACCESS_KEY_ID, secret: AWS_SECRET_ACCESS_KEY}"
    settings = tiny_settings(
        photos_in_s3,
        ROOT,
        "cluster.max_retries=1",
        "cluster.secret_environment=[{secret: minio, variables: " + keys + "}]",
    )
    compiled = specifications.of_kubeflow(compile_kubeflow(settings))
    specifications.set_caching(compiled, cache=True, data_known=True)
    for executor in compiled["pipeline_spec"]["deploymentSpec"]["executors"].values():
        executor["container"]["args"].append("--backoff_seconds=0.1")
    return compiled


@pytest.fixture(scope="module")
def pipeline_file(specification, tmp_path_factory):
    file = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    file.write_text(yaml.safe_dump_all(specification.values()))
    return file


@pytest.fixture(scope="module")
def namespace(tmp_path_factory, preloaded_python):
    """An own namespace, in which our manifests turn Kubeflow's archive of logs off."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "sitecustomize.py").write_text(KILLED_ONCE)
    bare = own_namespace(
        secrets={"minio": {"key": "minio-user", "secret": "its password"}},
        config_maps={"kfp-launcher": {"providers": PROVIDERS}},
        hosts={"minio.storage"},
        image_environment={"PYTHONPATH": str(folder), "KILLED_ONCE": str(folder / "killed")},
    )
    file = MANIFESTS / "base" / "artifact_repositories.yaml"
    whole = with_objects(bare, yaml.safe_load_all(file.read_text()))
    return dataclasses.replace(whole, python=preloaded_python)


@pytest.fixture(scope="module")
def backend(tmp_path_factory, namespace):
    """Kubeflow Pipelines 2.17: a node is lost."""

    def lose_a_node(task, pod):
        if (task, pod) == ("Trainer", 0):
            raise PodLost("pod deleted")

    folder = tmp_path_factory.mktemp("kubeflow")
    return KubeflowBackend(folder, namespace, before=lose_a_node, version="2.17.0")


@pytest.fixture(scope="module")
def older_backend(backend, namespace):
    """The same, before it became 2.17: a pod is evicted."""

    def evict(task, pod):
        if (task, pod) == ("Evaluator", 0):
            raise ContainerFailed("The node was low on resource: memory")

    return KubeflowBackend(backend.folder, namespace, before=evict, version="2.16.1")


@pytest.fixture(scope="module")
def api():
    with KfpApi() as running:
        yield running


@pytest.fixture(scope="module")
def finish(api):
    """Let a back end run the pipeline that was sent to the API."""

    def finished(backend, run_id):
        submitted = api.runs[run_id]
        config = submitted["runtime_config"]
        ended = backend.run(submitted["template"], config["parameters"], config["pipeline_root"])
        api.put_state(run_id, "SUCCEEDED" if ended.succeeded else "FAILED")
        assert ended.succeeded, (ended.error, ended.log(list(ended.logs)[-1]))
        return ended

    return finished


@pytest.fixture(scope="module")
def registry(backend):
    return f"mlflow+sqlite:///{backend.folder}/registry/mlflow.db"


def parameters(run_id, registry, **others):
    return {"run_id": run_id, "data_fingerprint": "grey", "registry_uri": registry, **others}


@pytest.fixture(scope="module")
def published(api, finish, backend, pipeline_file, registry):
    """A run of the uploaded pipeline, started by kfp's own client."""
    client = kfp.Client(host=api.url)
    pipeline = client.upload_pipeline(str(pipeline_file), "tiny")
    [version] = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    run = client.run_pipeline(
        client.create_experiment("ages").experiment_id,
        "first",
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
        params=parameters("first", registry),
        pipeline_root=ROOT,
    )
    ended = finish(backend, run.run_id)
    assert client.wait_for_run_completion(run.run_id, timeout=10).state == "SUCCEEDED"
    return ended


@pytest.fixture(scope="module")
def refused(api, finish, older_backend, specification, registry, published, photos_in_s3):
    """A run that `customer-age submit` starts, with all parameters."""
    runs = KubeflowRuns(KubeflowEndpoint.of(api.url, "ages"), settled_after=0.1)
    given = parameters("second", registry, max_mae=0.1, data_path=photos_in_s3)
    shown = runs.create(Submission("second", "", specification, given))
    ended = finish(older_backend, shown.link.rpartition("/")[2])
    assert runs.find("second").state == "SUCCEEDED"
    return ended


def test_kfp_loads_it(pipeline_file, photos_in_s3):
    component = kfp.components.load_component_from_file(str(pipeline_file))
    assert component.pipeline_spec.schema_version == "2.1.0"
    executors = component.platform_spec.platforms["kubernetes"].deployment_spec.executors
    assert executors["Trainer_executor"]["secretAsEnv"][0]["secretName"] == "minio"
    inputs = component.component_spec.inputs
    assert inputs["max_mae"].default == 60
    assert inputs["data_path"].default == photos_in_s3


def test_it_publishes_a_champion(published, registry, versions_in):
    assert set(published.states.values()) == {State.COMPLETE}
    versions, champion = versions_in(registry)
    first = versions[-1]
    assert champion == first.version == "1"
    assert 0 < first.metrics["mae"] < 60
    assert first.tags["run_id"] == "first"
    assert first.tags["data_fingerprint"] == "grey"


def test_the_lint_finds_no_fault_of_our_compiler(pipeline_file):
    assert lint(pipeline_file.read_text()) == []


def test_from_2_17_on_the_container_itself_tries_again(published):
    """Kubeflow would not; the pod is the first and only one."""
    assert published.attempts["StatisticsGen"] == 1
    assert "attempt 2 of 2" in published.log("StatisticsGen")


def test_from_2_17_on_kubeflow_replaces_a_pod_that_is_lost(published):
    assert published.attempts["Trainer"] == 2
    assert sum(published.attempts.values()) == len(published.attempts) + 1


def test_before_2_17_kubeflow_replaces_a_pod_that_failed(refused):
    assert refused.attempts == {
        "Champion": 1, "Evaluator": 2, "RegistryPusher": 1, "RunReport": 1,
    }  # fmt: skip


def test_artifacts_are_named_by_their_uris(backend, published):
    for task, outputs in published.outputs.items():
        for name, artifact in outputs.artifacts.items():
            below = f"{ROOT}/tiny/{published.id}/{task}/"
            assert artifact.uri.startswith(below), (task, name)
            said = str(backend.metadata(published, task, name))
            assert str(backend.folder) not in said, (task, name)


def test_the_launcher_copies_no_photo_but_the_lineage_names_them(backend, published, photos_in_s3):
    """Only artifacts are copied, and all are below the root: the run has imported none."""
    assert "DataSet" not in published.states
    known = backend.metadata(published, "PhotoExampleGen", "data_set")
    assert (known["place"], known["fingerprint"]) == (photos_in_s3, "grey")
    uri = published.artifact("PhotoExampleGen", "data_set").uri
    [file] = backend.objects.path(uri).iterdir()
    assert (file.name, file.stat().st_size < 1000) == ("data_set.json", True)


def test_the_ui_sees_pages_numbers_and_blessings(backend, published):
    report = published.artifact("RunReport", "report")
    assert report.type == "system.HTML"
    assert report.uri.endswith("/report.html")
    assert "version 1" in backend.objects.path(report.uri).read_text()
    assert published.artifact("RunReport", "metrics").type == "system.Metrics"
    numbers = backend.metadata(published, "RunReport", "metrics")
    assert 0 < numbers["mae"] < 60
    assert numbers["published"] == 1
    assert backend.metadata(published, "Evaluator", "blessing")["blessed"] == 1
    pushed = backend.metadata(published, "RegistryPusher", "pushed_model")
    assert (pushed["pushed"], pushed["champion"]) == (1, 1)


def test_with_a_smaller_limit_nothing_is_published(backend, refused, registry, versions_in):
    versions, champion = versions_in(registry)
    assert (len(versions), champion) == (1, "1")
    assert backend.metadata(refused, "Evaluator", "blessing")["blessed"] == 0
    assert backend.metadata(refused, "RegistryPusher", "pushed_model")["pushed"] == 0
    page = backend.objects.path(refused.artifact("RunReport", "report").uri).read_text()
    assert "above the limit of 0.1" in page


def test_known_batches_are_not_ingested_again(published, refused):
    assert {task for task, state in refused.states.items() if state is State.CACHED} == CACHED
    assert refused.artifact("Trainer", "model").id == published.artifact("Trainer", "model").id
