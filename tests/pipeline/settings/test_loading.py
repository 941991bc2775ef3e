import json
import subprocess
import sys

import pytest

from customer_age.errors import SettingsError
from customer_age.files import addresses
from customer_age.model_registry import sqlite_file
from customer_age.pipeline.cli import cli
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "settings.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(file)

    return write


@pytest.fixture
def mistakes(config, tmp_path):
    """Return the errors of a settings file and overrides, without the file's folder."""

    def read(text, *overrides):
        with pytest.raises(SettingsError) as raised:
            loading.load(config(text), overrides)
        assert raised.value.exit_code == 2
        return str(raised.value).replace(f"{tmp_path}/", "").splitlines()

    return read


@pytest.mark.parametrize("name", loading.config_names())
def test_every_settings_file_of_the_project_is_valid(name):
    assert loading.load(name).gate.max_mae == 8.0, "the user chooses the gate, not a config"


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [("local", "f4d50fe2aad4"), ("demo", "45ba40520b43"), ("appa_real", "bd0095b8f1ea")],
)
def test_results_become_invalid_only_if_a_release_intends_it(name, fingerprint):
    """Change them together with docs/upgrading.md: the first run after an upgrade trains again.

    Since release 0.1: `trainer.mirror`, ten epochs by default, and no early stopping.
    """
    assert loading.load(name).fingerprint() == fingerprint
    cached = loading.load(name, ("trainer.photo_cache_mb=0",))
    assert cached.fingerprint() == fingerprint, "the photos' location does not change the result"


def test_the_command_line_wins_over_the_file(config):
    file = config("trainer: {epochs: 7, batch_size: 8}\ndata:\n")
    loaded = loading.load(
        file,
        ("trainer.epochs=3", "data.jpeg_quality=80", "trainer.gpu.count=2", "trainer.epochs=4"),
    )
    assert loaded.trainer.epochs == 4
    assert loaded.trainer.batch_size == 8
    assert loaded.data.jpeg_quality == 80
    assert loaded.trainer.gpu.count == 2


def test_paths_are_stored_as_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = loading.load("local", data__path="photos", trainer__weights="w.weights.h5")
    assert loaded.data.path == str(tmp_path / "photos")
    assert loaded.trainer.weights == str(tmp_path / "w.weights.h5")
    assert loaded.work_dir == str(tmp_path / "work")
    assert loading.load("local", data__path="s3://bucket/a").data.path == "s3://bucket/a"


def test_yaml_1_2_values_are_read_correctly(config):
    loaded = loading.load(
        config(
            "trainer: {learning_rate: 1e-4, weight_decay: .125, dropout: 0}\n"
            "retraining: {max_wait_hours: 72}\n"
            "data:\n"
            "  inbox: inbox\n"
            "  split_key: 2026-11-03\n"
            "  batches: [2026-11-03, off]\n"
            "  columns: {no: yes}\n"
        )
    )
    assert (loaded.trainer.learning_rate, loaded.trainer.weight_decay) == (1e-4, 0.125)
    assert type(loaded.trainer.dropout) is type(loaded.retraining.max_wait_hours) is float
    assert loaded.data.split_key == "2026-11-03"
    assert loaded.data.batches == ("2026-11-03", "off")
    assert loaded.data.columns == {"no": "yes"}


def test_empty_sections_change_nothing(config):
    empty = "data:\ntrainer: ~\ncluster:\n  environment:\n  resources:\n    Trainer:\n"
    assert loading.load(config(empty)).data == Settings().data
    assert loading.load(config(empty)).cluster.resources_of("Trainer").cpu == "1"
    for text in ("", "# nothing\n", "---\n", "\ufeff"):
        assert loading.load(config(text)) == loading.load("local")
    assert loading.load("local", ("trainer=", "trainer.epochs=2")).trainer.epochs == 2


def test_anchors_and_merge_keys_are_followed(config):
    loaded = loading.load(
        config(
            "trainer:\n  gpu: &gpu\n    type: NVIDIA_L4\n    count: 2\n"
            "gate:\n  gpu:\n    <<: *gpu\n    count: 1\n"
        )
    )
    assert (loaded.trainer.gpu.type, loaded.trainer.gpu.count) == ("NVIDIA_L4", 2)
    assert (loaded.gate.gpu.type, loaded.gate.gpu.count) == ("NVIDIA_L4", 1)


