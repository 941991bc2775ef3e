"""`customer-age predict` and `customer-age score`, on a real registry: MLflow on SQLite."""

import contextlib
import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from customer_age.model_registry import open_registry
from customer_age.pipeline.cli import cli
from customer_age.pipeline.serving import served_model
from customer_age.pipeline.settings import loading


@pytest.fixture(scope="module")
def registry_folder(brightness_model, publication, tmp_path_factory):
    """Version 1 predicts the brightness; version 2, the champion, 10 years more."""
    work = tmp_path_factory.mktemp("published")
    registry = open_registry(f"mlflow+sqlite:///{work}/registry/mlflow.db", "customer-age")
    first = brightness_model(work / "first")
    registry.publish(publication(first, 6.5, stored_size="64", min_size="20", jpeg_quality="90"))
    registry.publish(publication(brightness_model(work / "second", 10.0), 6.2, baseline="1"))
    return work


@pytest.fixture
def work(registry_folder, tmp_path):
    """A work folder for one test, which may change the records of its registry."""
    folder = tmp_path / "work"
    (folder / "registry").mkdir(parents=True)
    shutil.copy(registry_folder / "registry" / "mlflow.db", folder / "registry")
    return folder


@pytest.fixture
def no_download(registry_folder):
    """Hide the models' files for a while; the registry's records stay."""
    files = registry_folder / "registry" / "artifacts"

    @contextlib.contextmanager
    def gone():
        files.rename(files.with_name("elsewhere"))
        try:
            yield
        finally:
            files.with_name("elsewhere").rename(files)

    return gone


@pytest.fixture
def photos(tmp_path, grey):
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in (40, 8, 20):
        (folder / f"{value}.png").write_bytes(grey(value))
    return folder


@pytest.fixture
def call(work, monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["customer-age", *map(str, arguments), "--work-dir", str(work)]
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, capsys.readouterr()

    return command


@pytest.fixture
def predict(call):
    """Call predict, and read its CSV as (name, age, group)."""

    def rows(*arguments):
        exit_code, printed = call("predict", *arguments)
        read = csv.DictReader(io.StringIO(printed.out))
        return exit_code, [
            (Path(row["file_name"]).name, row["age"], row["age_group"]) for row in read
        ]

    return rows


def test_ages_by_the_champion_in_the_requested_order(predict, photos):
    assert predict(photos / "40.png", photos) == (
        0,
        [
            ("40.png", "50.0", "45-54"), ("20.png", "30.0", "25-34"),
            ("40.png", "50.0", "45-54"), ("8.png", "18.0", "18-24"),
        ],
    )  # fmt: skip


def test_any_age_groups_without_training(predict, photos):
    rows = predict(photos, "--groups", "0-29, 30-49,50+")[1]
    assert [group for *_, group in rows] == ["30-49", "50+", "0-29"]
    rows = predict(photos, "--set", 'gate.age_groups=["0-49", "50+"]')[1]
    assert [group for *_, group in rows] == ["0-49", "50+", "0-49"]


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        ("0-17,20+", "leave a gap: no group contains age 18"),
        ("0-17,17+", "overlap: age 17"),
        ("0-64", "add an open last group"),
        ("young,old", "'young' is not a valid age group"),
        ("", "'' is not a valid age group"),
    ],
)
def test_wrong_age_groups_are_reported_in_one_line(call, photos, bands, expected):
    exit_code, printed = call("predict", photos, "--groups", bands)
    assert exit_code == 2
    assert expected in printed.err
    assert len(printed.err.splitlines()) == 1


def test_another_version_and_its_own_settings_for_photos(predict, call, photos, grey):
    assert [age for _, age, _ in predict(photos, "--version", "1")[1]] == ["20.0", "40.0", "8.0"]
    (photos / "19.png").write_bytes(
        grey(1, (19, 19))
    )  # version 1 has min_size 20, version 2 the default
    assert "less than 20 on" in call("predict", photos, "--version", "1")[1].out
    assert "less than 32 on" in call("predict", photos, "--version", "2")[1].out
    exit_code, printed = call("predict", photos, "--version", "7")
    assert exit_code == 1
    assert printed.err == "customer-age: customer-age: there is no version 7 (there are: 1, 2)\n"


