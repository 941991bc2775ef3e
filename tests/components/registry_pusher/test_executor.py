"""Champion, Evaluator and RegistryPusher in a row, as the graph runs them; nothing is faked."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from tfx import types
from tfx.components.infra_validator import executor as infra_validator
from tfx.components.pusher.executor import Executor as StockPusher
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.components.artifacts.ingestion import Ingestion, write_ingestion
from customer_age.components.artifacts.training import Training
from customer_age.components.champion import Champion
from customer_age.components.evaluator import component
from customer_age.components.registry_pusher.component import RegistryPusher
from customer_age.components.registry_pusher.executor import Executor
from customer_age.components.registry_pusher.lineage import Lineage
from customer_age.components.run_parameters import RunParameters, run_key, to_properties
from customer_age.errors import SettingsError
from customer_age.model_registry import open_registry, saved_model_fingerprint
from customer_age.schema import features

TRAINING = Training(
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

STARTED = RunParameters(
    data_path="gs://b/photos",
    batches="b1,b2",
    data_fingerprint="of the run",
    epochs=9,
    learning_rate=0.001,
    max_mae=7.0,
    min_test_photos=20,
    champion_tolerance=0.5,
    registry_uri="mlflow+http://host",
    run_id="spring",
)

AGES = {"train": [20.0, 30, 40, 50, 60], "valid": [35.0], "test": [22.0, 30, 41, 55, 63] * 4}


class WrongByYears(tf.Module):
    """Knows the age from the label, and is wrong by so many years."""

    def __init__(self, years: float):
        super().__init__()
        self.years = tf.constant(years)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        label = {features.REAL_AGE: tf.io.FixedLenFeature([], tf.float32)}
        return {"age": tf.io.parse_example(examples, label)[features.REAL_AGE] + self.years}


class Graph:
    """One folder with a registry, and runs of the three components in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.uri = f"mlflow+sqlite:///{folder}/registry/mlflow.db"
        self.registry = open_registry(self.uri, "customer-age")
        self.examples = _examples(folder / "examples")

    def new(self, artifact_type: type, name: str) -> types.Artifact:
        artifact = artifact_type()
        artifact.uri = str(self.folder / name)
        Path(artifact.uri).mkdir()
        return artifact

    def run(
        self,
        name: str,
        wrong_by: float,
        fit: bool | None = None,
        started_with: RunParameters | None = None,
    ) -> types.Artifact:
        """Train a model that is wrong by so many years, evaluate it and publish it.

        `fit` is what the Canary finds, if it is part of the run.
        """
        (self.folder / name).mkdir()
        baseline = self.new(standard_artifacts.Model, f"{name}/baseline")
        Champion.test_call(
            examples=self.examples,
            model=baseline,
            registry_uri=self.uri,
            model_name="customer-age",
            baseline="none",
            code="",
        )
        model = self.new(standard_artifacts.Model, f"{name}/model")
        network = WrongByYears(wrong_by)
        tf.saved_model.save(
            network, path_utils.serving_model_dir(model.uri), {"serving_examples": network.serve}
        )
        measured = self.new(standard_artifacts.ModelEvaluation, f"{name}/evaluation")
        blessing = self.new(standard_artifacts.ModelBlessing, f"{name}/blessing")
        _evaluator(self.folder).Do(
            {"examples": [self.examples], "model": [model], "baseline_model": [baseline]},
            {"evaluation": [measured], "blessing": [blessing]},
            {
                "max_mae": 8.0,
                "min_test_photos": 20,
                "champion_tolerance": 0.2,
                "example_splits": '["test"]',
                "fairness_indicator_thresholds": "null",
            },
        )
        model_run = self.new(standard_artifacts.ModelRun, f"{name}/model_run")
        (Path(model_run.uri) / "training.json").write_text(TRAINING.model_dump_json())
        inputs = {
            "model": [model],
            "model_blessing": [blessing],
            "evaluation": [measured],
            "examples": [self.examples],
            "baseline": [baseline],
            "model_run": [model_run],
        }
        if fit is not None:
            infra_blessing = self.new(standard_artifacts.InfraBlessing, f"{name}/infra_blessing")
            mark = infra_validator._mark_blessed if fit else infra_validator._mark_not_blessed
            mark(infra_blessing)
            inputs["infra_blessing"] = [infra_blessing]
        return self.push(name, inputs, started_with=started_with)

    def push(
        self,
        name: str,
        inputs: dict[str, list[types.Artifact]],
        run_id: str = "first",
        started_with: RunParameters | None = None,
    ) -> types.Artifact:
        """Publish what was evaluated."""
        self.inputs = inputs
        pushed = self.new(standard_artifacts.PushedModel, f"{name}/pushed-{run_id}")
        Executor().Do(
            inputs,
            {"pushed_model": [pushed]},
            {
                "registry_uri": self.uri,
                "model_name": "customer-age",
                "lineage": lineage(name).model_dump_json(),
                "run_id": run_id,
                **to_properties(started_with),
            },
        )
        return pushed


def lineage(run_key: str) -> Lineage:
    return Lineage(
        run_key=run_key,
        data_fingerprint="compiled",
        weights_fingerprint="none",
        code_version="c0de",
        tfx_version="1.16.0",
        settings={"trainer": {"epochs": 3, "seed": 7}, "data": {"batches": []}},
    )


def _evaluator(folder: Path) -> component.Executor:
    return component.Executor(
        base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=["--direct_num_workers=1", "--sdk_container_image=none"],
            tmp_dir=str(folder / "tmp"),
            unique_id="1",
        )
    )