TEN_MISTAKES = """\
name: Shop
trainer:
  epoch: 3
  dropout: 1
  patience: .nan
  augmentation: no
  batch_size: "32"
canery:
  timeout_seconds: 5
gate:
  max_mae: low
  max_mae: 7
data:
  layout: hand-out
  batches: monday
registry: mlflow+https://me:hush@host
"""
TEN_LINES = [
    "settings.yaml:1: name: 'Shop' is not a valid pipeline name: write 1 to 63 of a-z, 0-9 "
    "and -, with a letter or digit first",
    "settings.yaml:3: trainer.epoch: unknown setting; did you mean trainer.epochs?",
    "settings.yaml:4: trainer.dropout: must be below 1, not 1",
    "settings.yaml:5: trainer.patience: must be a whole number, not .nan",
    "settings.yaml:6: trainer.augmentation: must be true or false, but 'no' is text in YAML 1.2: "
    "write false",
    "settings.yaml:7: trainer.batch_size: must be a whole number, not text in quotes: write 32",
    "settings.yaml:8: canery: unknown setting; did you mean canary?",
    "settings.yaml:11: gate.max_mae: must be a number, not 'low'",
    "settings.yaml:12: gate.max_mae: set twice, first in line 11",
    "settings.yaml:14: data.layout: must be auto, hand_out, appa_real or loyalty_card, not "
    "'hand-out'; did you mean hand_out?",
    "settings.yaml:15: data.batches: must be a list, for example [a, b]; it is text",
    "settings.yaml:16: registry: must be a section, with a line `name: value` for each setting; "
    "it is text",
]


def test_all_errors_are_reported_together_with_their_lines(mistakes):
    assert mistakes(TEN_MISTAKES) == TEN_LINES


