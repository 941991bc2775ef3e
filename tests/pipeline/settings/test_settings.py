import pytest
import yaml

from customer_age.errors import SettingsError
from customer_age.pipeline.settings import settings as settings_files


@pytest.fixture
def config(tmp_path):
    def write(**content):
        file = tmp_path / "settings.yaml"
        file.write_text(yaml.safe_dump(content))
        return str(file)

    return write


@pytest.mark.parametrize("name", settings_files.config_names())
def test_every_settings_file_that_comes_with_the_project_is_valid(name):
    assert settings_files.load(name).gate.max_mae == 8.0, "the gate is the user's, not a config's"


def test_the_command_line_wins_over_the_file(config):
    file = config(trainer={"epochs": 7, "batch_size": 8})
    loaded = settings_files.load(file, ("trainer.epochs=3", "data.jpeg_quality=80"))
    assert loaded.trainer.epochs == 3
    assert loaded.trainer.batch_size == 8
    assert loaded.data.jpeg_quality == 80


def test_paths_are_kept_for_wherever_the_run_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = settings_files.load("local", data__path="photos", trainer__weights="w.weights.h5")
    assert loaded.data.path == str(tmp_path / "photos")
    assert loaded.trainer.weights == str(tmp_path / "w.weights.h5")
    assert loaded.work_dir == str(tmp_path / "work")
    assert settings_files.load("local", data__path="s3://bucket/a").data.path == "s3://bucket/a"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("trainer.epoch=3", "trainer.epoch: no such setting (there are: weights, input_size,"),
        ("trainr.epochs=3", "trainr: no such setting (there are: name, work_dir, data, trainer"),
        ("trainer.epochs=three", "trainer.epochs: input should be a valid integer"),
        ("trainer.epochs=0", "trainer.epochs: input should be greater than or equal to 1, not 0"),
        ("gate.max_mae=-1", "gate.max_mae: input should be greater than 0, not -1"),
        ("gate.max_mae=.nan", "gate.max_mae: input should be a finite number"),
        (
            "data.split_shares.test=0.5",
            "data.split_shares: train, valid and test must add up to 1, not 1.4",
        ),
        ("data.layout=zip", "data.layout: input should be 'auto', 'hand_out', 'appa_real' or"),
        ("data.min_size=500", "data: min_size 500 is above stored_size"),
        ("gate.age_groups=[0-10, 20-30]", "gate.age_groups: "),
        ("registry.uri=mlflow+https://me:hush@host", "registry.uri: must hold no user name or"),
        ("beam.args=[--s3_secret_access_key=hush]", "beam.args: --s3_secret_access_key must not"),
        ("trainer.epochs", "--set trainer.epochs: write it as key=value"),
        ("trainer.epochs=[1", "--set trainer.epochs=[1: the value is not YAML"),
        ("name.first=x", "name.first: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_path(override, line):
    overrides = ("name=a", override) if override.startswith("name.") else (override,)
    with pytest.raises(SettingsError) as raised:
        settings_files.load("local", overrides)
    assert raised.value.exit_code == 2
    assert line in str(raised.value)
    assert "hush" not in str(raised.value), "a secret reaches no message"


def test_every_wrong_setting_is_named_at_once(config):
    with pytest.raises(SettingsError) as raised:
        settings_files.load(config(trainer={"epochs": 0}, gate={"max_mae": "low"}))
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["trainer.epochs", "gate.max_mae"]


@pytest.mark.parametrize("text", ["a: [1", "- a\n- b", "\x00"])
def test_a_file_that_holds_no_settings_is_named(tmp_path, text):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match="settings.yaml: "):
        settings_files.load(str(file))


def test_an_unknown_config_is_named_beside_the_known_ones():
    with pytest.raises(SettingsError, match=r"--config locl: .*appa_real, .*local"):
        settings_files.load("locl")


def test_the_fingerprint_follows_every_setting_but_the_work_folder():
    plain = settings_files.load("local")
    moved = settings_files.load("local", work_dir="elsewhere")
    changed = settings_files.load("local", ("trainer.seed=1",))
    assert plain.fingerprint() == moved.fingerprint() != changed.fingerprint()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("trainer.gpu.cout=1", "trainer.gpu.cout: no such setting (there are: type, count, "),
        ("cluster.resources.Trainer.gpu=1", "no such setting (there are: cpu, memory)"),
        ("cluster.resources.Pusher={}", "no such component: Pusher (there are: PhotoSchema, "),
        ("cluster.resources.Trainer.memory=16", "cluster.resources.Trainer.memory: "),
        ("cluster.environment.API_TOKEN=x", "API_TOKEN must not be given here"),
        ("cluster.pipeline_root=/disk", "name a folder in a bucket"),
        ("cluster.in_place=[s3://b]", "TFX opens artifacts in place on gs:// alone"),
    ],
)
def test_a_wrong_setting_of_the_cluster_is_told(override, sentence):
    with pytest.raises(SettingsError) as raised:
        settings_files.load("local", (override,))
    assert sentence in str(raised.value)
