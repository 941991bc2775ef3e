"""A checkpoint in the pipeline root: where, what of it, and what a store may do to it."""

import copy
import json
import os
import time
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorInput

from customer_age.files import store
from customer_age.kubeflow.container import kept_training
from customer_age.kubeflow.container.executor_input import open_where_launched
from customer_age.kubeflow.container.kept_training import Copies, address_of
from customer_age.kubeflow.container.launcher_paths import LauncherPaths

RECORDED = Path(__file__).parents[1] / "recorded" / "executor_inputs" / "trainer.json"
RUN = "ages/runs/tiny/22222222-2222-3333-4444-555555555555"
DRAWN = "1766d3b4-8f69-43f1-ac3c-2990e66b435b"
MINIO = "endpoint=http://127.0.0.1:15555&region=us-east-1"


def opened(message, in_place=""):
    """A converted ExecutorInput, and its original URIs."""
    parsed = json_format.ParseDict(message, ExecutorInput())
    return parsed, open_where_launched(parsed, LauncherPaths.of("/", in_place))


def of_trainer(outputs=None, scheme="s3", session=None):
    """What was recorded, with other outputs or another session where they are given."""
    message = json.loads(RECORDED.read_text())
    if session is not None:
        for several in message["inputs"]["artifacts"].values():
            several["artifacts"][0]["metadata"]["store_session_info"] = session
    if outputs is not None:
        for several in message["outputs"]["artifacts"].values():
            several["artifacts"][0]["uri"] = f"{outputs}/{several['artifacts'][0]['name']}"
    return json.loads(json.dumps(message).replace("s3://", f"{scheme}://"))


AWS = json.dumps({"Provider": "s3", "Params": {"endpoint": "s3.amazonaws.com"}})


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (of_trainer(), f"s3://{RUN}/Trainer/checkpoint?{MINIO}"),
        (of_trainer(scheme="minio"), f"s3://{RUN}/Trainer/checkpoint?{MINIO}"),
        (of_trainer(session=AWS), f"s3://{RUN}/Trainer/checkpoint"),
        (of_trainer(session="{}"), f"s3://{RUN}/Trainer/checkpoint"),
        (of_trainer(session="what"), f"s3://{RUN}/Trainer/checkpoint"),
        (of_trainer(session="{}", scheme="minio"), ""),
        (of_trainer("gs://b/root/17/job-9/Trainer_-88"), "gs://b/root/17/job-9/Trainer/checkpoint"),
        (of_trainer("gs://b/root/tiny/7/Trainer"), "gs://b/root/tiny/7/Trainer/checkpoint"),
        (of_trainer("/mnt/root/tiny/7/Trainer"), "/mnt/root/tiny/7/Trainer/checkpoint"),
        (of_trainer("s3://other/Trainer"), "s3://other/Trainer/checkpoint"),
    ],
)
@pytest.mark.parametrize("in_place", ["", "gs://"])
def test_the_folder_is_the_same_for_each_pod_of_a_run(message, address, in_place):
    again = json.loads(json.dumps(message).replace(DRAWN, "0" * 8 + DRAWN[8:]))
    another_run = json.loads(json.dumps(message).replace("22222222-", "33333333-"))
    before = copy.deepcopy(opened(message, in_place)[0])
    given, originals = opened(message, in_place)
    assert address_of(given, originals) == address
    assert given == before, "what TFX and the launcher get is as it was"
    assert address_of(*opened(again, in_place)) == address, "the driver ran twice"
    if "2222" in address:
        assert address_of(*opened(another_run, in_place)) != address


@pytest.fixture(params=["path", "s3", "gs"])
def root(request, tmp_path):
    """The address of an empty folder, in real servers."""
    if request.param == "path":
        return str(tmp_path / "root")
    if request.param == "s3":
        import boto3

        endpoint = request.getfixturevalue("s3_endpoint")
        request.getfixturevalue("aws_credentials")
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="ages")
        return f"s3://ages/{RUN}?endpoint={endpoint}"
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    request.getfixturevalue("cloud_storage")
    storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket("ages")
    return "gs://ages/run/Trainer/checkpoint"