def test_the_command_reports_all_errors_and_starts_nothing(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("run", "--config", config(TEN_MISTAKES), "--set", "trainer.seed=x")
    done = subprocess.run(
        [sys.executable, "-c", f"from {cli.__name__} import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # against a hang: this does not measure speed
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        *(f"customer-age: {tmp_path}/{line}" for line in TEN_LINES),
        "customer-age: --set trainer.seed: must be a whole number, not 'x'",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["settings.yaml"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1", "1: not YAML in column 6: expected ',' or ']', but got '<stream end>'"),
        ("name: a\ndata: x: y", "2: not YAML in column 8: mapping values are not allowed here"),
        ("data:\n\tpath: x", "2: not YAML in column 1: a tab; YAML is indented with spaces"),
        ("name: a\n---\nname: b", "2: not YAML in column 1: a second document; "
         "a settings file has only one"),
        ("name: a\n \x00", "2: not YAML in column 2: a control character"),
        ("name: *a", "1: not YAML in column 7: found undefined alias 'a'"),
        ("a: " + "[" * 999, "1: not YAML in column 35: nested deeper than 32 levels"),
        (b"name: a\nwork_dir: caf\xe9\n", "2: not UTF-8; save the file as UTF-8"),
        ("name: a".encode("utf-16"), "1: not UTF-8; save the file as UTF-8"),
        ("- a\n- b", "1: must contain keys and values, for example `trainer: {epochs: 3}`"),
        ("hush", "1: must contain keys and values, for example `trainer: {epochs: 3}`"),
        ("? [name]\n: a", "1: a key must be a word, not a list or a mapping"),
        ("name: !ours a", "1: name: the tag !ours is not supported"),
        ("beam: {args: &a [*a]}", "1: beam.args.0: an alias is inside the value that it refers to"),
        ("data:\n  <<: [1]", "2: data: << takes a mapping, or a list of them"),
        ('work_dir: "\\ud800"', "1: work_dir: contains half of a surrogate pair, "
         "which is not text"),
        (
            "trainer: {epochs: 010}",
            "1: trainer.epochs: 010 was 8 in YAML 1.1 and is 10 in YAML 1.2; write the number "
            'that you mean, or "010" for text',
        ),
        ("beam: {workers: " + 5000 * "9" + "}", "1: beam.workers: is not a number, or has too "
         "many digits"),
    ],
)  # fmt: skip
def test_unreadable_yaml_is_reported_with_its_line(mistakes, text, line):
    assert mistakes(text) == [f"settings.yaml:{line}"]


def test_aliases_that_expand_to_gigabytes_are_not_followed(mistakes):
    laughs = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    [line] = mistakes("\n".join(laughs))
    assert line.endswith(": more than 500,000 characters, including aliases")


def test_a_file_that_is_not_a_settings_file_is_reported(config, tmp_path):
    with pytest.raises(SettingsError, match=r"--config .*: is a folder; give the settings file"):
        loading.load(str(tmp_path))
    with pytest.raises(SettingsError, match=r"settings.yaml: is not a settings file: larger than"):
        loading.load(config(b"#" * 1_000_001))


def test_an_unknown_config_is_reported_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"--config locl: .*appa_real, .*local"):
        loading.load("locl")


def test_errors_of_the_command_line_name_the_option(mistakes):
    assert mistakes(
        "gate: 8\nname: a\n",
        "trainer.epochs=three",
        "trainer.learning_rate=1e-4",
        "gate.max_mae=7",
        "trainer.seed",
        "beam.args=[1",
        "data.columns={a: 1}",
        "data.split_shares.test=0.5",
    ) == [
        "settings.yaml:1: gate: must be a section, with a line `name: value` for each setting; it "
        "is a number",
        "--set trainer.epochs: must be a whole number, not 'three'",
        "--set gate.max_mae: gate is a value, not a section",
        "--set trainer.seed: write it as key=value, for example trainer.epochs=3",
        "--set beam.args: the value is not YAML in column 3: expected ',' or ']', but got "
        "'<stream end>'",
        '--set data.columns: data.columns.a: must be text, not a number: write "1", in quotes',
        "--set data.split_shares.test: data.split_shares: train, valid and test must add up to 1, "
        "not 1.4",
    ]


def test_settings_are_restored_from_a_ledger_and_from_a_runs_file(config):
    written = loading.load(
        "appa_real",
        ("data.batches=[b, a]", "gate.gpu={}", "cluster.secret_files=[{secret: s, folder: /x}]"),
        data__inbox="inbox",
    )
    text = written.model_dump_json(indent=1)
    assert Settings.model_validate_json(text) == written
    assert loading.load(config(text)) == written
    older = json.loads(text)
    older["gate"]["max_mae"] = 8  # a whole number, as in release 0.1
    assert Settings.model_validate_json(json.dumps(older)) == written


NAMES = (
    "a%20b", "a%2Fb", "a%25b", "a%b", "a#b", "a?b", "a b", "Büro", "a+b", "a&b=c", "a:b", "a@b:c@d",
    "-a", "a'b\"c", "a;b,c", "日本",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_work_folder_may_have_any_printable_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for path in (name, f"./{name}/", str(tmp_path / name)):
        loaded = loading.load("local", work_dir=path)
        work = tmp_path / name
        assert sqlite_file(loaded.registry_uri) == work / "registry" / "mlflow.db"
        assert addresses.sqlite_path(loaded.ledger_uri) == str(work / "retraining/ledger.sqlite")
        assert list(tmp_path.iterdir()) == []
    again = loaded.model_dump_json()
    assert Settings.model_validate_json(again).ledger_uri == loaded.ledger_uri


@pytest.mark.parametrize("letter", ["\n", "\r", "\t", "\x1b", "\x7f", "\x00", "\u2028"])
def test_a_work_folder_with_a_line_break_is_refused_in_one_line(tmp_path, letter):
    with pytest.raises(SettingsError, match="--work-dir") as caught:
        loading.load("local", work_dir=f"{tmp_path}/a{letter}b/work")
    assert caught.value.exit_code == 2
    assert str(caught.value).isprintable()
    assert "work_dir: " in str(caught.value)


def test_a_work_folder_inside_one_with_a_line_break_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a\nb").mkdir()
    monkeypatch.chdir(tmp_path / "a\nb")
    with pytest.raises(
        SettingsError, match="work_dir: 'work' is, or is inside, a folder whose name"
    ):
        loading.load("local")


def test_a_tilde_is_the_home_folder_in_every_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.yaml").write_text(
        "data: {path: ~/photos, inbox: ~/inbox}\nwork_dir: ~/work\n"
    )
    loaded = loading.load("~/mine.yaml", ("trainer.weights=~/weights.h5",))
    assert loaded.work_dir == str(tmp_path / "work")
    assert loaded.data.path == str(tmp_path / "photos")
    assert loaded.data.inbox == str(tmp_path / "inbox")
    assert loaded.trainer.weights == str(tmp_path / "weights.h5")
    with pytest.raises(
        SettingsError, match=r"^work_dir: ~nobody-here/w: that user has no home folder"
    ):
        loading.load("local", ("work_dir=~nobody-here/w",))
