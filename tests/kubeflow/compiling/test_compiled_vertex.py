"""The compiled pipeline runs to its end as Vertex AI Pipelines would run it.

The first run is preempted once and publishes; the second one has a limit that no model keeps.
"""

import json

import pytest
from backend_stand_in.launcher import ContainerFailed
from backend_stand_in.pods import Cluster
from backend_stand_in.run import State
from backend_stand_in.vertex import VertexBackend

from customer_age.kubeflow.submission import specifications

pytestmark = [pytest.mark.slow, pytest.mark.one_line]

ROOT = "gs://artifacts/customer-age"


@pytest.fixture(scope="module")
def compiled(tiny_settings, photos_in_gs):
    """As `customer-age submit` sends it where it knows the data."""
    from customer_age.kubeflow.compiling.compiler import compile_vertex

    data, environment = photos_in_gs
    settings = tiny_settings(
        data, ROOT, "cluster.max_retries=1", f"cluster.environment={json.dumps(environment)}"
    )
    job = specifications.of_vertex(compile_vertex(settings))
    specifications.set_caching(job, cache=True, data_known=True)
    return json.dumps(job)


@pytest.fixture(scope="module")
def backend(tmp_path_factory, preloaded_python):
    def preempt(task, attempt):
        if (task, attempt) == ("StatisticsGen", 0):
            raise ContainerFailed("preempted")

    cluster = Cluster(python=preloaded_python)
    return VertexBackend(tmp_path_factory.mktemp("vertex"), cluster, before=preempt)


@pytest.fixture(scope="module")
def registry(backend):
    return f"mlflow+sqlite:///{backend.folder}/registry/mlflow.db"


def run_with(backend, compiled, run_id, **parameters):
    given = {"run_id": run_id, "data_fingerprint": "grey", **parameters}
    run = backend.run(compiled, given)
    assert run.succeeded, (run.error, run.log(list(run.logs)[-1]))
    return run


@pytest.fixture(scope="module")
def published(backend, compiled, registry):
    return run_with(backend, compiled, "first", registry_uri=registry)


@pytest.fixture(scope="module")
def refused(backend, compiled, registry, published):
    return run_with(backend, compiled, "second", registry_uri=registry, max_mae=0.1)


def test_it_publishes_a_champion(published, registry, versions_in):
    versions, champion = versions_in(registry)
    first = versions[-1]
    assert champion == first.version == "1"
    assert 0 < first.metrics["mae"] < 60
    assert first.tags["run_id"] == "first"
    assert published.attempts["StatisticsGen"] == 2


def test_artifacts_are_named_by_their_uris(backend, published):
    for task, outputs in published.outputs.items():
        for name, artifact in outputs.artifacts.items():
            assert artifact.uri.startswith(f"{ROOT}/"), (task, name)
            assert backend.objects.path(artifact.uri).exists(), (task, name)
            said = str(backend.metadata(published, task, name))
            assert str(backend.folder) not in said, (task, name)


def test_the_ui_sees_pages_numbers_and_blessings(backend, published):
    report = published.artifact("RunReport", "report")
    assert report.type == "system.HTML"
    assert "version 1" in backend.objects.path(report.uri).read_text()
    assert published.artifact("RunReport", "metrics").type == "system.Metrics"
    numbers = backend.metadata(published, "RunReport", "metrics")
    assert 0 < numbers["mae"] < 60
    assert backend.metadata(published, "Evaluator", "blessing")["blessed"] == 1


def test_with_a_smaller_limit_nothing_is_published(backend, refused, registry, versions_in):
    versions, champion = versions_in(registry)
    assert (len(versions), champion) == (1, "1")
    assert backend.metadata(refused, "RegistryPusher", "pushed_model")["pushed"] == 0
    page = backend.objects.path(refused.artifact("RunReport", "report").uri).read_text()
    assert "above the limit of 0.1" in page


def test_training_is_not_done_again(published, refused):
    assert refused.states["Trainer"] is State.CACHED
    assert refused.artifact("Trainer", "model").id == published.artifact("Trainer", "model").id