def _examples(folder: Path) -> types.Artifact:
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names(list(AGES))
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    for split, ages in AGES.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        file = str(folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz")
        with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
            for age in ages:
                writer.write(_example(age))
    photos = {split: len(ages) for split, ages in AGES.items()}
    write_ingestion(
        str(folder), Ingestion(rows=27, photos=photos, refused={"unreadable": 1}, seconds=1.5)
    )
    return examples


def _example(age: float) -> bytes:
    group = b"0-39" if age < 40 else b"40+"
    feature = {
        features.IMAGE_ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"photo"])),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: tf.train.Feature(bytes_list=tf.train.BytesList(value=[group])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _properties(pushed: types.Artifact) -> Sequence[object]:
    return (
        pushed.get_int_custom_property("pushed"),
        pushed.get_string_custom_property("pushed_version"),
        pushed.get_string_custom_property("pushed_destination"),
        pushed.get_int_custom_property("champion"),
    )


@pytest.mark.slow
def test_the_gate_decides_which_models_are_published(tmp_path):
    graph = Graph(tmp_path)
    assert _properties(graph.run("useless", wrong_by=20.0)) == (0, "", "", 0)
    assert not (tmp_path / "registry").exists()

    assert _properties(graph.run("unfit", wrong_by=2.0, fit=False)) == (0, "", "", 0)
    assert not (tmp_path / "registry").exists(), "blessed only by the Evaluator"

    good = graph.run("good", wrong_by=2.0, fit=True)
    assert _properties(good) == (1, "1", "models:/customer-age/1", 1)
    version = graph.registry.champion()
    assert version.metrics["mae"] == pytest.approx(2.0)
    assert version.metrics["bias"] == pytest.approx(2.0)
    assert version.metrics["photos"] == 20
    assert version.metrics["photos/40+"] == 12
    # The median of train is 40 years: the test ages are 18, 10, 1, 15 and 23 years from it.
    assert version.metrics["baseline_mae"] == pytest.approx(13.4)
    assert version.tags["baseline_kind"] == "median"
    assert version.tags["photos_train"] == "5"
    assert version.tags["run_id"] == "first"
    again = graph.push("good", graph.inputs, run_id="second")
    assert _properties(again) == _properties(good), "the same model is the same version"
    found = graph.registry.champion()
    assert found.tags["run_id"] == "first", "it is the version of the run that made it"
    assert [found.came_from(each) for each in ("first", "second", "third")] == [True, True, False]
    assert version.settings == {
        "trainer.epochs": "3",
        "trainer.seed": "7",
        "data.batches": "[]",
    }
    assert (version.tags["run_key"], version.tags["data_fingerprint"]) == ("good", "compiled")
    published = saved_model_fingerprint(tmp_path / "good" / "model" / "Format-Serving")
    assert version.tags["fingerprint"] == published

    assert _properties(graph.run("worse", wrong_by=3.0)) == (0, "", "", 0)
    assert _properties(graph.run("better", wrong_by=1.0, started_with=STARTED))[1] == "2"
    second = graph.registry.champion()
    assert second.settings["data.batches"] == '["b1", "b2"]'
    assert second.settings["trainer.epochs"] == "9"
    assert second.tags["data_fingerprint"] == "of the run"
    assert second.tags["run_key"] == run_key("better", STARTED)
    assert second.version == "2"
    assert second.metrics["baseline_mae"] == pytest.approx(2.0), "measured against version 1"
    assert second.tags["baseline_version"] == "1"
    assert "version 1, the champion at that time, had an MAE of 2.00 years" in second.description


def test_it_is_a_tfx_pusher_that_keeps_passwords_out_of_the_metadata():
    assert issubclass(Executor, StockPusher)
    channels = {
        "model": types.Channel(type=standard_artifacts.Model),
        "model_blessing": types.Channel(type=standard_artifacts.ModelBlessing),
        "evaluation": types.Channel(type=standard_artifacts.ModelEvaluation),
        "examples": types.Channel(type=standard_artifacts.Examples),
        "baseline": types.Channel(type=standard_artifacts.Model),
        "model_run": types.Channel(type=standard_artifacts.ModelRun),
    }
    given = {"model_name": "customer-age", "lineage": lineage("key")}
    pusher = RegistryPusher(**channels, **given, registry_uri="mlflow+https://host")
    assert Lineage.model_validate_json(pusher.exec_properties["lineage"]) == lineage("key")
    assert "infra_blessing" not in pusher.inputs
    infra_blessing = types.Channel(type=standard_artifacts.InfraBlessing)
    wired = RegistryPusher(
        **channels, **given, registry_uri="mlflow+https://host", infra_blessing=infra_blessing
    )
    assert "infra_blessing" in wired.inputs
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_PASSWORD"):
        RegistryPusher(**channels, **given, registry_uri="mlflow+https://anna:s3cret@host")


def test_a_version_records_the_parameters_of_its_run():
    compiled = lineage("key")
    assert compiled.of_run(None) == compiled
    started = compiled.of_run(STARTED)
    assert started.settings == {
        "trainer": {"epochs": 9, "seed": 7, "learning_rate": 0.001},
        "data": {"batches": ("b1", "b2"), "path": "gs://b/photos"},
        "gate": {"max_mae": 7.0, "min_test_photos": 20, "champion_tolerance": 0.5},
        "registry": {"uri": "mlflow+http://host"},
    }
    assert compiled.settings["trainer"]["epochs"] == 3, "what was compiled stays the same"
    assert started.tags() == {
        "run_key": run_key("key", STARTED),
        "data_fingerprint": "of the run",
        "weights_fingerprint": "none",
        "code_version": "c0de",
        "tfx_version": "1.16.0",
    }
