"""How the launcher opens stores: recorded S3 sessions, and the rules of its code."""

import pytest
import yaml
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.namespace import own_namespace, profile_namespace
from backend_stand_in.run import State
from words_pipeline import pipeline, put

MINIO = "minio.storage:9000"
QUERY = f"?endpoint=http://{MINIO}&use_path_style=true&region=us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "user", "AWS_SECRET_ACCESS_KEY": "hush"}
REGION = {"AWS_REGION": "us-east-1"}
AT_MINIO = {"AWS_ENDPOINT_URL": f"http://{MINIO}"}
IMPORTED = "deploymentSpec/executors/import/importer/artifactUri"


def providers(scheme="s3", **default):
    """The ConfigMap of the launcher, with an entry for a scheme."""
    secret = {"secretName": "store", "accessKeyKey": "user", "secretKeyKey": "word"}
    entry = {"endpoint": MINIO, "region": "us-east-1", "disableSSL": True, **default}
    entry.setdefault("credentials", {"fromEnv": False, "secretRef": secret})
    return {"kfp-launcher": {"providers": yaml.safe_dump({scheme: {"default": entry}})}}


def run_words(folder, root, environment=(), data="s3://ages/words", **namespace):
    spec = pipeline()
    put(IMPORTED, {"constant": data})(spec)
    namespace = {"hosts": {"minio.storage"}, "archive_logs": False, **namespace}
    cluster = own_namespace(image_environment=dict(environment), **namespace)
    return KubeflowBackend(folder, cluster).run(yaml.safe_dump(spec), pipeline_root=root)


STORE = {"secrets": {"store": {"user": "u", "word": "w"}}}


def test_providers_open_the_roots_bucket(tmp_path):
    run = run_words(tmp_path, "s3://ages/runs", config_maps=providers(), **STORE)
    assert run.succeeded, run.error
    assert run.artifact("Make", "made").uri.startswith(f"s3://ages/runs/words/{run.id}/Make/")


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        (KEYS, "Invalid region"),
        ({**KEYS, **REGION, **AT_MINIO}, "lookup ages.minio.storage: no such host"),
        ({**REGION, **AT_MINIO}, "no EC2 IMDS role found"),
    ],
    ids=["no region", "virtual host", "no keys"],
)
def test_a_root_without_providers_only_uses_the_environment(tmp_path, environment, complaint):
    run = run_words(tmp_path, "s3://ages/runs", environment)
    assert run.states["Make"] is State.FAILED
    assert run.exit_codes == {"Make": 1}
    assert complaint in run.error


@pytest.mark.parametrize(
    "environment", [{**KEYS, **REGION}, {**REGION, "AWS_WEB_IDENTITY_TOKEN_FILE": "x"}]
)
def test_aws_itself_needs_no_providers(tmp_path, environment):
    assert run_words(tmp_path, "s3://ages/runs", environment).succeeded


def test_an_ip_address_hides_that_the_path_style_is_missing(tmp_path):
    environment = {**KEYS, **REGION, "AWS_ENDPOINT_URL": "http://10.0.0.7:9000"}
    assert run_words(tmp_path, "s3://ages/runs", environment).succeeded


def test_another_bucket_than_the_roots_only_uses_the_environment(tmp_path):
    given = {"config_maps": providers(), "data": "s3://photos/words", **STORE}
    run = run_words(tmp_path / "bare", "s3://ages/runs", **given)
    assert 'failed to download input artifact "data"' in run.error
    assert "Invalid region" in run.error
    environment = {**KEYS, **REGION, **AT_MINIO}
    run = run_words(tmp_path / "minio", "s3://ages/runs", environment, **given)
    assert "lookup photos.minio.storage: no such host" in run.error
    run = run_words(tmp_path / "aws", "s3://ages/runs", {**KEYS, **REGION}, **given)
    assert run.succeeded, run.error


def test_another_scheme_than_the_roots_is_another_store(tmp_path):
    given = {"config_maps": providers(), "data": "minio://ages/words", **STORE}
    run = run_words(tmp_path, "s3://ages/runs", **given)
    assert "Invalid region" in run.error


