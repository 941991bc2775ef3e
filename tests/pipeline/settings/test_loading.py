import pytest
import yaml

from customer_age.errors import SettingsError
from customer_age.pipeline.settings import loading


@pytest.fixture
def config(tmp_path):
    def write(**content):
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump(content))
        return str(file)

    return write


@pytest.mark.parametrize("name", loading.config_names())
def test_every_settings_file_that_comes_with_the_project_is_valid(name):
    assert loading.load(name).gate.max_mae == 8.0, "the gate is the user's, not a config's"


def test_the_command_line_wins_over_the_file(config):
    file = config(trainer={"epochs": 7, "batch_size": 8})
    loaded = loading.load(file, ("trainer.epochs=3", "data.jpeg_quality=80"))
    assert loaded.trainer.epochs == 3
    assert loaded.trainer.batch_size == 8
    assert loaded.data.jpeg_quality == 80


def test_paths_are_kept_for_wherever_the_run_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = loading.load("local", data__path="photos", trainer__weights="w.weights.h5")
    assert loaded.data.path == str(tmp_path / "photos")
    assert loaded.trainer.weights == str(tmp_path / "w.weights.h5")
    assert loaded.work_dir == str(tmp_path / "work")
    assert loading.load("local", data__path="s3://bucket/a").data.path == "s3://bucket/a"


def test_every_wrong_setting_is_named_at_once(config):
    with pytest.raises(SettingsError) as raised:
        loading.load(config(trainer={"epochs": 0}, gate={"max_mae": "low"}))
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["trainer.epochs", "gate.max_mae"]


@pytest.mark.parametrize("text", ["a: [1", "- a\n- b", "\x00"])
def test_a_file_that_holds_no_settings_is_named(tmp_path, text):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="settings.yaml: "):
        loading.load(str(file))


def test_an_unknown_config_is_named_beside_the_known_ones():
    with pytest.raises(SettingsError, match=r"--config locl: .*appa_real, .*local"):
        loading.load("locl")
