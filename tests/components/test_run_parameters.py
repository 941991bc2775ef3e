import pytest

from customer_age.components import run_parameters
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.settings import loading

COMPILED = {"gate": {"max_mae": 8.0, "min_test_photos": 100}, "data": {"batches": []}}


def test_what_a_run_was_started_with_wins():
    applied = run_parameters.applied(
        COMPILED, {"max_mae": 0.1, "batches": "b1, b2,", "run_id": "7"}
    )
    assert applied == {
        "gate": {"max_mae": 0.1, "min_test_photos": 100},
        "data": {"batches": ["b1", "b2"]},
    }
    assert COMPILED["gate"]["max_mae"] == 8.0, "the compiled settings stay as they were"


def test_a_component_is_told_all_parameters_or_none():
    assert run_parameters.overrides({"registry_uri": "mlflow+http://host", "code": "x"}) == {}
    values = {"registry_uri": "a", "epochs": 3}
    properties = {**run_parameters.properties(values), "code": "x"}
    assert run_parameters.overrides(properties) == values


def test_a_run_that_differs_in_a_parameter_has_another_key():
    first = run_parameters.run_key("k", {"max_mae": 8.0, "run_id": "1"})
    assert first == run_parameters.run_key("k", {"max_mae": 8.0, "run_id": "2"})
    assert first != run_parameters.run_key("k", {"max_mae": 7.0, "run_id": "1"})
    assert run_parameters.run_key("k", {"run_id": "1"}) == "k"


def test_every_parameter_has_a_value_of_its_type():
    settings = loading.load("local", ("trainer.epochs=2",), data__path="gs://b/photos")
    values = parameter_values.values(settings, RunKey(data="d"), run_id="r")
    assert values["epochs"] == 2
    assert (values["data_path"], values["data_fingerprint"]) == ("gs://b/photos", "d")
    assert values["run_id"] == "r"
    for name, value in values.items():
        assert isinstance(value, run_parameters.BY_NAME[name].type), name


@pytest.mark.parametrize("parameter", run_parameters.RUN_PARAMETERS, ids=lambda each: each.name)
def test_a_parameter_names_a_setting_that_exists(parameter):
    settings = loading.load("local").model_dump()
    if parameter.setting:
        section, key = parameter.setting.split(".")
        assert key in settings[section]
