"""The workflow of GitHub Actions calls what `make` has, on the hosts of both lines."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
JOBS = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
TARGETS = re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


def called(job: str) -> list[str]:
    """The make targets that a job calls."""
    steps = [step.get("run", "") for step in JOBS[job]["steps"]]
    return re.findall(r"^make ([a-z0-9-]+)", "\n".join(steps), re.MULTILINE)


@pytest.mark.parametrize("job", JOBS)
def test_every_target_is_there(job: str) -> None:
    assert set(called(job)) <= set(TARGETS)


def test_both_lines_pass_the_same_targets() -> None:
    assert JOBS["tfx-1-21"]["runs-on"] == "ubuntu-24.04"
    assert JOBS["tfx-1-16"]["container"]["image"] == "debian:12"
    assert called("tfx-1-21") == ["test", "run"]
    assert called("tfx-1-16") == ["test", "run", "test-debian13"]


def test_every_job_is_bounded_and_may_only_read() -> None:
    assert all("timeout-minutes" in job for job in JOBS.values())
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
