"""The compiled pipeline runs to its end as Kubeflow Pipelines would run it, started by its client.

The first run loses a node and publishes; the second one has a limit that no model keeps.
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
def compiled(tiny_settings, with_known_data):
    from customer_age.kubeflow.compiling import compile_kubeflow

    settings = tiny_settings(
        DATA,
        ROOT,
        "cluster.max_retries=1",
        "cluster.secret_environment=[{secret: minio, variables: {key: AWS_ACCESS_KEY_ID}}]",
    )
    documents = list(yaml.safe_load_all(compile_kubeflow(settings)))
    with_known_data(documents[0])
    return yaml.safe_dump_all(documents)


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
def start(api, backend, compiled, tmp_path_factory):
    """Start a run of the uploaded pipeline by the client, and let the back end run it."""
    client = kfp.Client(host=api.url)
    file = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    file.write_text(compiled)
    pipeline = client.upload_pipeline(str(file), "tiny")
    [version] = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    experiment = client.create_experiment("ages")

    def started(run_id, **parameters):
        run = client.run_pipeline(
            experiment.experiment_id,
            run_id,
            pipeline_id=pipeline.pipeline_id,
            version_id=version.pipeline_version_id,
            params={"run_id": run_id, "data_fingerprint": "grey", **parameters},
            pipeline_root=ROOT,
        )
        kept = api.runs[run.run_id]
        config = kept["runtime_config"]
        ended = backend.run(kept["template"], config["parameters"], config["pipeline_root"])
        api.put_state(run.run_id, "SUCCEEDED" if ended.succeeded else "FAILED")
        assert client.wait_for_run_completion(run.run_id, timeout=10).state == "SUCCEEDED", (
            ended.error,
            ended.log(list(ended.logs)[-1]),
        )
        return ended

    return started


@pytest.fixture(scope="module")
def registry(backend):
    return f"mlflow+sqlite:///{backend.folder}/registry/mlflow.db"


@pytest.fixture(scope="module")
def published(start, registry):
    return start("first", registry_uri=registry)


@pytest.fixture(scope="module")
def refused(start, registry, published):
    return start("second", registry_uri=registry, max_mae=0.1)


def test_kfp_loads_it(compiled):
    component = kfp.components.load_component_from_text(compiled)
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
