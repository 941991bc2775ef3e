"""The backups of docs/upgrading.md, with its commands, and a check after a restore."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from test_trigger import Shop

from customer_age.pipeline.retraining.ledger.ledger import Ledger

PAGE = Path(__file__).parents[4] / "docs" / "upgrading.md"


def lines_of_the_page():
    """The page's commands in order: back up and restore SQLite, then PostgreSQL."""
    blocks = re.findall(r"```sh\n(.+?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


def call(line, folder, address=""):
    words = shlex.split(line.replace("postgresql://user@host:5432/database", address))
    words[0] = {"python": sys.executable}.get(words[0], words[0])
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def learn(shop, batch_folder, name):
    batch_folder(name)
    shop.look()
    assert shop.states()[name] == "learnt"


@pytest.fixture
def shop(tmp_path, ledger, clock):
    return Shop(tmp_path, ledger, clock)


def goes_on(shop, ledger, batch_folder):
    """Batches trained since the backup are found again, and start no second run."""
    shop.ledger = ledger
    assert shop.states() == {"monday": "learnt"}
    made = shop.target.made()
    shop.look(ledger=ledger)
    assert shop.states() == {"monday": "learnt", "tuesday": "learnt"}
    assert shop.target.made() == made
    batch_folder("wednesday")
    shop.look(ledger=ledger)
    assert shop.states()["wednesday"] == "learnt"
    assert len(shop.target.made()) == len(made) + 1


@pytest.mark.parametrize("ledger_uri", ["sqlite"], indirect=True)
def test_a_ledger_in_sqlite(shop, tmp_path, batch_folder, clock):
    back_up, restore, *_ = lines_of_the_page()
    place = tmp_path / "work" / "retraining"
    place.mkdir(parents=True)
    uri = f"sqlite:///{place}/ledger.sqlite"
    ledger = Ledger(uri, "shop", clock)
    shop.trigger = dataclasses.replace(shop.trigger, ledger=ledger)
    shop.ledger = ledger
    learn(shop, batch_folder, "monday")
    call(back_up, tmp_path)
    learn(shop, batch_folder, "tuesday")
    call(restore, tmp_path)
    goes_on(shop, Ledger(uri, "shop", clock), batch_folder)


@pytest.mark.parametrize("ledger_uri", ["postgresql"], indirect=True)
def test_a_ledger_in_postgresql(shop, ledger_uri, tmp_path, batch_folder, clock, postgres):
    import psycopg

    *_, back_up, restore = lines_of_the_page()
    learn(shop, batch_folder, "monday")
    call(back_up, tmp_path, ledger_uri)
    learn(shop, batch_folder, "tuesday")
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    restored = f"{postgres}/restored"
    call(restore, tmp_path, restored)
    goes_on(shop, Ledger(restored, "shop", clock), batch_folder)