def test_a_root_with_a_query_needs_no_providers(tmp_path):
    run = run_words(tmp_path, f"s3://ages/runs{QUERY}", KEYS, data="s3://ages/runs/words")
    # The imported data are in the root's bucket, and not below this run's folder.
    assert "Invalid region" in run.error
    spec = pipeline()
    del spec["root"]["dag"]["tasks"]["Make"]["inputs"]["artifacts"]
    cluster = own_namespace(image_environment=KEYS, hosts={"minio.storage"}, archive_logs=False)
    backend = KubeflowBackend(tmp_path / "own", cluster)
    run = backend.run(yaml.safe_dump(spec), pipeline_root=f"s3://ages/runs{QUERY}")
    assert run.succeeded, run.error
    uri = run.artifact("Make", "made").uri
    assert uri.startswith(f"s3://ages/runs/words/{run.id}/Make/"), "outputs have no query"
    assert run.root.endswith(f"/{run.id}{QUERY}")


def test_a_root_with_options_is_only_for_one_run(tmp_path):
    """A cached artifact is below another run's folder, for which the query is not known."""
    cluster = own_namespace(
        image_environment={**KEYS, **REGION, **AT_MINIO},
        hosts={"minio.storage"},
        archive_logs=False,
    )
    backend = KubeflowBackend(tmp_path, cluster)
    spec = pipeline()
    put(IMPORTED, {"constant": "gs://ages/words"})(spec)
    root = f"s3://ages/runs{QUERY}"
    assert backend.run(yaml.safe_dump(spec), pipeline_root=root).succeeded
    spec["deploymentSpec"]["executors"]["take"]["container"]["args"].append("more")
    run = backend.run(yaml.safe_dump(spec), pipeline_root=root)
    assert run.states["Make"] is State.CACHED
    assert run.states["Take"] is State.FAILED
    assert "lookup ages.minio.storage: no such host" in run.error


@pytest.mark.parametrize("option", ["disableSSL", "s3ForcePathStyle"])
def test_older_options_of_a_query_are_refused(tmp_path, option):
    run = run_words(tmp_path, f"s3://ages/runs{QUERY}&{option}=true", KEYS)
    assert f'unknown query parameter "{option}"' in run.error


def test_a_query_without_path_style_asks_the_buckets_host(tmp_path):
    run = run_words(
        tmp_path, f"s3://ages/runs?endpoint=http://{MINIO}&region=us-east-1", KEYS,
        data="gs://ages/words",
    )  # fmt: skip
    assert "failed to upload output artifact" in run.error
    assert "lookup ages.minio.storage: no such host" in run.error


@pytest.mark.parametrize(
    ("secrets", "complaint"),
    [
        ({}, 'secrets "store" not found'),
        ({"store": {"user": "u"}}, "bucket credential secret has no value for: secret key"),
    ],
)
def test_the_secret_of_the_providers_must_be_there(tmp_path, secrets, complaint):
    run = run_words(tmp_path, "s3://ages/runs", config_maps=providers(), secrets=secrets)
    assert run.states["Make"] is State.FAILED
    assert complaint in run.error


def test_an_entry_without_credentials_ends_the_first_driver(tmp_path):
    run = run_words(tmp_path, "s3://ages/runs", config_maps=providers(credentials={}))
    assert run.error == "invalid provider config: missing default credentials"
    assert set(run.states.values()) == {State.OMITTED}


def test_an_override_is_of_one_bucket(tmp_path):
    config = providers(endpoint="nobody.storage:9000")
    content = yaml.safe_load(config["kfp-launcher"]["providers"])
    content["s3"]["overrides"] = [
        {"bucketName": "ages", "endpoint": MINIO, "credentials": {"fromEnv": True}}
    ]
    maps = {"kfp-launcher": {"providers": yaml.safe_dump(content)}}
    run = run_words(tmp_path / "it", "s3://ages/runs", KEYS, config_maps=maps, **STORE)
    assert run.succeeded, run.error
    run = run_words(
        tmp_path / "other", "s3://others/runs", KEYS, "s3://others/words", config_maps=maps, **STORE
    )
    assert "lookup nobody.storage: no such host" in run.error


def test_kubeflows_own_store_needs_a_profiles_secret(tmp_path):
    run = KubeflowBackend(tmp_path / "profile", profile_namespace()).run(yaml.safe_dump(pipeline()))
    assert run.succeeded, run.error
    cluster = own_namespace(archive_logs=False)
    run = KubeflowBackend(tmp_path / "own", cluster).run(yaml.safe_dump(pipeline()))
    assert 'secrets "mlpipeline-minio-artifact" not found' in run.error


def test_the_namespace_sets_the_default_root_of_runs(tmp_path):
    config = providers()
    config["kfp-launcher"]["defaultPipelineRoot"] = "s3://ages/runs"
    run = run_words(tmp_path, None, config_maps=config, **STORE)
    assert run.succeeded, run.error
    assert run.root == f"s3://ages/runs/words/{run.id}"
