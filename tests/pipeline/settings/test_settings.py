import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.settings import loading


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
        loading.load("local", overrides)
    assert raised.value.exit_code == 2
    assert line in str(raised.value)
    assert "hush" not in str(raised.value), "a secret reaches no message"


def test_the_fingerprint_follows_every_setting_but_the_work_folder():
    plain = loading.load("local")
    moved = loading.load("local", work_dir="elsewhere")
    changed = loading.load("local", ("trainer.seed=1",))
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
        loading.load("local", (override,))
    assert sentence in str(raised.value)
