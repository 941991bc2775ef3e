from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.components.artifacts.ingestion import Ingestion, write_ingestion
from customer_age.components.champion import Champion
from customer_age.errors import DataRefused, SettingsError
from customer_age.model_registry import (
    DEAL,
    Publication,
    baseline_for,
    open_registry,
    saved_model_fingerprint,
)
from customer_age.schema import features
from customer_age.schema.split_deal import Deal

DEALT = Deal(base="persons", split_key="a", split_shares="0.8,0.1,0.1", person_key="b")

WriteExamples = Callable[..., standard_artifacts.Examples]


def example(age: float) -> bytes:
    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    feature = {
        features.IMAGE_ENCODED: text("no photo: nobody looks at it"),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: text("25-34"),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


@pytest.fixture
def write_examples(tmp_path: Path) -> WriteExamples:
    """An `Examples` artifact, from the ages in the shards of its train split, and its test ages."""

    def write(
        *train: Sequence[float], test: Sequence[float] = (30,), deal: Deal | None = None
    ) -> standard_artifacts.Examples:
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / "examples")
        examples.split_names = artifact_utils.encode_split_names(["train", "test"])
        for split, shards in (("train", train), ("test", [test])):
            folder = tmp_path / "examples" / f"Split-{split}"
            folder.mkdir(parents=True)
            for number, ages in enumerate(shards):
                file = str(folder / f"data_tfrecord-{number:05d}-of-{len(shards):05d}.gz")
                with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
                    for age in ages:
                        writer.write(example(age))
        write_ingestion(
            examples.uri, Ingestion(rows=1, photos={}, refused={}, seconds=1, deal=deal or DEALT)
        )
        return examples

    return write


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"mlflow+sqlite:///{tmp_path}/registry/mlflow.db"


def champion_of(
    examples: standard_artifacts.Examples, uri: str, folder: Path
) -> standard_artifacts.Model:
    model = standard_artifacts.Model()
    model.uri = str(folder)
    folder.mkdir()
    properties = {
        "registry_uri": uri,
        "model_name": "customer-age",
        "baseline": "none",
        "code": "",
    }
    executor = Champion.EXECUTOR_SPEC.executor_class()
    executor.Do({"examples": [examples]}, {"model": [model]}, properties)
    return model


def test_without_a_champion_it_returns_the_median_of_train(uri, write_examples, tmp_path):
    examples = write_examples([20, 30], [41, 90], test=[99])
    model = champion_of(examples, uri, tmp_path / "model")
    assert model.get_string_custom_property("kind") == "median"
    assert model.get_string_custom_property("version") == ""
    loaded = tf.saved_model.load(path_utils.serving_model_dir(model.uri))
    photos = loaded.signatures["serving_default"](image_bytes=tf.constant([b"a", b"b", b"c"]))
    assert photos["age"].dtype == tf.float32
    assert photos["age"].numpy().tolist() == [35.5, 35.5, 35.5]
    nothing = loaded.signatures["serving_examples"](examples=tf.constant([], tf.string))
    assert nothing["age"].shape == [0]
    assert not (tmp_path / "registry").exists(), "looking makes nothing"


def test_an_empty_train_split_is_reported(uri, write_examples, tmp_path):
    with pytest.raises(DataRefused, match="Split-train has no examples"):
        champion_of(write_examples([]), uri, tmp_path / "model")


def test_the_champion_is_fetched_and_keys_the_cache(uri, write_examples, tmp_path):
    first = tmp_path / "first"
    (first / "variables").mkdir(parents=True)
    (first / "saved_model.pb").write_bytes(b"graph")
    (first / "variables" / "variables.index").write_bytes(b"index")
    registry = open_registry(uri, "customer-age")
    assert baseline_for(registry, "the first run") == "none"
    registry.publish(
        Publication(first, saved_model_fingerprint(first), {"mae": 7.0}, {"run_key": "first"})
    )
    model = champion_of(write_examples([30]), uri, tmp_path / "model")
    assert model.get_string_custom_property("kind") == "champion"
    assert model.get_string_custom_property("version") == "1"
    fetched = Path(path_utils.serving_model_dir(model.uri))
    assert saved_model_fingerprint(fetched) == saved_model_fingerprint(first)

    assert baseline_for(registry, "first") == "none", "the same run again, as it was"
    assert baseline_for(registry, "another") == "1"
    (first / "saved_model.pb").write_bytes(b"another graph")
    registry.publish(
        Publication(
            first,
            saved_model_fingerprint(first),
            {"mae": 6.0},
            {"run_key": "second"},
            baseline_version="1",
        )
    )
    assert baseline_for(registry, "second") == "1"
    assert baseline_for(registry, "first") == "2"


def publish(folder: Path, uri: str, tags: dict[str, str]) -> None:
    (folder / "saved_model.pb").write_bytes(b"graph")
    fingerprint = saved_model_fingerprint(folder)
    open_registry(uri, "customer-age").publish(Publication(folder, fingerprint, {"mae": 7.0}, tags))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"split_key": "c"}, r"\(data.split_key\)"),
        ({"split_shares": "0.6,0.2,0.2"}, r"\(data.split_shares\)"),
        ({"person_key": "c"}, r"\(data.person_key_file\)"),
        ({"base": "official"}, r"\(the base set's own splits and persons\)"),
    ],
)
def test_a_champion_with_another_assignment_of_splits_is_refused(
    uri, write_examples, tmp_path, changed, named
):
    folder = tmp_path / "first"
    folder.mkdir()
    publish(folder, uri, {DEAL: DEALT.model_copy(update=changed).model_dump_json()})
    refusal = (
        rf"^the champion, version 1, .* another assignment of people to splits {named}.*"
        r"Restore the former value, or set another registry.model_name to start without a champion$"
    )
    with pytest.raises(SettingsError, match=refusal):
        champion_of(write_examples([30]), uri, tmp_path / "model")


@pytest.mark.parametrize("tags", [{}, {DEAL: DEALT.model_dump_json()}], ids=["none", "the same"])
def test_a_champion_without_a_record_is_accepted_with_a_warning(
    uri, write_examples, tmp_path, tags, caplog
):
    folder = tmp_path / "first"
    folder.mkdir()
    publish(folder, uri, tags)
    model = champion_of(write_examples([30]), uri, tmp_path / "model")
    assert model.get_string_custom_property("version") == "1"
    warnings = [line for line in caplog.messages if "no record of how people were assigned" in line]
    assert len(warnings) == (not tags)
