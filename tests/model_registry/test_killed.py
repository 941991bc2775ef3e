"""A publisher that is killed at any step does no harm."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from customer_age.model_registry import open_registry

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.one_line
def test_after_a_kill_at_any_step_publishing_again_leads_to_one_version(empty_database, tmp_path):
    printed = subprocess.run(
        [sys.executable, HERE / "killed_publishers.py", empty_database, tmp_path],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    steps = [json.loads(line) for line in printed.splitlines()]
    for step in steps:
        found, made = step["found"], step["made"]
        assert found["champion"] in found["versions"], "the old champion or the new one"
        assert len(found["versions"]) <= 2
        assert made["version"] == "2"
        assert made["aliases"] == ["champion"]
        assert made["versions"] == ["1", "2"], "one new version"
        assert made["whole"], "all its files"
        assert made["uploads"] == 2, "nothing left of the first attempt"
        assert made["former"] == "1", "and the way back"
    # Before, during and after the upload, with a version and no alias, with the alias.
    assert len(steps) >= 12
    champions = [step["found"]["champion"] for step in steps]
    assert champions[0] == "1"
    assert champions[-1] == "2"
    assert champions == sorted(champions)


@pytest.mark.slow
@pytest.mark.one_line
def test_a_database_is_created_again_after_a_kill(publication, tmp_path):
    folder = tmp_path / "registry"
    first = publication("first", mae=6.5)
    script = (
        "import sys; from pathlib import Path\n"
        "from customer_age.model_registry.mlflow_store.tracking import SqliteFile\n"
        "SqliteFile(Path(sys.argv[1])).prepare()\n"
    )
    folder.mkdir()
    database, unfinished = folder / "mlflow.db", folder / ".mlflow.db.unfinished"
    for _ in range(3):
        maker = subprocess.Popen([sys.executable, "-c", script, database])
        while maker.poll() is None and not _is_half_made(unfinished):
            time.sleep(0.01)
        maker.kill()
        assert maker.wait() in (0, -signal.SIGKILL)
        if not database.exists():
            break
        database.unlink()  # it was made before it could be killed
    assert unfinished.exists()
    registry = open_registry(f"mlflow+sqlite:///{folder}/mlflow.db", "customer-age")
    assert registry.champion() is None
    assert registry.publish(first).aliases == ("champion",)
    assert not list(folder.glob("*unfinished*"))


def _is_half_made(database: Path) -> bool:
    try:
        return database.stat().st_size > 100_000
    except FileNotFoundError:  # not there yet, or renamed
        return False
