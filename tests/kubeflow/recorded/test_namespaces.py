"""The Secret that every pod mounts where Kubeflow archives logs, and the ConfigMap against it."""

import itertools

import pytest
import yaml
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.launcher import ContainerFailed
from backend_stand_in.namespace import (
    check_log_archive,
    own_namespace,
    profile_namespace,
    with_objects,
)
from backend_stand_in.run import State
from rendered_manifests import (
    MANIFESTS,
    OWN,
    PROFILES,
    STANDALONE,
    needs_kubectl,
    of_kind,
    pod_of,
    render,
    settings_of,
)
from words_pipeline import pipeline, put

KEY = "workflows.argoproj.io/default-artifact-repository"
KEYS = {"accesskey": "a user of MinIO", "secretkey": "and its password"}


def repositories(repository="archiveLogs: false", key="ours", annotated="ours"):
    annotations = {KEY: annotated} if annotated else {}
    return {
        "kind": "ConfigMap",
        "metadata": {"name": "artifact-repositories", "annotations": annotations},
        "data": {key: repository},
    }


def test_no_pod_starts_without_the_secret(tmp_path):
    run = KubeflowBackend(tmp_path, own_namespace()).run(yaml.safe_dump(pipeline()))
    assert 'secret "mlpipeline-minio-artifact" not found' in run.error
    assert set(run.states.values()) == {State.OMITTED}
    assert not run.attempts, "the first driver's pod hangs"


def test_a_profile_provides_it(tmp_path):
    assert KubeflowBackend(tmp_path, profile_namespace()).run(yaml.safe_dump(pipeline())).succeeded


def mounts_it(*objects):
    """Whether an own namespace with these objects needs the Secret to start a pod."""
    try:
        check_log_archive(with_objects(own_namespace(), objects))
    except ContainerFailed:
        return True
    return False


@pytest.mark.parametrize(
    ("given", "mounts"),
    [
        ({}, False),
        ({"repository": "archiveLogs: true"}, True),
        ({"annotated": ""}, True),
        ({"annotated": "another"}, True),
        ({"key": "default", "annotated": "default"}, False),
        ({"repository": ""}, False),
    ],
)
def test_a_config_map_of_the_namespace_turns_log_archives_off(given, mounts):
    assert mounts_it(repositories(**given)) == mounts


def test_a_secret_of_the_namespace_is_enough():
    name = "mlpipeline-minio-artifact"
    assert not mounts_it({"kind": "Secret", "metadata": {"name": name}, "data": {"k": "dQ=="}})
    assert mounts_it({"kind": "Secret", "metadata": {"name": "another"}})


def set_by_retraining(objects):
    """The options of the CronJob's command after the settings file, which `submit` also needs."""
    [job] = of_kind(objects, "CronJob").values()
    args = pod_of(job)["containers"][0]["args"]
    return [value for option, value in itertools.pairwise(args) if option == "--set"]


@needs_kubectl
@pytest.mark.parametrize("overlay", [*OWN, *PROFILES, *STANDALONE])
def test_a_run_succeeds_in_the_namespace_of_each_overlay(tmp_path, overlay):
    """With the Secrets that README has one make, and the root that the settings name."""
    objects = render(MANIFESTS / "overlays" / overlay)
    settings = settings_of(objects, tmp_path, *set_by_retraining(objects))
    environment = dict(settings.cluster.environment)
    for secret in settings.cluster.secret_environment:
        environment |= {variable: KEYS[key] for key, variable in secret.variables.items()}
    make = own_namespace if overlay in OWN else profile_namespace
    secrets = {"customer-age-object-store": KEYS}
    namespace = make(secrets=secrets, hosts={"minio.minio"}, image_environment=environment)
    if overlay in OWN:
        with pytest.raises(ContainerFailed):
            check_log_archive(namespace)
    spec = pipeline()
    imported = "deploymentSpec/executors/import/importer/artifactUri"
    put(imported, {"constant": "gs://elsewhere/words"})(spec)
    backend = KubeflowBackend(tmp_path / "kubeflow", with_objects(namespace, objects))
    run = backend.run(yaml.safe_dump(spec), pipeline_root=settings.cluster.pipeline_root)
    assert run.succeeded, run.error
