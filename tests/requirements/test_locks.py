"""The lock files hold what `make lock` promises of them."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "requirements"
LOCKS = sorted(FOLDER.glob("*.txt"), key=lambda lock: lock.name)
OF_THE_LINES = [lock for lock in LOCKS if lock.name.startswith("tfx-")]


def pins(lock: Path) -> dict[str, str]:
    """The version of each distribution that a lock names."""
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", lock.read_text(), re.MULTILINE))


def test_every_line_and_python_has_a_lock() -> None:
    assert [lock.stem for lock in OF_THE_LINES] == [
        "tfx-1.16-py311",
        "tfx-1.21-py311",
        "tfx-1.21-py312",
        "tfx-1.21-py313",
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_a_hash_and_no_line_names_an_index(lock: Path) -> None:
    requirements = lock.read_text().replace("\\\n", "").splitlines()
    requirements = [line for line in requirements if not line.startswith("#")]
    assert requirements
    for requirement in requirements:
        assert re.fullmatch(
            r"[a-z0-9._-]+(\[[a-z,-]+\])?==[^\s:/@]+(\s+--hash=sha256:[0-9a-f]{64})+", requirement
        ), requirement


@pytest.mark.parametrize("lock", OF_THE_LINES, ids=lambda lock: lock.name)
def test_a_lock_is_of_its_line_and_holds_the_extras(lock: Path) -> None:
    pinned = pins(lock)
    line = lock.name.split("-")[1]
    assert pinned["tfx"].startswith(f"{line}.")
    extras = {"kfp", "google-cloud-aiplatform", "model-registry", "boto3", "pi-heif"}
    assert {"pytest", *extras} <= set(pinned)


@pytest.mark.parametrize("name", ["image-py313.txt", "image-gpu-py313.txt"])
def test_the_containers_hold_what_the_line_was_tested_with(name: str) -> None:
    tested = pins(FOLDER / "tfx-1.21-py313.txt")
    held = pins(FOLDER / name)
    assert {k: v for k, v in held.items() if not k.startswith("nvidia-")}.items() <= tested.items()
    assert "pytest" not in held
    assert "pi-heif" in held  # every worker and component decodes what people send
    assert ("nvidia-cudnn-cu12" in held) == ("gpu" in name)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_holds_the_twin_of_pi_heif_that_bundles_gpl_code(lock: Path) -> None:
    assert "pillow-heif" not in pins(lock)
