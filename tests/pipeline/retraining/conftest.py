import itertools
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # the modules next to this one

import postgres_server
from standing_clock import StandingClock

from customer_age.pipeline.retraining.ledger.ledger import Ledger

_numbers = itertools.count()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="session")
def postgres(free_port):
    missing = postgres_server.missing()
    if missing:
        pytest.skip(f"PostgreSQL is not installed: no {' and no '.join(missing)}")
    with postgres_server.running(free_port()) as address:
        yield address


@pytest.fixture
def postgres_uri(postgres) -> str:
    """A new database of a real server."""
    import psycopg

    name = f"ledger_{next(_numbers)}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgres}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_uri(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    return request.getfixturevalue("postgres_uri")


@pytest.fixture
def ledger(ledger_uri, clock) -> Ledger:
    return Ledger(ledger_uri, "shop", clock)
