import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint
from customer_age.pipeline.doctor import isolated_check, network
from customer_age.pipeline.doctor.finding import Finding, State
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings


def settings_of(work: Path, *overrides: str) -> Settings:
    return loading.load("demo", overrides, work_dir=str(work))


def only(findings: Iterator[Finding]) -> Finding:
    [finding] = findings
    return finding


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_registry_that_does_not_exist_yet(tmp_path: Path) -> None:
    found = only(network.registry(settings_of(tmp_path / "work")))
    assert found.state is State.GOOD
    assert "mlflow.db will be created" in found.result
    assert not (tmp_path / "work").exists()


def test_the_champion_of_a_registry_is_named(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "saved_model.pb").touch()
    settings = settings_of(tmp_path)
    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    registry.publish(Publication(model, saved_model_fingerprint(model), {"mae": 6.5}))
    assert "version 1 is the champion" in only(network.registry(settings)).result


def test_a_broken_registry_is_reported(tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/mlflow.db").write_text("no database")
    found = only(network.registry(settings_of(tmp_path)))
    assert found.state is State.BAD
    assert "registry.uri" in found.advice


def test_a_registry_that_refuses_is_reported(tmp_path: Path, closed_port: int) -> None:
    uri = f"mlflow+http://127.0.0.1:{closed_port}"
    found = only(network.registry(settings_of(tmp_path, f"registry.uri={uri}")))
    assert found.state is State.BAD
    assert "no MLflow server answers" in found.result


def test_a_registry_that_does_not_answer_ends_the_check(tmp_path: Path, silent_port: int) -> None:
    uri = f"kubeflow-registry://127.0.0.1:{silent_port}/age?artifacts=file:///models"
    check = isolated_check.IsolatedCheck("registry", network.registry, seconds=3)
    [found] = isolated_check.run_isolated(check, settings_of(tmp_path, f"registry.uri={uri}"))
    assert found.state is State.BAD
    assert found.result == "no answer within 3 seconds"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, s3_endpoint: str, aws_credentials: None) -> str:
    import boto3

    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    boto3.client("s3").create_bucket(Bucket="shop")
    boto3.client("s3").put_object(Bucket="shop", Key="photos/labels.csv", Body=b"file_name,age\n")
    return "s3://shop"


def test_a_bucket_that_answers_and_one_that_does_not_exist(tmp_path: Path, bucket: str) -> None:
    artifacts = f"kubeflow-registry://localhost:1/age?artifacts={bucket}/models"
    settings = settings_of(tmp_path, f"data.path={bucket}/photos", f"registry.uri={artifacts}")
    empty, holding = network.object_stores(settings)
    assert (empty.state, holding.state) == (State.GOOD, State.GOOD)
    assert empty.result == "s3://shop/models answers, and is empty"
    assert holding.result == "s3://shop/photos answers"
    for address, expected in (
        ("s3://other/photos", "NoSuchBucket"),
        (f"{bucket}/faces", "is empty"),
    ):
        found = only(network.object_stores(settings_of(tmp_path, f"data.path={address}")))
        assert found.state is State.BAD
        assert address in found.result
        assert expected in found.result


def test_a_store_that_refuses_is_reported(
    tmp_path: Path, bucket: str, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found = only(network.object_stores(settings_of(tmp_path, f"data.path={bucket}/photos")))
    assert found.state is State.BAD
    assert "credentials" in found.advice


def test_stores_are_found_anywhere_in_the_settings() -> None:
    named = {
        "data": {"path": "gs://shop/photos", "kept": ["/a/folder", "s3://other"]},
        "registry": {"uri": "vertex://p/r/m?staging=gs://bucket/folder"},
        "epochs": 3,
    }
    assert network.store_addresses(named) == {
        "gs://shop/photos",
        "s3://other",
        "gs://bucket/folder",
    }


def test_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(network, "WEIGHTS_ADDRESS", f"http://127.0.0.1:{closed_port}/weights.h5")

    def check(weights: str) -> Finding:
        return only(network.weights(settings_of(tmp_path, f"trainer.weights={weights}")))

    assert check("none").state is State.ABSENT
    assert check("champion").state is State.ABSENT
    assert check(str(tmp_path / "none.weights.h5")).state is State.BAD
    (tmp_path / "some.weights.h5").touch()
    assert check(str(tmp_path / "some.weights.h5")).state is State.GOOD
    unreachable = check("imagenet")
    assert unreachable.state is State.BAD
    assert str(tmp_path / "keras/models" / network.WEIGHTS) in unreachable.advice
    (tmp_path / "keras/models").mkdir(parents=True)
    (tmp_path / "keras/models" / network.WEIGHTS).touch()
    assert check("imagenet").state is State.GOOD


@pytest.mark.slow
def test_the_weights_are_searched_where_keras_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras
    from keras.src.applications import resnet

    requested = {}

    def refuse(name: str, address: str, **how: str) -> None:
        requested.update(how, name=name, address=address)
        raise ConnectionError

    monkeypatch.setattr(resnet.file_utils, "get_file", refuse)
    with pytest.raises(ConnectionError):
        keras.applications.ResNet50(include_top=False, weights="imagenet")
    assert (requested["name"], requested["address"]) == (network.WEIGHTS, network.WEIGHTS_ADDRESS)
    assert requested["cache_subdir"] == "models"
