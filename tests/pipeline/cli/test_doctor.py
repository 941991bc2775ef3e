import re
import subprocess
import sys
from pathlib import Path

import pytest

CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
NAMES = [
    "Python", "glibc", "TFX line", "memory", "work folder", "temporary files", "TFX components",
    "GPU", "Beam runner", "registry", "object store", "image weights",
]  # fmt: skip


def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CUSTOMER_AGE), "doctor", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_line_each_and_an_exit_code(tmp_path: Path) -> None:
    missing = tmp_path / "none.weights.h5"
    ended = doctor("--config", "demo", "--work-dir", str(tmp_path), "--weights", str(missing))
    lines = ended.stdout.splitlines()
    assert [re.match(r"[✓✗–] ([^:]+): ", line)[1] for line in lines] == NAMES  # noqa: RUF001
    assert ended.returncode == 1
    assert ended.stderr == f"{sum(line[0] == '✗' for line in lines)} of these would stop a run\n"
    assert lines[-1] == (
        f"✗ image weights: {missing} is not a readable file → choose another file with --weights"
    )
    assert not list(tmp_path.iterdir())


def test_wrong_settings_are_reported_before_any_check() -> None:
    ended = doctor("--set", "trainer.epochs=many")
    assert ended.returncode == 2
    assert "trainer.epochs" in ended.stderr
    assert not ended.stdout
