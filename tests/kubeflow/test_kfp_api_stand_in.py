"""The stand-in of Kubeflow Pipelines' API refuses what the real one refuses: by the real client."""

import json
import textwrap

import kfp
import kfp_server_api
import pytest
from kfp_api_stand_in import KfpApi
from kfp_api_stand_in.records import Answer

pytestmark = pytest.mark.filterwarnings("ignore:This client only works with:FutureWarning")

SPEC = """
    pipelineInfo: {name: one-step}
    schemaVersion: 2.1.0
    sdkVersion: tfx-1.16.0
    deploymentSpec:
      executors: {exec: {container: {image: python, command: [python, -c, pass]}}}
    components: {step: {executorLabel: exec}}
    root:
      inputDefinitions:
        parameters:
          limit: {parameterType: NUMBER_DOUBLE, defaultValue: 8.0}
          photos: {parameterType: STRING}
      dag:
        tasks: {step: {taskInfo: {name: step}, componentRef: {name: step}}}
"""
PLATFORM = """
    platforms:
      kubernetes:
        deploymentSpec: {executors: {exec: {nodeSelector: {labels: {disk: ssd}}}}}
"""


@pytest.fixture
def api():
    with KfpApi() as running:
        yield running


@pytest.fixture
def client(api):
    return kfp.Client(host=api.url)


@pytest.fixture
def write(tmp_path):
    def write(text, name="pipeline.yaml"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text))
        return str(file)

    return write


@pytest.fixture
def experiment(client):
    return client.create_experiment("ages").experiment_id


def test_a_pipeline_is_uploaded_and_started(api, client, write, experiment):
    pipeline = client.upload_pipeline(write(SPEC), "ages")
    assert client.get_pipeline_id("ages") == pipeline.pipeline_id
    [version] = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    run = client.run_pipeline(
        experiment,
        "a run",
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
        params={"photos": "s3://photos"},
    )
    assert client.get_run(run.run_id).state == "PENDING"
    api.put_state(run.run_id, "SUCCEEDED")
    assert client.wait_for_run_completion(run.run_id, timeout=10).state == "SUCCEEDED"
    assert api.runs[run.run_id]["runtime_config"] == {"parameters": {"photos": "s3://photos"}}


def test_a_package_is_started_with_its_platform_spec(api, client, write):
    result = client.create_run_from_pipeline_package(
        write(SPEC + "\n---\n" + PLATFORM),
        arguments={"photos": "s3://photos", "limit": 0.5},
        experiment_name="ages",
        enable_caching=False,
    )
    [run] = client.list_runs(
        experiment_id=client.get_experiment(experiment_name="ages").experiment_id
    ).runs
    assert run.run_id == result.run_id
    assert "nodeSelector" in api.runs[result.run_id]["template"]


def test_runs_are_found_by_name(client, write, experiment):
    for name in ("first", "second", "second"):
        client.run_pipeline(experiment, name, write(SPEC), params={"photos": "s3://photos"})
    by_name = json.dumps(
        {"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": "second"}]}
    )
    assert client.list_runs(filter=by_name).total_size == 2, "the real one takes a name twice"
    page = client.list_runs(page_size=2)
    assert len(page.runs) == 2
    assert len(client.list_runs(page_size=2, page_token=page.next_page_token).runs) == 1


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (SPEC.replace("2.1.0", "2.0.0"), "only supports schema version 2.1.0"),
        (SPEC.replace("sdkVersion", "sdkVersoin"), "unknown template format"),
        ("runtimeConfig: {gcsOutputDirectory: 'gs://b'}", "unknown template format"),
        (SPEC + "\n---\n" + SPEC, "multiple pipeline specs"),
        ("pipelineInfo: {", "unable to decode yaml"),
    ],
)
def test_a_bad_pipeline_is_not_uploaded(api, client, write, spec, complaint):
    with pytest.raises(kfp_server_api.ApiException) as caught:
        client.upload_pipeline(write(spec), "ages")
    assert caught.value.status == 400
    assert complaint in caught.value.body
    assert not api.pipelines


def test_a_name_is_accepted_once(client, write):
    client.upload_pipeline(write(SPEC), "ages")
    with pytest.raises(kfp_server_api.ApiException) as caught:
        client.upload_pipeline(write(SPEC), "ages")
    assert caught.value.status == 409


@pytest.mark.parametrize(
    ("experiment_id", "params", "status", "complaint"),
    [
        ("nobody-s", {"photos": "x"}, 404, "experiment nobody-s"),
        (None, {}, 400, "parameter photos is not optional"),
        (None, {"photos": 3}, 400, "photos requires type string"),
        (None, {"photos": "x", "limit": "0.1"}, 400, "limit requires type double"),
        (None, {"photos": "x", "epochs": 1}, 400, "not required by pipeline: epochs"),
    ],
)
def test_a_bad_run_is_not_started(api, client, write, experiment_id, params, status, complaint):
    with pytest.raises(kfp_server_api.ApiException) as caught:
        client.run_pipeline(experiment_id, "a run", write(SPEC), params=params)
    assert caught.value.status == status
    assert complaint in caught.value.body
    assert not api.runs


def test_a_run_needs_a_pipeline(api, client, experiment):
    run = kfp_server_api.V2beta1Run(experiment_id=experiment, display_name="a run")
    with pytest.raises(kfp_server_api.ApiException, match="empty pipeline spec"):
        client._run_api.run_service_create_run(run)
    assert not api.runs


def test_a_resolver_is_uploaded_and_does_not_run(client, write, experiment):
    spec = SPEC.replace("container: {image: python, command: [python, -c, pass]}", "resolver: {}")
    client.upload_pipeline(write(spec), "ages")
    with pytest.raises(
        kfp_server_api.ApiException, match="non-container and non-importer executor not implemented"
    ):
        client.run_pipeline(experiment, "a run", write(spec), params={"photos": "s3://photos"})


def test_without_the_token_nothing_is_answered():
    with KfpApi(token="secret") as api:
        assert kfp.Client(host=api.url, existing_token="secret").list_runs().total_size in (0, None)
        with pytest.raises(kfp_server_api.ApiException) as caught:
            kfp.Client(host=api.url, existing_token="guess", namespace="team").list_runs()
    assert caught.value.status == 401


class Allows:
    """A reviewer that allows one namespace, and records its requests."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.reviews = []

    def review(self, authorization, attributes):
        self.reviews.append((attributes["verb"], attributes["resource"], attributes["namespace"]))
        if attributes["namespace"] != self.namespace:
            raise Answer(403, "not authorized")


def test_with_users_each_request_is_reviewed_for_its_namespace(write):
    reviewer = Allows("ours")
    with KfpApi(reviewer=reviewer) as api:
        client = kfp.Client(host=api.url, namespace="ours")
        assert client.get_kfp_healthz().multi_user is True
        experiment = client.create_experiment("ages", namespace="ours").experiment_id
        run = client.run_pipeline(experiment, "a", write(SPEC), params={"photos": "s3://photos"})
        client.terminate_run(run.run_id)
        assert client.list_experiments(namespace="ours").total_size == 1
        reviews = set(reviewer.reviews)
        for status, namespace in ((403, "theirs"), (400, "")):
            with pytest.raises(kfp_server_api.ApiException) as caught:
                client.experiments.experiment_service_list_experiments(namespace=namespace)
            assert caught.value.status == status
    assert {namespace for _, _, namespace in reviews} == {"ours"}
    assert {(verb, kind) for verb, kind, _ in reviews} >= {
        *(("create", "experiments"), ("list", "experiments")),
        *(("create", "runs"), ("terminate", "runs")),
    }
