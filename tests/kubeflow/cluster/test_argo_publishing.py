"""A publisher whose processes and pods are killed publishes one version."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from argo_controller import NEW, OLD
from argo_runs import Cluster, Run, cluster
from argo_workflow import FOLDER, Step
from backend_stand_in.objects import Objects
from tensorflow_metadata.proto.v0 import statistics_pb2

from customer_age.components.artifacts.ingestion import Ingestion, write_ingestion
from customer_age.components.artifacts.training import Training
from customer_age.components.registry_pusher.lineage import Lineage
from customer_age.model_registry import open_registry

pytestmark = pytest.mark.slow

ACTS = {
    # The first pod's container is ended as a whole: there is a second pod.
    "old": "kill all at set_champion,end",
    # A process of the one pod is killed.
    "new": "kill at add,end",
}
MODES = {"old": OLD, "new": NEW}


def fill(objects: Objects) -> None:
    """Put the publisher's inputs at the paths of its recorded input."""
    recorded = json.loads((FOLDER / "recorded/executor_inputs/registrypusher.json").read_text())
    artifacts = recorded["inputs"]["artifacts"]
    places = {
        name: objects.path(artifacts[name]["artifacts"][0]["uri"])
        for name in ("model", "examples", "model_run", "statistics")
    }
    serving = places["model"] / "Format-Serving"
    (serving / "variables").mkdir(parents=True)
    (serving / "saved_model.pb").write_bytes(b"a model")
    (serving / "variables/variables.index").write_bytes(b"index")
    for name in ("examples", "model_run"):
        places[name].mkdir(parents=True)
    of_train = places["statistics"] / "Split-train"
    of_train.mkdir(parents=True)
    measured = statistics_pb2.DatasetFeatureStatisticsList()
    measured.datasets.add(name="train", num_examples=5)
    (of_train / "FeatureStats.pb").write_bytes(measured.SerializeToString())
    photos = {"train": 5, "valid": 1, "test": 20}
    ingestion = Ingestion(rows=26, photos=photos, refused={}, seconds=1.5)
    write_ingestion(str(places["examples"]), ingestion)
    training = Training(
        weights="none",
        input_size=64,
        history=[],
        best_epoch=1,
        median_age=40.0,
        photos=5,
        device="2 CPU cores",
        precision="float32",
        seconds=9.0,
    )
    (places["model_run"] / "training.json").write_text(training.model_dump_json())


def publish(started: Cluster, acts: str) -> tuple[Run, str]:
    """Start the publisher; returns its run, and the registry's URI."""
    fill(Objects(started.folder / "publish/objects"))
    uri = f"mlflow+sqlite:///{started.folder}/registry/mlflow.db"
    step = Step("RegistryPusher", class_path="faulty_executors.Pusher")
    # The recorded one is of an older form.
    lineage = Lineage(
        run_key="key",
        data_fingerprint="data",
        weights_fingerprint="none",
        code_version="c0de",
        tfx_version="1",
        settings={},
    )
    given = {"registry_uri": uri, "lineage": lineage.model_dump_json()}
    return started.start("publish", acts, step=step, parameters=given), uri


@pytest.fixture(scope="module")
def runs(programs, server, tmp_path_factory) -> Iterator[dict[str, tuple[Run, str]]]:
    """By mode; side by side."""
    with ExitStack() as stack:
        started = {}
        for mode, defaults in MODES.items():
            folder = tmp_path_factory.mktemp(mode)
            made = stack.enter_context(
                cluster(programs, server, f"publish-{mode}", folder, defaults)
            )
            started[mode] = publish(made, ACTS[mode])
        yield started


@pytest.mark.parametrize("mode", MODES)
def test_a_model_is_published_once(runs, mode):
    run, uri = runs[mode]
    logs = sorted(run.folder.parent.glob("pods/*/log"))
    assert run.wait().phase == "Succeeded", [file.read_text()[-2000:] for file in logs]
    tries = (run.folder / "faults/tries").read_text().splitlines()
    assert len(tries) == len(ACTS[mode].split(","))
    assert len(run.nodes) == (2 if mode == "old" else 1)
    registry = open_registry(uri, "customer-age")
    assert [version.version for version in registry.versions()] == ["1"]
    assert registry.champion().version == "1"