def train(folder, epoch, logs=("train",)):
    """Do what a training does at the end of an epoch."""
    for name in logs:
        (folder / "logs" / name).mkdir(parents=True, exist_ok=True)
        with (folder / "logs" / name / "events.1").open("a") as file:
            file.write(f"{epoch} ")
    unfinished = folder / "checkpoint.npz.unfinished"
    unfinished.write_text(f"epoch {epoch}")
    unfinished.replace(folder / "checkpoint.npz")


def in_store(root):
    return {
        entry.name: store.read(kept_training.join(root, entry.name)).decode()
        for entry in store.list(root)
    }


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_another_pod_resumes_from_the_last_epoch_and_leaves_no_files(tmp_path, root, monkeypatch):
    monkeypatch.setattr(kept_training, "_CHECK_SECONDS", 0.01)
    first, second = tmp_path / "first", tmp_path / "second"
    copies = Copies(first, root)
    copies.fetch()
    assert not first.exists()
    with copies.made():
        first.mkdir()
        for epoch in (1, 2):
            train(first, epoch)
            until(lambda: in_store(root).get("checkpoint.npz") == f"epoch {epoch}")  # noqa: B023
    assert in_store(root) == {"checkpoint.npz": "epoch 2", "logs/train/events.1": "1 2 "}
    assert not (first / "checkpoint.npz.copied").exists()

    copies = Copies(second, root)
    copies.fetch()
    assert (second / "checkpoint.npz").read_text() == "epoch 2"
    assert (second / "logs" / "train" / "events.1").read_text() == "1 2 "
    copies.delete()
    assert in_store(root) == {}


def test_a_training_that_fails_has_its_last_epoch_kept(tmp_path):
    root, folder = tmp_path / "root", tmp_path / "pod"
    folder.mkdir()
    with pytest.raises(MemoryError), Copies(folder, str(root)).made():
        train(folder, 1)
        raise MemoryError
    assert in_store(str(root))["checkpoint.npz"] == "epoch 1"


def test_this_pods_checkpoint_is_newer_than_the_copy(tmp_path):
    root, folder = tmp_path / "root", tmp_path / "pod"
    for place, epoch in ((root, 1), (folder, 2)):
        place.mkdir()
        train(place, epoch)
    Copies(folder, str(root)).fetch()
    assert (folder / "checkpoint.npz").read_text() == "epoch 2"


@pytest.mark.parametrize("away", ["path", "s3"])
def test_an_unavailable_store_does_not_end_a_training(tmp_path, away, monkeypatch, caplog, request):
    monkeypatch.setenv("AWS_MAXATTEMPTS", "1")
    request.getfixturevalue("aws_credentials")
    (tmp_path / "file").write_text("no folder")
    root = "s3://ages/run?endpoint=http://127.0.0.1:9" if away == "s3" else f"{tmp_path}/file/root"
    folder = tmp_path / "pod"
    folder.mkdir()
    copies = Copies(folder, root)
    with caplog.at_level("WARNING"):
        copies.fetch()
        with copies.made():
            train(folder, 1)
            until(lambda: "if this pod is lost now, its training progress is lost" in caplog.text)
        copies.delete()
    assert (folder / "checkpoint.npz").read_text() == "epoch 1"
    assert caplog.text.count("if this pod is lost now") == 1, "once an epoch"


def test_only_the_trainer_keeps_a_checkpoint_and_its_folder_is_deleted(tmp_path, monkeypatch):
    monkeypatch.delenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", raising=False)
    message, originals = opened(of_trainer(f"{tmp_path}/root/run/Trainer"))
    with kept_training.kept("Canary", message, originals):
        assert "CUSTOMER_AGE_CHECKPOINT_FOLDER" not in os.environ
    with kept_training.kept("Trainer", message, originals):
        folder = Path(os.environ["CUSTOMER_AGE_CHECKPOINT_FOLDER"])
        assert folder.is_dir()
    assert not folder.exists()
    assert "CUSTOMER_AGE_CHECKPOINT_FOLDER" not in os.environ
    monkeypatch.setenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", str(tmp_path / "of the tries"))
    with kept_training.kept("Trainer", message, originals):
        assert os.environ["CUSTOMER_AGE_CHECKPOINT_FOLDER"] == str(tmp_path / "of the tries")
