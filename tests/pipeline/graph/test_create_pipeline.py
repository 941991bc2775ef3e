import json

import pytest
from tfx.dsl.compiler import compiler

from customer_age.errors import SettingsError
from customer_age.pipeline.graph import create_pipeline
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.settings import loading


def _nodes(*overrides, launch=None):
    settings = loading.load("local", overrides, data__path="photos")
    compiled = compiler.Compiler().compile(create_pipeline.create_pipeline(settings, launch))
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in compiled.nodes}


@pytest.fixture(scope="module")
def nodes():
    return _nodes()


def test_the_graph_is_the_documented_one(nodes):
    assert list(nodes) == [
        "PhotoExampleGen", "PhotoSchema", "StatisticsGen", "ExampleValidator", "DataGate",
        "Champion", "Trainer", "Evaluator", "Canary", "RegistryPusher", "RunReport",
    ]  # fmt: skip


def test_the_photos_are_read_where_they_are(nodes):
    node = nodes["PhotoExampleGen"]
    assert node.parameters.parameters["data_path"].field_value.string_value.endswith("/photos")
    assert not node.inputs.inputs
    assert set(node.outputs.outputs) == {"examples", "data_set"}


def test_no_training_or_evaluation_before_the_data_passed(nodes):
    for node_id in ("Champion", "Trainer"):
        assert "DataGate" in nodes[node_id].upstream_nodes, node_id


def test_only_the_evaluator_reads_the_test_split(nodes):
    parameters = nodes["Trainer"].parameters.parameters
    assert '"train"' in parameters["train_args"].field_value.string_value
    assert '"valid"' in parameters["eval_args"].field_value.string_value
    splits = nodes["Evaluator"].parameters.parameters["example_splits"].field_value.string_value
    assert splits == '["test"]'


def test_only_models_that_the_canary_blessed_are_published(nodes):
    assert "Canary" in nodes["RegistryPusher"].upstream_nodes
    [channel] = nodes["RegistryPusher"].inputs.inputs["infra_blessing"].channels
    assert channel.producer_node_query.id == "Canary"
    assert channel.output_key == "blessing"
    limits = _nodes("canary.max_memory_mb=77")["Canary"].parameters.parameters
    assert limits["max_memory_mb"].field_value.int_value == 77


def test_how_photos_are_stored_goes_to_the_served_graph_and_its_canary():
    """Otherwise a model would be served with other photos than it is evaluated on."""
    nodes = _nodes("data.stored_size=77", "data.min_size=33", "data.jpeg_quality=88")
    expected = {"stored_size": 77, "min_size": 33, "jpeg_quality": 88}
    config = nodes["Trainer"].parameters.parameters["custom_config"].field_value.string_value
    assert json.loads(config)["photo_spec"] == expected
    spec = nodes["Canary"].parameters.parameters["photo_spec"].field_value.string_value
    assert json.loads(spec) == expected


def test_the_key_of_splits_goes_to_ingestion_and_where_settings_are_recorded():
    """The split key assigns splits and is not secret; the person key is."""
    nodes_with_key = {
        node_id
        for node_id, node in _nodes("data.split_key=s3cret").items()
        if "s3cret" in str(node)
    }
    assert nodes_with_key == {"PhotoExampleGen", "RegistryPusher", "RunReport"}


def test_the_champion_s_weights_are_used_only_on_request(nodes):
    assert "base_model" not in nodes["Trainer"].inputs.inputs
    assert "base_model" in _nodes("trainer.weights=champion")["Trainer"].inputs.inputs


def test_what_the_runner_knows_reaches_the_nodes_that_depend_on_it(nodes):
    launch = create_pipeline.Launch(RunKey("s", "d", "w", "c"), baseline_version="7")
    launched = _nodes(launch=launch)
    changed = {
        node_id
        for node_id, node in launched.items()
        if (node.parameters, node.outputs) != (nodes[node_id].parameters, nodes[node_id].outputs)
    }
    assert changed == {
        "PhotoExampleGen",
        "Champion",
        "Trainer",
        "RegistryPusher",
        "RunReport",
    }


def test_a_password_does_not_get_into_the_metadata():
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_PASSWORD"):
        _nodes("registry.uri=mlflow+https://anna:s3cret@host")
