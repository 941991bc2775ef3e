"""`customer-age models`, on a real registry: MLflow on SQLite in the work folder."""

import sys

import pytest

from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint
from customer_age.pipeline.cli import cli


def _publication(folder, mae, baseline="", data="d1"):
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_text(str(folder))
    return Publication(
        model_dir=folder,
        fingerprint=saved_model_fingerprint(folder),
        metrics={
            "mae": mae, "rmse": mae + 2, "bias": 0.5, "photos": 1200,
            "mae/0-17": mae - 1, "mae/65+": mae + 3, "baseline_mae": 7.0,
        },
        tags={"data_fingerprint": data, "baseline_kind": "champion" if baseline else "median"},
        settings={"trainer.epochs": "3"},
        description="**Not fit for** the sale of age-restricted goods.",
        baseline_version=baseline,
    )  # fmt: skip


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    work = tmp_path_factory.mktemp("models")
    registry = open_registry(f"mlflow+sqlite:///{work}/registry/mlflow.db", "customer-age")
    registry.publish(_publication(work / "first", 6.5))
    registry.publish(_publication(work / "second", 6.2, baseline="1", data="d2"))
    return work


@pytest.fixture
def models(published, monkeypatch, capsys):
    def call(*arguments):
        line = ["customer-age", "models", *arguments, "--work-dir", str(published)]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, capsys.readouterr()

    return call


def test_list_shows_the_newest_first(models):
    exit_code, printed = models("list")
    assert exit_code == 0
    header, newest, oldest = printed.out.splitlines()
    assert header.split()[0] == "version"
    assert newest.split()[:2] == ["2", "champion"]
    assert "6.20" in newest and "1,200" in newest
    assert newest.rstrip().endswith("version 1: 0.80 better")
    assert oldest.rstrip().endswith("median: 0.50 better")


def test_show_prints_the_model_card(models):
    exit_code, printed = models("show", "champion")
    assert exit_code == 0
    for part in ("version 2", "Not fit for", "data_fingerprint", "trainer.epochs", "models:/"):
        assert part in printed.out


def test_compare_sets_two_versions_side_by_side(models):
    exit_code, printed = models("compare", "1", "2")
    assert exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in printed.out.splitlines() if line.strip()}
    assert rows["mae"] == ["6.50", "6.20", "-0.30"]
    assert rows["mae/65+"] == ["9.50", "9.20", "-0.30"]
    assert rows["photos"] == ["1,200", "1,200", "+0"]
    assert list(rows).index("mae/0-17") < list(rows).index("mae/65+")
    assert "Measured on different data" in printed.out


def test_roll_back_and_promote(models):
    assert models("rollback")[1].out == "version 1 is the champion again\n"
    assert models("list")[1].out.splitlines()[2].split()[:2] == ["1", "champion"]
    assert models("promote", "2")[1].out == "version 2 is the champion\n"
    assert models("rollback")[1].out == "version 1 is the champion again\n"
    exit_code, printed = models("rollback")
    assert exit_code == 1
    assert "there is no former champion to roll back to" in printed.err
    assert models("promote", "2")[0] == 0


def test_an_unknown_version_is_named(models):
    exit_code, printed = models("show", "7")
    assert exit_code == 1
    assert printed.err == "customer-age: customer-age: there is no version 7 (there are: 1, 2)\n"


def test_a_version_that_was_never_blessed_needs_a_reason(published, models):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{published}/registry/mlflow.db")
    by_hand = client.create_model_version("customer-age", source=str(published / "first"))
    exit_code, printed = models("promote", str(by_hand.version))
    assert exit_code == 1
    assert "was never blessed" in printed.err
    assert "never blessed" in models("list")[1].out
    assert models("promote", str(by_hand.version), "--force", "a test of the shop's")[0] == 0
    assert "a test of the shop's" in models("show", "champion")[1].out
    assert models("rollback")[1].out == "version 2 is the champion again\n"


def test_no_version_yet(models, published, monkeypatch, tmp_path):
    exit_code, printed = models("list", "--set", f"registry.uri=mlflow+sqlite:///{tmp_path}/no.db")
    assert exit_code == 0
    assert "no version yet" in printed.out
