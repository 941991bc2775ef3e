"""The pipeline of `customer-age tune` for clusters."""

import json

import kfp.components
import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from customer_age.errors import SettingsError
from customer_age.kubeflow.compiling import compiler, target_support
from customer_age.pipeline.settings import loading

CLUSTER = ("cluster.image=r/i:1", "cluster.pipeline_root=gs://bucket/root")
GPU = ("trainer.gpu={count: 2, node_selector: {kind: t4}}", "cluster.resources.Trainer.cpu=8")
TASKS = {
    *("PhotoSchema", "PhotoExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Tuner"),
}


def settings_of(*overrides):
    return loading.load("local", (*CLUSTER, *overrides))


def config_of(spec):
    parameters = spec["root"]["dag"]["tasks"]["Tuner"]["inputs"]["parameters"]
    return json.loads(parameters["custom_config"]["runtimeValue"]["constant"])


@pytest.fixture(scope="module")
def kubeflow():
    return compiler.compile_kubeflow(settings_of(*GPU, "tuner.minutes=90"), "tune")


def test_it_ends_with_the_best_hyperparameters(kubeflow):
    spec, _ = yaml.safe_load_all(kubeflow)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())  # unknown fields are errors
    assert kfp.components.load_component_from_text(kubeflow).name == "customer-age-tune"
    assert set(spec["root"]["dag"]["tasks"]) == TASKS
    task = spec["root"]["dag"]["tasks"]["Tuner"]
    assert "DataGate" in task["dependentTasks"]
    assert set(spec["root"]["inputDefinitions"]["parameters"]) == {
        *("data_path", "batches", "data_fingerprint"),
    }
    outputs = spec["components"]["Tuner"]["outputDefinitions"]["artifacts"]
    assert {"best_hyperparameters", "tuner_results"} == set(outputs)
    config = config_of(spec)
    assert (config["minutes"], config["epochs"]) == (90, 10)
    assert config["ranges"]["dropout"] == [0.0, 0.6]
    assert config["trials_folder"] == "gs://bucket/root/tuning"
    elsewhere = settings_of("cluster.pipeline_root=minio://bucket/root")
    document = compiler.compile_kubeflow(elsewhere, "tune")
    assert config_of(next(yaml.safe_load_all(document)))["trials_folder"] == ""


def test_the_tuner_gets_what_the_trainer_would(kubeflow):
    spec, platform = yaml.safe_load_all(kubeflow)
    container = spec["deploymentSpec"]["executors"]["Tuner_executor"]["container"]
    assert container["resources"]["accelerator"]["resourceCount"] == "2"
    assert container["resources"]["resourceCpuLimit"] == "8"
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["Tuner_executor"]["nodeSelector"]["labels"] == {"kind": "t4"}
    own = settings_of(*GPU, "cluster.resources.Tuner.cpu=3").cluster
    assert (own.resources_of("Tuner").cpu, own.resources_of("Trainer").cpu) == ("3", "8")


def test_a_search_from_the_champion_needs_a_registry():
    champion = ("trainer.weights=champion", "registry.uri=mlflow+http://registry:5000")
    job = json.loads(compiler.compile_vertex(settings_of(*champion), "tune"))
    spec = job["pipelineSpec"]
    assert set(spec["root"]["dag"]["tasks"]) == {*TASKS, "Champion"}
    assert "base_model" in spec["root"]["dag"]["tasks"]["Tuner"]["inputs"]["artifacts"]
    with pytest.raises(
        SettingsError, match=r"registry\.uri: is not set; set it to a model registry"
    ):
        target_support.check(settings_of(champion[0]), "vertex", "tune")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("tuner.minutes=360", "are not less than cluster.timeout_seconds"),
        (f"name={'a' * 60}", "longer than 63 letters"),
        ("tuner={learning_rate: null, weight_decay: null, dropout: null}", "nothing to tune"),
    ],
)
def test_settings_that_a_cluster_cannot_use_are_refused_in_one_line(override, expected):
    with pytest.raises(SettingsError, match=expected):
        target_support.check(settings_of(override), "kubeflow", "tune")


def test_a_compiled_run_does_not_contain_it():
    run = compiler.compile_kubeflow(settings_of("registry.uri=mlflow+http://registry:5000"))
    assert "Tuner" not in run
