"""The compiled pipeline runs to its end as Kubeflow Pipelines would run it.

The first run loses a node, and publishes; the second one has a limit that no model keeps.
"""

import kfp
import kfp.components
import pytest
import yaml
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.launcher import ContainerFailed
from backend_stand_in.pods import Cluster
from backend_stand_in.run import State
from kfp_api_stand_in import KfpApi

from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.kfp.runs import KubeflowRuns
from customer_age.kubeflow.submission.runs import Submission

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This client only works with:FutureWarning"),
]

ROOT = "minio://artifacts/customer-age"
DATA = "minio://photos/grey"
CACHED = {
    *("PhotoSchema", "PhotoExampleGen", "StatisticsGen", "ExampleValidator", "DataGate"),
    *("Trainer", "Canary"),
}


@pytest.fixture(scope="module")
def specification(tiny_settings):
    """As `customer-age submit` sends it where it knows the data."""
    from customer_age.kubeflow.compiling.compiler import compile_kubeflow

    secret = "{secret: minio, variables: {key: AWS_ACCESS_KEY_ID}}"
    settings = tiny_settings(
        DATA, ROOT, "cluster.max_retries=1", f"cluster.secret_environment=[{secret}]"
    )
    compiled = specifications.of_kubeflow(compile_kubeflow(settings))
    specifications.set_caching(compiled, cache=True, data_known=True)
    return compiled


@pytest.fixture(scope="module")
def pipeline_file(specification, tmp_path_factory):
    file = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    file.write_text(yaml.safe_dump_all(specification.values()))
    return file


@pytest.fixture(scope="module")
def backend(tmp_path_factory, put_photos):
    def lose_a_node(task, attempt):
        if (task, attempt) == ("StatisticsGen", 0):
            raise ContainerFailed("the node went away")

    cluster = Cluster(secrets={"minio": {"key": "minio-user"}})
    made = KubeflowBackend(tmp_path_factory.mktemp("kubeflow"), cluster, before=lose_a_node)
    put_photos(made, DATA)
    return made


@pytest.fixture(scope="module")
def api():
    with KfpApi() as running:
        yield running


@pytest.fixture(scope="module")
def finish(api, backend):
    """Let the back end run what the API was asked to run."""

    def finished(run_id):
        asked = api.runs[run_id]
        config = asked["runtime_config"]
        ended = backend.run(asked["template"], config["parameters"], config["pipeline_root"])
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
def published(api, finish, pipeline_file, registry):
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
    ended = finish(run.run_id)
    assert client.wait_for_run_completion(run.run_id, timeout=10).state == "SUCCEEDED"
    return ended


@pytest.fixture(scope="module")
def refused(api, finish, specification, registry, published):
    """A run that `customer-age submit` starts."""
    runs = KubeflowRuns(KubeflowEndpoint.of(api.url, "ages"), settled_after=0.1)
    given = parameters("second", registry, max_mae=0.1)
    shown = runs.create(Submission("second", "", specification, given))
    ended = finish(shown.link.rpartition("/")[2])
    assert runs.find("second").state == "SUCCEEDED"
    return ended


def test_kfp_loads_it(pipeline_file):
    component = kfp.components.load_component_from_file(str(pipeline_file))
    assert component.pipeline_spec.schema_version == "2.1.0"
    executors = component.platform_spec.platforms["kubernetes"].deployment_spec.executors
    assert executors["Trainer_executor"]["secretAsEnv"][0]["secretName"] == "minio"
    inputs = component.component_spec.inputs
    assert inputs["max_mae"].default == 60
    assert inputs["data_path"].default == DATA


def test_it_publishes_a_champion(published, registry, versions_in):
    assert set(published.states.values()) == {State.COMPLETE}
    versions, champion = versions_in(registry)
    first = versions[-1]
    assert champion == first.version == "1"
    assert 0 < first.metrics["mae"] < 60
    assert first.tags["run_id"] == "first"
    assert first.tags["data_fingerprint"] == "grey"


def test_what_failed_once_is_tried_again(published):
    assert published.attempts["StatisticsGen"] == 2
    assert all(times == 1 for task, times in published.attempts.items() if task != "StatisticsGen")


def test_artifacts_are_named_by_their_uris(backend, published):
    for task, outputs in published.outputs.items():
        if task == "DataSet":
            continue
        for name, artifact in outputs.artifacts.items():
            assert artifact.uri.startswith(f"{ROOT}/{task}/"), (task, name)
            said = str(backend.metadata(published, task, name))
            assert str(backend.folder) not in said, (task, name)


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


def test_what_is_known_is_not_done_again(published, refused):
    assert {task for task, state in refused.states.items() if state is State.CACHED} == CACHED
    assert refused.artifact("Trainer", "model").id == published.artifact("Trainer", "model").id
