import dataclasses

import pytest

from customer_age.components import run_parameters
from customer_age.components.run_parameters import ABOUT, TYPES, RunParameters
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.settings import loading

COMPILED = {"gate": {"max_mae": 8.0, "age_groups": ["0+"]}, "data": {"batches": []}, "name": "a"}


@pytest.fixture(scope="module")
def settings():
    said = ("trainer.epochs=2", "data.batches=[b2, b1]", "data.inbox=gs://b/inbox")
    return loading.load("local", said, data__path="gs://b/photos")


@pytest.fixture
def parameters(settings) -> RunParameters:
    return parameter_values.fixed(settings, RunKey(data="d"), run_id="r")


def test_a_run_is_started_with_its_settings(parameters):
    assert parameters == RunParameters(
        data_path="gs://b/photos",
        batches="b1,b2",
        data_fingerprint="d",
        epochs=2,
        learning_rate=0.0005,
        max_mae=8.0,
        min_test_photos=100,
        champion_tolerance=0.2,
        registry_uri=parameters.registry_uri,
        run_id="r",
    )
    assert parameters.registry_uri.startswith("mlflow+sqlite:////"), "the default one, resolved"
    for name, value in vars(parameters).items():
        assert type(value) is TYPES[name], name


@pytest.mark.parametrize("name", ABOUT)
def test_a_setting_survives_the_way_through_a_parameter(name, settings):
    if not ABOUT[name].setting:
        assert name in ("data_fingerprint", "run_id"), "the runner's"
        return
    section, key = ABOUT[name].setting.split(".")
    value = getattr(run_parameters.from_settings(settings, data_fingerprint="", run_id=""), name)
    said = {section: {key: getattr(getattr(settings, section), key)}}
    assert run_parameters.to_settings({name: value}) == said


def test_the_parameters_of_a_run_override_the_settings(parameters):
    started = dataclasses.replace(parameters, max_mae=0.1, batches="b1, b2,", registry_uri="")
    applied = run_parameters.applied(COMPILED, started)
    assert applied == {
        "name": "a",
        "gate": {
            "max_mae": 0.1,
            "min_test_photos": 100,
            "champion_tolerance": 0.2,
            "age_groups": ["0+"],
        },
        "data": {"path": "gs://b/photos", "batches": ("b1", "b2")},
        "trainer": {"epochs": 2, "learning_rate": 0.0005},
        "registry": {"uri": None},
    }
    assert COMPILED["gate"]["max_mae"] == 8.0, "the compiled settings stay as they were"


def test_a_component_gets_all_parameters_or_none(parameters):
    local = {"registry_uri": "mlflow+http://host", "code": "x"}
    assert run_parameters.to_properties(None) == {}
    assert run_parameters.from_properties(local) is None
    properties = run_parameters.to_properties(parameters)
    assert set(properties) == set(run_parameters.optional_parameters())
    assert run_parameters.from_properties({**local, **properties}) == parameters
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'epochs'"):
        run_parameters.from_properties({**properties, "run_parameter_epochs": None})


def test_a_run_that_differs_in_a_parameter_has_another_key(parameters):
    def key(**changed):
        return run_parameters.run_key("k", dataclasses.replace(parameters, **changed))

    assert key() == key(run_id="another")
    assert len({key(), key(max_mae=7.0), key(batches="b1"), key(data_path="gs://b/other")}) == 4
    assert key() != run_parameters.run_key("j", parameters)


def test_a_pipeline_that_is_compiled_has_an_input_for_each(settings, parameters):
    inputs = parameter_values.pipeline_inputs(settings)
    for name, runtime in vars(inputs).items():
        assert (runtime.name, runtime.ptype) == (name, TYPES[name])
        unknown = name in ("data_fingerprint", "run_id")
        assert runtime.default == ("" if unknown else getattr(parameters, name))