def test_after_a_rollback_the_former_champion_predicts(call, predict, photos):
    assert [age for _, age, _ in predict(photos)[1]] == ["30.0", "50.0", "18.0"]
    assert call("models", "rollback")[1].out == "version 1 is the champion again\n"
    assert [age for _, age, _ in predict(photos)[1]] == ["20.0", "40.0", "8.0"]
    call("models", "promote", "2")
    assert [age for _, age, _ in predict(photos)[1]] == ["30.0", "50.0", "18.0"]


def test_the_second_time_nothing_is_downloaded(predict, no_download, work, photos):
    with no_download():
        assert predict(photos) == (1, [])
    assert predict(photos)[0] == 0
    with no_download():
        assert predict(photos)[0] == 0
        (half,) = (work / "models").iterdir()
        (half / "saved_model.pb").unlink()  # as if it was only partly written
        assert predict(photos) == (1, [])
    assert predict(photos)[0] == 0


def test_a_photo_without_an_age_has_a_row_and_changes_the_exit_code(call, photos, grey):
    (photos / "30.png").write_bytes(grey(30)[:40])
    (photos / "scan.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100))
    (photos / "notes.txt").write_text("not a photo")
    exit_code, printed = call("predict", photos, photos / "none.png")
    assert exit_code == 1
    assert [row["reason"] for row in csv.DictReader(io.StringIO(printed.out))] == [
        "", "truncated", "", "", "format_unsupported", "file_missing",
    ]  # fmt: skip
    assert printed.err == (
        "3 of 6 photos have no age; their rows give the reasons\n"
        "1 file without a picture's suffix was left out: 1 .txt\n"
    )


def test_a_table_and_a_name_that_leaves_its_folder(call, photos):
    (photos / "list.csv").write_text("file_name\n40.png\n../work/x.png\n")
    exit_code, printed = call("predict", photos / "list.csv", "--format", "jsonl")
    assert exit_code == 1
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [(row["file_name"], row["reason"]) for row in rows] == [
        ("40.png", None), ("../work/x.png", "outside_data_folder"),
    ]  # fmt: skip
    assert {row["version"] for row in rows} == {"2"}


def test_the_table_names_the_model(call, photos):
    exit_code, printed = call("predict", photos / "40.png", "--format", "table")
    assert exit_code == 0
    assert printed.err == "customer-age, version 2, mean error 6.2 years\n"
    assert printed.out.splitlines()[0].split() == ["age", "group", "photo"]
    assert printed.out.splitlines()[1].split() == ["50.0", "45-54", str(photos / "40.png")]


@pytest.mark.parametrize("verb", [("predict",), ("score", "--output", "out")])
def test_a_missing_champion_is_reported_in_one_line(tmp_path, monkeypatch, capsys, photos, verb):
    monkeypatch.chdir(tmp_path)
    line = ["customer-age", *verb, str(photos), "--work-dir", str(tmp_path / "new")]
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert ended.value.code == 1
    assert "there is no champion" in printed.err
    assert len(printed.err.splitlines()) == 1 and not printed.out
    assert not (tmp_path / "new").exists() and not (tmp_path / "out").exists()


def test_a_separate_process_prints_only_the_rows(work, photos, grey):
    """TensorFlow is not imported yet there, and a second process queries the registry."""
    command = [Path(sys.executable).parent / "customer-age", "predict", photos / "40.png"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    done = subprocess.run(
        [*map(str, command), "--work-dir", str(work)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == ["age", "50.0"]
    for arguments, expected in ((("--version", "9"), "there is no version 9"), ((), "no champion")):
        elsewhere = work if arguments else work.parent / "none"
        done = subprocess.run(
            [*map(str, command), *arguments, "--work-dir", str(elsewhere)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 1
        assert expected in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (work.parent / "none").exists()


def _names(folder):
    return sorted(each.name for each in folder.iterdir())


def _scored(path):
    import pandas as pd

    files = [path] if path.is_file() else sorted(path.glob("predictions-*"))
    tables = [
        pd.read_parquet(file)
        if file.suffix == ".parquet"
        else pd.read_csv(file, dtype={"version": str})
        for file in files
    ]
    rows = pd.concat(tables, ignore_index=True)
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


@pytest.fixture
def many(photos, grey, monkeypatch):
    """Photos, and some files that are not photos, in several shards."""
    from customer_age.pipeline.prediction import beam_scoring

    monkeypatch.setattr(beam_scoring, "PHOTOS_PER_SHARD", 3)
    for number in range(7):
        (photos / f"more{number}.png").write_bytes(grey(7 * number))
    (photos / "cut.png").write_bytes(grey(30)[:40])
    (photos / "list.csv").write_text("file_name\n40.png\nnone.png\n")
    return photos


@pytest.mark.parametrize("output", ["out", "out.csv", "out.parquet", "csv"])
def test_score_and_predict_give_the_same_ages(call, many, tmp_path, output):
    arguments = [many, many / "list.csv", "--groups", "0-30,31+"]
    predicted = call("predict", *arguments, "--format", "jsonl")[1].out
    options = ["--output", tmp_path / output, "--set", "data.max_refused_share=0.5"]
    if output == "csv":
        options += ["--format", "csv"]
    exit_code, printed = call("score", *arguments, *options)
    assert (exit_code, printed.err) == (0, "")
    assert printed.out.startswith("13 photos by version 2 in ")
    assert ": 11 ages, 2 refused; " in printed.out
    assert printed.out.endswith("\n1 file without a picture's suffix was left out: 1 .csv\n")
    assert _scored(tmp_path / output) == [json.loads(line) for line in predicted.splitlines()]
    if "." in output:
        assert not list(tmp_path.glob("*unfinished*")) + list(tmp_path.glob(".*"))
    else:
        kind = {"out": "parquet", "csv": "csv"}[output]
        assert _names(tmp_path / output) == [
            f"predictions-0000{number}-of-00004.{kind}" for number in range(4)
        ]


def test_score_ends_with_4_if_too_many_photos_have_no_age(call, many, tmp_path):
    exit_code, printed = call("score", many, "--output", tmp_path / "out")
    assert exit_code == 4
    assert "1 of 11 photos have no age (1 truncated), more than" in printed.err
    assert len(_scored(tmp_path / "out")) == 11


def test_score_replaces_files_only_with_overwrite(call, photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "predictions-00007-of-00009.parquet").write_bytes(b"of another day")
    (out / "mine.txt").write_text("mine")
    exit_code, printed = call("score", photos, "--output", out)
    assert exit_code == 2
    assert "already exists" in printed.err and "--overwrite" in printed.err
    assert call("score", photos, "--output", out, "--overwrite")[0] == 0
    assert _names(out) == ["mine.txt", "predictions-00000-of-00001.parquet"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--output", "x.csv", "--format", "parquet"], "ends in .csv, but --format is parquet"),
        (["--output", "nowhere://x"], "--output nowhere://x: cannot be written"),
        (["--output", "photos/40.png/x"], "cannot be written"),
    ],
)
def test_score_reports_an_unwritable_output_at_once(
    call, photos, tmp_path, monkeypatch, options, expected
):
    monkeypatch.chdir(tmp_path)
    exit_code, printed = call("score", photos, *options)
    assert exit_code == 2
    assert expected in printed.err and len(printed.err.splitlines()) == 1


def test_serve_prepares_photos_as_in_training(work, registry_folder):
    uri = f"registry.uri=mlflow+sqlite:///{registry_folder}/registry/mlflow.db"
    settings = loading.load("local", (uri,), work_dir=str(work))
    first, champion = (served_model.load(settings, named) for named in ("1", None))
    assert (first.version, first.spec.stored_size, first.spec.min_size) == ("1", 64, 20)
    assert (champion.version, champion.spec.stored_size) == ("2", settings.data.stored_size)
