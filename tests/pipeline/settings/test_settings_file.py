import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.settings import loading, settings_file

ODD = 'data.split_key="a\\u0085 # : \\u2028 off 😀"'
RATE = "trainer.learning_rate=1e-5"
SECRETS = "cluster.secret_environment=[{secret: keys, variables: {a-key: A_VARIABLE}}]"
LABELS = "trainer.gpu={node_selector: {cloud.google.com/gpu: 'true'}, tolerations: []}"


@pytest.mark.parametrize("config", loading.config_names())
@pytest.mark.parametrize("overrides", [(), (ODD, RATE), (SECRETS, LABELS, "tuner.dropout=null")])
def test_a_written_file_is_read_as_the_same_settings(config, overrides, tmp_path):
    settings = loading.load(config, overrides, data__path="photos")
    file = tmp_path / "written.yaml"
    file.write_text(settings_file.text_of(settings, "in two\nlines"), encoding="utf-8")
    assert file.read_text().startswith("# in two\n# lines\n")
    assert loading.load(str(file)) == settings


def test_only_changed_settings_are_written():
    text = settings_file.text_of(loading.load("local", (RATE,), work_dir="/w"), "")
    assert text == "work_dir: /w\ntrainer:\n  learning_rate: 1e-05\n"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("tuner.dropout=[0.5]", "tuner.dropout.1: is required, but is missing"),
        ("tuner.dropout=[0.1, 0.2, 0.3]", "must have at most 2 entries, not 3"),
        ("tuner.learning_rate=[0, 1]", "tuner.learning_rate.0: must be above 0, not 0"),
        ("tuner.weight_decay=1", "must be a list, for example [a, b]; it is a number"),
        ("tuner.dropout=[0.3, 0.3]", "the lowest value, 0.3, must be below the highest, 0.3"),
    ],
)
def test_a_range_is_two_numbers_in_order(override, expected):
    with pytest.raises(SettingsError) as refused:
        loading.load("local", (override,))
    assert expected in str(refused.value)
