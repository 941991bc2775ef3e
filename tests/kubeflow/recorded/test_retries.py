"""When a pod is tried again, in either age of Kubeflow Pipelines: the table that was recorded."""

import pytest
import yaml
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.launcher import ContainerFailed, PodLost
from backend_stand_in.run import State
from words_pipeline import container, pipeline, put

OLD, NEW = "2.16.1", "2.17.0"
EXITS_3 = container("sys.exit(3)")


def policy(within="30s", wait="4s", count=2):
    backoff = {"backoffDuration": wait, "backoffMaxDuration": within} if within else {}
    return {"maxRetryCount": count, **backoff}


def run_words(folder, version, retry, lasts=1.0, make=None, before=lambda task, pod: None):
    spec = pipeline()
    if retry:
        put("root/dag/tasks/Make/retryPolicy", retry)(spec)
    if make:
        put("deploymentSpec/executors/make", make)(spec)
    backend = KubeflowBackend(folder, before=before, lasts=lambda task, pod: lasts, version=version)
    return backend.run(yaml.safe_dump(spec)), backend


@pytest.mark.parametrize(
    ("version", "within", "lasts", "pods", "why"),
    [
        (OLD, "30s", 41, 1, "Max duration limit exceeded"),
        (OLD, "30s", 28, 1, "Backoff would exceed max duration limit"),
        (OLD, "30s", 21, 2, "Max duration limit exceeded"),
        (OLD, "3600s", 41, 3, "No more retries left"),
        (OLD, None, 1, 1, "Max duration limit exceeded"),
        (NEW, "3600s", 41, 1, "Node not set to be retried"),
        (NEW, "3600s", 1, 1, "Node not set to be retried"),
    ],
)
def test_a_container_that_fails(tmp_path, version, within, lasts, pods, why):
    run, _ = run_words(tmp_path, version, policy(within), lasts, EXITS_3)
    assert run.attempts["Make"] == pods
    assert run.states["Make"] is State.FAILED
    assert run.states["Take"] is State.OMITTED
    assert run.not_retried["Make"] == why


def test_a_second_attempt_is_killed_at_the_end_of_the_first_ones_time(tmp_path):
    run, backend = run_words(tmp_path, OLD, policy("30s"), 21, EXITS_3)
    assert "longer than the specified deadline" in run.error
    imported = 21
    assert backend.clock.now == imported + 30


@pytest.mark.parametrize("code", [1, 2, 3, 4])
@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_pod_ends_with_1_for_any_exit_code_of_the_command(tmp_path, version, code):
    run, _ = run_words(tmp_path, version, None, make=container(f"sys.exit({code})"))
    assert run.exit_codes == {"Make": 1}
    assert run.error == f"failed to execute component: exit status {code}"


def lose(*pods):
    def before(task, pod):
        if task == "Make" and pod in pods:
            raise PodLost("pod deleted")

    return before


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("retry", [policy(), None], ids=["policy", "no policy"])
def test_a_pod_that_is_lost_is_replaced_each_time(tmp_path, version, retry):
    """As `../cluster/test_argo_retries.py` sees it; the recorded pods had no `wait`."""
    run, _ = run_words(tmp_path, version, retry, before=lose(0, 1, 2))
    assert run.attempts["Make"] == 4
    assert run.succeeded
    assert "Make" not in run.exit_codes


def test_the_waits_grow(tmp_path):
    retry = {**policy("3600s", "10s"), "backoffFactor": 3.0}
    _, backend = run_words(tmp_path, OLD, retry, 0.0, EXITS_3)
    assert backend.clock.now == 10 + 30


def test_each_attempt_has_its_log(tmp_path):
    run, backend = run_words(tmp_path, OLD, policy("3600s"), 1.0, EXITS_3)
    uri = run.inputs["Make"].outputs.artifacts["executor-logs"].artifacts[0].uri
    assert uri.endswith("/executor-logs-2")
    folder = backend.objects.path(uri).parent
    assert sorted(file.name for file in folder.iterdir()) == [
        f"executor-logs-{number}" for number in range(3)
    ]


@pytest.mark.parametrize("version", [OLD, NEW])
def test_an_importer_that_runs_twice_breaks_the_next_driver(tmp_path, version):
    def before(task, pod):
        if (task, pod) == ("Import", 0):
            raise PodLost("pod deleted")

    run, _ = run_words(tmp_path, version, None, before=before)
    assert run.states["Import"] is State.COMPLETE
    assert run.states["Make"] is State.FAILED
    assert run.error == "two tasks have the same task name: Import"


def test_only_the_older_release_continues_after_one_failure(tmp_path):
    def before(task, pod):
        if (task, pod) == ("Make", 0):
            raise ContainerFailed("the store did not answer")

    old, _ = run_words(tmp_path / "old", OLD, policy(), before=before)
    assert old.succeeded
    assert old.attempts["Make"] == 2
    new, _ = run_words(tmp_path / "new", NEW, policy(), before=before)
    assert new.error == "the store did not answer"
    assert new.attempts["Make"] == 1
