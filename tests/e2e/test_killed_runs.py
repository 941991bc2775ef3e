"""A run may be killed at any step: the next one publishes one good version."""

import json
import re
import signal
from pathlib import Path

import pytest

from customer_age.model_registry import saved_model_fingerprint

pytestmark = [pytest.mark.slow, pytest.mark.one_line]

UNHURRIED = Path(__file__).parent / "unhurried.py"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """One work folder for both, so that the second test reuses the training of the first."""
    return tmp_path_factory.mktemp("killed") / "work"


def _check_one_good_version(versions, registry_folder, work, tmp_path):
    registry, found, champion = versions(registry_folder)
    assert [each.version for each in found] == [champion] == ["1"]
    model = registry.download(champion, tmp_path / "model")
    trained = sorted(work.glob("pipeline/Trainer/model/*/Format-Serving"))
    assert saved_model_fingerprint(model) in map(saved_model_fingerprint, trained), "complete"


def test_killed_in_ingestion_and_terminated_in_training(
    command, command_from_nothing, photos, work, versions, tmp_path
):
    examples = work / "pipeline" / "PhotoExampleGen" / "examples"
    shards = work / "batch_cache"
    printed = command_from_nothing(photos, work).killed_when(lambda _: any(shards.rglob("*.gz*")))
    assert "✓ PhotoExampleGen" not in printed
    [half_written] = examples.iterdir()

    terminated = command_from_nothing(photos, work, program=UNHURRIED)
    kept = work / "checkpoint" / "checkpoint.npz"
    printed = terminated.killed_when(lambda _: kept.exists(), by=signal.SIGTERM)
    assert terminated.process.returncode == 143
    message = "Finished work is kept; the same command resumes from there"
    assert f"interrupted by SIGTERM in Trainer. {message}" in printed
    assert "failed" not in printed
    report = (work / "report.html").read_text()
    assert '<h1 class="refused">Interrupted</h1>' in report
    assert f"Interrupted by SIGTERM in Trainer. {message}" in report
    assert "1 killed execution(s) removed" in printed
    assert "✓ PhotoExampleGen" in printed
    assert "✓ Trainer" not in printed
    assert "epoch 1 of 3" in printed
    assert kept.exists()
    assert not half_written.exists()
    [ingestion] = [json.loads(file.read_text()) for file in examples.glob("*/ingestion.json")]
    assert sum(ingestion["photos"].values()) == 240

    exit_code, printed = command(photos, work).ended()
    assert exit_code == 0, printed
    assert "1 killed execution(s) removed" in printed
    assert re.search("✓ PhotoExampleGen +reused", printed), printed
    assert "epoch 3 of 3" in printed
    assert "epoch 1 of 3" not in printed, "the training resumes after it"
    assert not kept.parent.exists()
    _check_one_good_version(versions, work / "registry", work, tmp_path)


def test_killed_in_publishing(command, command_from_nothing, photos, work, versions, tmp_path):
    """Uses another registry, so that everything except publishing is already done."""
    registry = tmp_path / "registry"
    overrides = (f"registry.uri=mlflow+sqlite:///{registry}/mlflow.db",)

    def uploading(output):
        return "RegistryPusher started" in output and any(registry.glob("artifacts/*/*"))

    printed = command_from_nothing(photos, work, *overrides).killed_when(uploading)
    assert "✓ RegistryPusher" not in printed

    exit_code, printed = command(photos, work, *overrides).ended()
    assert exit_code == 0, printed
    assert re.search("✓ Trainer +reused", printed), printed
    _check_one_good_version(versions, registry, work, tmp_path)
