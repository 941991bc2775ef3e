"""The other TFX line continues with a champion. Run only by `tests/debian13/both_lines.sh`.

Each call is one stage, and the folder CUSTOMER_AGE_HANDOVER keeps the state. In an empty folder it
publishes a first model. Else the champion there must come from the other line, answer as it did
there, give its weights to a new model, and be the baseline of that model.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tfx.version
from PIL import Image

from customer_age.model_registry import ModelRegistry, open_registry

TINY = Path(__file__).parents[1] / "e2e/tiny.yaml"
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
PREDICTED = 12
YEARS = 0.01
"""The largest difference of an age between two TensorFlows."""


@pytest.fixture
def folder() -> Path:
    if "CUSTOMER_AGE_HANDOVER" not in os.environ:
        pytest.fail("CUSTOMER_AGE_HANDOVER is not set: run tests/debian13/both_lines.sh")
    return Path(os.environ["CUSTOMER_AGE_HANDOVER"])


@pytest.fixture
def registry(folder: Path) -> ModelRegistry:
    return open_registry(f"mlflow+sqlite:///{folder}/registry/mlflow.db", "customer-age")


def write_photos(folder: Path, seed: int) -> Path:
    """Write 240 squares with the age as their brightness."""
    random = np.random.default_rng(seed)
    (folder / "final_files").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "real_age"])
        for index in range(240):
            age = int(random.integers(5, 80))
            pixels = np.clip(random.normal(age * 3, 6, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "final_files" / f"{index:06}.jpg")
            table.writerow([f"{index:06}.jpg", age])
    return folder


def call(folder: Path, verb: str, *arguments: object, stage: str) -> str:
    """Call `customer-age` on the registry of the folder, in a work folder of this stage."""
    uri = f"registry.uri=mlflow+sqlite:///{folder}/registry/mlflow.db"
    options = ["--config", TINY, "--work-dir", folder / f"work-{stage}", "--set", uri]
    ended = subprocess.run(
        [str(each) for each in (CUSTOMER_AGE, verb, *arguments, *options)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def ages(folder: Path, stage: str) -> list[float]:
    """The champion's ages of the first photos that the first model was trained on."""
    photos = sorted((folder / "photos-0/final_files").iterdir())[:PREDICTED]
    printed = call(folder, "predict", *photos, "--format", "csv", stage=stage)
    return [float(row["age"]) for row in csv.DictReader(printed.splitlines())]


def test_the_other_line_continues_with_the_champion(folder: Path, registry: ModelRegistry) -> None:
    former = registry.champion()
    stage = former.version if former else "0"
    photos = write_photos(folder / f"photos-{stage}", seed=int(stage))
    weights = "none"
    if former is not None:
        assert former.tags["tfx_version"] != tfx.version.__version__
        former_ages = np.loadtxt(folder / f"ages-{former.version}.csv")
        assert np.ptp(former_ages) > 1, "a model with a constant answer proves nothing"
        assert ages(folder, stage) == pytest.approx(former_ages, abs=YEARS)
        weights = "champion"

    call(folder, "run", "--data", photos, "--weights", weights, stage=stage)

    champion = registry.champion()
    assert champion is not None
    assert champion.version == str(int(stage) + 1)
    assert champion.tags["tfx_version"] == tfx.version.__version__
    assert champion.tags["baseline_version"] == (former.version if former else "")
    assert champion.tags["baseline_kind"] == ("champion" if former else "median")
    assert 0 < champion.metrics["baseline_mae"] < 60
    np.savetxt(folder / f"ages-{champion.version}.csv", ages(folder, f"{stage}-afterwards"))
