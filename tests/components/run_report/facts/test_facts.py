"""What a run left behind is found, however far it came."""

import json
from pathlib import Path

import pytest

from customer_age.components.run_report.facts import facts
from customer_age.components.run_report.facts.facts import Verdict


def test_everything_that_is_there_is_collected(uris, run):
    found = facts.collect(uris, run, exit_code=1)
    assert found.ingestion.photos == {"train": 400, "valid": 130, "test": 200}
    assert found.training.history[-1].val_mae == 6.55
    assert list(found.statistics) == ["train", "valid", "test"]
    assert found.anomalies
    assert found.unread == ()


def test_folders_that_are_empty_or_missing_are_steps_not_reached(run, tmp_path: Path):
    (tmp_path / "examples").mkdir()
    uris = {key: str(tmp_path / key) for key in facts.INPUTS}
    found = facts.collect(uris, run)
    assert found == facts.RunFacts(run=run, exit_code=1)


@pytest.mark.parametrize(
    ("key", "file", "content"),
    [
        ("examples", "ingestion.json", b'{"rows": 7'),
        ("examples", "refused.csv", b"table,line\nlabels.csv,3\n"),
        ("model_run", "training.json", b'{"history": "none"}'),
        ("infra_blessing", "canary.json", b'{"passed": '),
        ("statistics", "Split-train/FeatureStats.pb", b"\xff\xff\xff"),
        ("anomalies", "Split-test/SchemaDiff.pb", b"\xff\xff\xff"),
        ("evaluation", "metrics-00000-of-00001.tfrecord", b"cut short"),
    ],
)
def test_a_damaged_file_is_named_and_does_not_stop_the_report(
    run, uris, tmp_path, key, file, content
):
    path = tmp_path / key / file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    found = facts.collect({**uris, key: str(tmp_path / key)}, run, errors=["the disk is full"])
    (note,) = found.unread
    assert note.startswith(f"{key} in {tmp_path / key}: ")
    assert "\n" not in note
    assert "pydantic" not in note
    assert (found.training is None) == (key == "model_run")  # the other folders are still read


def test_only_the_first_few_refused_photos_of_a_reason_are_kept(run, tmp_path: Path):
    rows = [f"labels.csv,{line},{line}.jpg,unreadable,cut" for line in range(2, 52)]
    rows.append('labels.csv,52,"a, b\nc.jpg",photo_missing,')
    (tmp_path / "refused.csv").write_text(
        "\n".join(["table,line,file_name,reason,detail", *rows]), encoding="utf-8"
    )
    found = facts.collect({"examples": str(tmp_path)}, run).refused_photos
    assert [photo.line for photo in found["unreadable"]] == [2, 3, 4]
    assert found["photo_missing"][0].file_name == "a, b\nc.jpg"


def test_a_training_that_diverged_is_still_read(run, uris, tmp_path: Path):
    history = json.loads((Path(uris["model_run"]) / "training.json").read_text())
    history["history"][0]["mae"] = float("nan")
    (tmp_path / "training.json").write_text(json.dumps(history))
    found = facts.collect({"model_run": str(tmp_path)}, run)
    assert found.unread == ()
    assert found.training.history[0].mae != found.training.history[0].mae


@pytest.mark.parametrize(
    ("file", "version", "exit_code"),
    [("BLESSED", "3", 0), ("NOT_BLESSED", None, 3), ("BLESSED", None, 1), (None, None, 1)],
)
def test_the_exit_code_is_derived_from_the_artifacts(run, tmp_path, file, version, exit_code):
    if file:
        (tmp_path / file).touch()
    publication = facts.Publication(version) if version else None
    found = facts.collect({"blessing": str(tmp_path)}, run, publication=publication)
    assert found.exit_code == exit_code


def test_a_model_that_the_canary_refused_is_a_refused_model(run, tmp_path):
    (tmp_path / "BLESSED").touch()
    refused = {"passed": False, "refusals": ["it hangs"], "checks": {}}
    (tmp_path / "canary.json").write_text(json.dumps(refused))
    uris = {"blessing": str(tmp_path), "infra_blessing": str(tmp_path)}
    found = facts.collect(uris, run)
    assert found.exit_code == 3
    assert found.canary.refusals == ["it hangs"]


@pytest.mark.parametrize(
    ("exit_code", "verdict"),
    [
        (0, Verdict.PUBLISHED),
        (1, Verdict.FAILED),
        (2, Verdict.SETTINGS_REFUSED),
        (3, Verdict.MODEL_REFUSED),
        (4, Verdict.DATA_REFUSED),
        (130, Verdict.INTERRUPTED),
        (143, Verdict.INTERRUPTED),
    ],
)
def test_the_verdict_is_the_exit_code_in_words(run, exit_code, verdict):
    assert facts.RunFacts(run=run, exit_code=exit_code).verdict is verdict


def test_an_unknown_input_of_a_report_is_refused(run):
    with pytest.raises(ValueError, match="model_runs"):
        facts.collect({"model_runs": "/somewhere"}, run)
