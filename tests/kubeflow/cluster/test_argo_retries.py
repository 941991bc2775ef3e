"""README's table of retries, under Argo's real controller, with our entry point in the step.

Scaled: a wait of 30 seconds is 1 between pods and 0.01 in the container; a `timeout_seconds` of six
hours is one hour, or 20 seconds where a test waits for it, and the policy's `maxDuration` with it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest
from argo_controller import ALWAYS, NEW, OLD
from argo_runs import Cluster, Run, cluster
from argo_workflow import Step
from kubelet_pod import DEADLINE

MODES = {"old": OLD, "new": NEW, "always": ALWAYS}
TRIES = 3
"""In one pod: `cluster.max_retries` of the compiled pipeline, and the first."""
TIMEOUT = 20
"""So long that a try begins in time, with all the other runs on the same cores."""


def start_all(started: Cluster) -> dict[str, Run]:
    """Start the runs that the tests request; all run in parallel."""
    hangs = Step(timeout=TIMEOUT)
    return {
        "passes later": started.start("passes-later", "kill,kill,end"),
        "fails": started.start("fails", "kill"),
        "memory": started.start("memory", "hang,end", disturb=Cluster.kill_for_memory),
        "drained": started.start("drained", "hang,end", disturb=Cluster.drain),
        "lost": started.start("lost", "hang,hang,hang,end", disturb=Cluster.lose, disturbed=3),
        "hangs": started.start("hangs", "hang", step=hangs),
    }


@pytest.fixture(scope="module")
def runs(programs, server, tmp_path_factory) -> Iterator[dict[str, dict[str, Run]]]:
    """By mode and name."""
    with ExitStack() as stack:
        clusters = {}
        for mode, defaults in MODES.items():
            folder = tmp_path_factory.mktemp(mode)
            clusters[mode] = stack.enter_context(
                cluster(programs, server, f"retries-{mode}", folder, defaults)
            )
        yield {mode: start_all(started) for mode, started in clusters.items()}


@pytest.mark.parametrize("mode", MODES)
def test_a_component_that_fails_is_repeated_in_its_container(runs, mode):
    run = runs[mode]["passes later"].wait()
    assert (run.phase, run.tries) == ("Succeeded", [TRIES])


@pytest.mark.parametrize(
    ("mode", "pods", "why"),
    [("old", 2, "No more retries left"), ("new", 1, "main: Error (exit code 1)")],
)
def test_a_container_that_fails_for_good(runs, mode, pods, why):
    run = runs[mode]["fails"].wait()
    assert run.phase == "Failed"
    assert run.pods == [("Failed", "main: Error (exit code 1)")] * pods
    assert run.tries == [TRIES] * pods
    assert run.why == why


def test_a_policy_for_all_templates_repeats_each_dag_around_a_failed_container(runs):
    """Two pods of the step in each round of three DAGs, one in another, each of two rounds."""
    run = runs["always"]["fails"].wait()
    assert run.phase == "Failed"
    assert run.tries == [TRIES] * 2 * 2**3


@pytest.mark.parametrize("name", ["memory", "drained"])
@pytest.mark.parametrize(("mode", "pods"), [("old", 2), ("new", 1), ("always", 2)])
def test_a_container_that_is_killed(runs, mode, pods, name):
    """By a lack of memory; by the end of a pod whose node is alive and reports the failure."""
    run = runs[mode][name].wait()
    message = "main: OOMKilled (exit code 137)" if name == "memory" else "main: Error (exit code 1)"
    assert run.phase == ("Succeeded" if pods == 2 else "Failed")
    assert run.pods[0] == ("Failed", message)
    assert run.tries == [1] * pods


@pytest.mark.parametrize("mode", MODES)
def test_a_pod_that_is_lost_with_its_node_is_replaced_each_time(runs, mode):
    """By one of the same name: its result was not complete, and so no retry is counted."""
    run = runs[mode]["lost"].wait()
    assert run.phase == "Succeeded"
    assert run.tries == [1] * 4
    assert [phase for phase, _ in run.pods] == ["Succeeded"]


@pytest.mark.parametrize(("mode", "pods"), [("old", 2), ("new", 1)])
def test_a_step_that_hangs_is_ended_by_its_deadline(runs, mode, pods):
    run = runs[mode]["hangs"].wait()
    assert run.phase == "Failed"
    assert run.pods == [("Failed", DEADLINE)] * pods
    assert run.tries == [1] * pods
    for node in run.nodes:
        assert TIMEOUT - 1 <= seconds_of(node) <= TIMEOUT + 60


def seconds_of(node: dict) -> float:
    """From the start to the end of a pod, as the controller saw them."""
    start, end = (datetime.fromisoformat(node[key]) for key in ("startedAt", "finishedAt"))
    return (end - start).total_seconds()
