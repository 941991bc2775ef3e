"""A week at a shop, with triggers that die at any moment: each batch is trained once."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PLAYER = Path(__file__).with_name("week_player.py")
GOOD = {f"day-{day}{part}" for day in range(7) for part in ("", "-evening")}


@pytest.fixture
def bucket(s3_endpoint, aws_credentials):
    """The addresses of an inbox and its server."""
    import boto3

    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket="shop")
    return "s3://shop/loyalty/inbox", s3_endpoint


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    if request.param == "bucket":
        return request.getfixturevalue("bucket")
    (tmp_path / "inbox").mkdir()
    return (str(tmp_path / "inbox"),)


@pytest.mark.slow
@pytest.mark.one_line
def test_a_week(request, tmp_path, ledger_uri, place):
    address, *endpoint = place
    seed = str(sum(request.node.name.encode()))
    played = subprocess.run(
        [sys.executable, "-W", "ignore", PLAYER, tmp_path, ledger_uri, address, seed, *endpoint],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    result = json.loads(played.stdout)
    assert result["killed"] >= 10, "or it proves little"

    states = {name: state for name, (state, *_) in result["batches"].items()}
    bad = {name: state for name, state in states.items() if name not in GOOD}
    assert bad == dict.fromkeys(["bad-one", "day-0-again", "no-rows"], "set_aside")
    assert {name for name, state in states.items() if state == "learnt"} == GOOD
    assert result["batches"]["bad-one"][1:] == [
        3, result["batches"]["bad-one"][2], "data refused: a photo explodes",
    ]  # fmt: skip

    made = [run_id for run_id, *_ in result["made"]]
    assert len(made) == len(set(made)), "no run was started twice"
    assert set(made) == set(result["runs"]), "the ledger and the target know the same runs"
    assert not result["active"]
    trained = {run_id: batches for run_id, batches, state in result["made"] if state == "published"}
    learnt = Counter(name for batches in trained.values() for name in batches)
    assert learnt == dict.fromkeys(GOOD, 1), "each good batch, exactly once"
    for run_id, (state, batches) in result["runs"].items():
        if state == "published":
            assert sorted(batches) == sorted(trained[run_id])
            assert all(result["batches"][name][2] == run_id for name in batches)
