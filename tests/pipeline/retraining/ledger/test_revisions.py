"""The ledger's tables from release to release, over SQLite and a real PostgreSQL server."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from standing_clock import START

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.retraining.ledger import revisions
from customer_age.pipeline.retraining.ledger.database import METADATA
from customer_age.pipeline.retraining.ledger.ledger import Ledger
from customer_age.pipeline.retraining.ledger.records import BatchState, FoundBatch, RunState

TABLES_OF_0_1 = """
CREATE TABLE retraining_runs (
    pipeline VARCHAR(63) NOT NULL, run_id VARCHAR(63) NOT NULL, state VARCHAR(20) NOT NULL,
    active BOOLEAN, why TEXT NOT NULL, reason TEXT NOT NULL, settings TEXT NOT NULL,
    new_batches TEXT NOT NULL, planned_at {moment} NOT NULL, ended_at {moment},
    held_by VARCHAR(63), held_until {moment},
    PRIMARY KEY (pipeline, run_id),
    CONSTRAINT retraining_one_active_run UNIQUE (pipeline, active));
CREATE TABLE retraining_events (
    pipeline VARCHAR(63) NOT NULL, id VARCHAR(255) NOT NULL, type VARCHAR(63) NOT NULL,
    subject VARCHAR(255) NOT NULL, happened_at {moment} NOT NULL, data TEXT NOT NULL,
    held_until {moment}, sent_at {moment},
    PRIMARY KEY (pipeline, id));
CREATE TABLE retraining_batches (
    pipeline VARCHAR(63) NOT NULL, name VARCHAR(255) NOT NULL, state VARCHAR(20) NOT NULL,
    content VARCHAR(64), same_as VARCHAR(255), photos INTEGER NOT NULL,
    arrived_at {moment} NOT NULL, found_at {moment} NOT NULL, run_id VARCHAR(63),
    tries INTEGER NOT NULL, tried_at {moment}, together INTEGER, reason TEXT NOT NULL,
    PRIMARY KEY (pipeline, name),
    CONSTRAINT retraining_content_once UNIQUE (pipeline, content),
    FOREIGN KEY(pipeline, run_id) REFERENCES retraining_runs (pipeline, run_id));
INSERT INTO retraining_runs VALUES ('shop', 'run-1', 'running', {true}, 'why', '', '{{}}',
    '["a"]', '2026-03-02 09:00:00.000000{utc}', NULL, NULL, NULL);
INSERT INTO retraining_batches VALUES ('shop', 'a', 'taken', 'abc', NULL, 12,
    '2026-03-01 09:00:00.000000{utc}', '2026-03-01 10:00:00.000000{utc}', 'run-1', 1,
    '2026-03-01 11:00:00.000000{utc}', 2, 'disk');
INSERT INTO retraining_events VALUES ('shop', 'e', 't', 'run-0',
    '2026-03-02 09:00:00.000000{utc}', '{{}}', NULL, NULL);
"""

NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "0.3"
down_revision = "0.2"
def upgrade():
    op.add_column("retraining_batches", sa.Column("cards", sa.Integer, server_default="7"))
    with op.batch_alter_table("retraining_runs") as table:
        table.alter_column("why", new_column_name="because")
"""

OPEN = """
import sys
from customer_age.pipeline.retraining.ledger.ledger import Ledger
print("ready", flush=True)
sys.stdin.readline()
print(len(Ledger(sys.argv[1], "shop").batches()), "alembic" in sys.modules)
"""


def connect(uri):
    return sa.create_engine(
        uri.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool
    ).begin()


def execute(uri, script):
    with connect(uri) as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


def query(uri, statement):
    with connect(uri) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def revision_in(uri):
    return query(uri, "SELECT version_num FROM retraining_revision")


def script_of_0_1(uri):
    if uri.startswith("sqlite"):
        return TABLES_OF_0_1.format(moment="DATETIME", true="1", utc="")
    return TABLES_OF_0_1.format(moment="TIMESTAMP WITH TIME ZONE", true="TRUE", utc="+00")


@pytest.fixture
def kept_uri(ledger_uri):
    """A ledger of release 0.1, without any revision."""
    execute(ledger_uri, script_of_0_1(ledger_uri))
    return ledger_uri


@pytest.fixture
def next_scripts(tmp_path, monkeypatch):
    """The scripts of a next release, in a folder with an odd name; `write` sets their content."""
    folder = tmp_path / "100% of the %(scripts)s"
    shutil.copytree(revisions.SCRIPTS, folder)
    monkeypatch.setattr(revisions, "SCRIPTS", folder)
    monkeypatch.setattr(revisions, "HEAD", "0.3")

    def write(text):
        (folder / "versions" / "release_0_3.py").write_text(text)

    return write


def differences(uri):
    """Return the differences between a database's tables and those that the code needs."""
    with connect(uri) as connection:
        ours = {"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables}
        return compare_metadata(MigrationContext.configure(connection, opts=ours), METADATA)


def test_the_code_works_with_the_newest_script():
    assert ScriptDirectory(str(revisions.SCRIPTS)).get_heads() == [revisions.HEAD]


def test_a_new_ledger_has_the_tables_that_the_code_works_with(ledger_uri):
    assert Ledger(ledger_uri, "shop").batches() == []
    assert revision_in(ledger_uri) == [(revisions.HEAD,)]
    assert differences(ledger_uri) == []


def test_a_ledger_of_0_1_is_taken_over(kept_uri):
    ledger = Ledger(kept_uri, "shop")
    [batch] = ledger.batches()
    assert (batch.name, batch.state, batch.photos, batch.tries) == ("a", BatchState.TAKEN, 12, 1)
    assert batch.arrived_at == datetime(2026, 3, 1, 9, tzinfo=timezone.utc)
    assert ledger.active_run().run_id == "run-1"
    assert ledger.outbox.take(60).id == "e"
    assert revision_in(kept_uri) == [(revisions.HEAD,)]
    assert differences(kept_uri) == []


@pytest.mark.parametrize("opened_before", [False, True])
def test_a_next_release_keeps_each_row(kept_uri, next_scripts, opened_before, monkeypatch):
    if opened_before:
        with monkeypatch.context() as today:
            today.setattr(revisions, "HEAD", "0.2")
            Ledger(kept_uri, "shop").batches()
    next_scripts(NEXT)
    [batch] = Ledger(kept_uri, "shop").batches()
    assert (batch.name, batch.reason) == ("a", "disk")
    assert revision_in(kept_uri) == [("0.3",)]
    assert query(kept_uri, "SELECT name, cards FROM retraining_batches") == [("a", 7)]
    assert query(kept_uri, "SELECT run_id, because FROM retraining_runs") == [("run-1", "why")]
    assert query(kept_uri, "SELECT id FROM retraining_events") == [("e",)]


def test_a_migration_that_fails_has_changed_nothing(kept_uri, next_scripts):
    next_scripts(NEXT + "    raise OSError('no space left')\n")
    before = query(kept_uri, "SELECT * FROM retraining_batches")
    with pytest.raises(RunError, match="^the ledger .* failed: no space left$"):
        Ledger(kept_uri, "shop").batches()
    assert query(kept_uri, "SELECT * FROM retraining_batches") == before
    next_scripts(NEXT)
    assert len(Ledger(kept_uri, "shop").batches()) == 1


def test_a_ledger_of_a_newer_release_is_left_alone(ledger_uri):
    Ledger(ledger_uri, "shop").batches()
    execute(ledger_uri, "UPDATE retraining_revision SET version_num = '0.7'")
    newer = r"^retraining\.ledger: a newer release .* migrated .* to revision 0\.7, but this"
    with pytest.raises(SettingsError, match=newer) as refused:
        Ledger(ledger_uri, "shop").batches()
    assert "\n" not in str(refused.value)
    assert revision_in(ledger_uri) == [("0.7",)]


@pytest.mark.parametrize("made_by_0_1", [False, True])
def test_processes_that_open_it_at_once_migrate_it_once(ledger_uri, made_by_0_1):
    if made_by_0_1:
        execute(ledger_uri, script_of_0_1(ledger_uri))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, ledger_uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(processes)) as pool:
        said = list(pool.map(lambda process: process.communicate("\n")[0].split(), processes))
    assert [batches for batches, _ in said] == [str(int(made_by_0_1))] * 4
    assert sorted(migrated for _, migrated in said) == ["False", "False", "False", "True"]
    assert revision_in(ledger_uri) == [(revisions.HEAD,)]


def test_an_account_that_may_make_no_tables(postgres_uri):
    """It needs none in a current ledger; otherwise one line names who may migrate it."""
    execute(postgres_uri, script_of_0_1(postgres_uri))
    name = postgres_uri.rpartition("/")[2]
    execute(
        postgres_uri,
        f"CREATE ROLE trigger_{name} LOGIN;\n"
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO trigger_{name}",
    )
    restricted = postgres_uri.replace("//shop@", f"//trigger_{name}@")
    may_not = r"could not be migrated to revision .* \(permission denied .*\): open it once"
    with pytest.raises(RunError, match=may_not) as refused:
        Ledger(restricted, "shop").batches()
    assert "\n" not in str(refused.value)
    Ledger(postgres_uri, "shop").batches()
    execute(postgres_uri, f"GRANT SELECT ON retraining_revision TO trigger_{name}")
    ledger = Ledger(restricted, "shop")
    assert [each.name for each in ledger.add([FoundBatch("b", START, 10, "b")])] == ["b"]
    assert ledger.active_run().state is RunState.RUNNING


def test_schemas_of_one_database_are_ledgers_of_their_own(postgres_uri):
    execute(postgres_uri, "CREATE SCHEMA one;\nCREATE SCHEMA two")
    one, two = (f"{postgres_uri}?options=-csearch_path%3D{name}" for name in ("one", "two"))
    assert Ledger(one, "shop").add([FoundBatch("a", START, 10, "a")])
    assert Ledger(two, "shop").batches() == []
    revision_of = "SELECT version_num FROM {}.retraining_revision"
    assert query(postgres_uri, revision_of.format("one")) == [(revisions.HEAD,)]
    assert query(postgres_uri, revision_of.format("two")) == [(revisions.HEAD,)]


def test_the_revision_is_in_the_schema_of_the_tables(postgres_uri):
    """Otherwise two accounts that find a ledger by their search paths would migrate it twice."""
    execute(postgres_uri, script_of_0_1(postgres_uri))
    execute(postgres_uri, "CREATE SCHEMA one")
    first_elsewhere = f"{postgres_uri}?options=-csearch_path%3Done,public"
    assert len(Ledger(first_elsewhere, "shop").batches()) == 1
    assert query(postgres_uri, "SELECT version_num FROM public.retraining_revision") == [
        (revisions.HEAD,)
    ]


def test_another_program_of_the_same_database_may_use_alembic(ledger_uri):
    """MLflow does the same."""
    execute(
        ledger_uri,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);\n"
        "INSERT INTO alembic_version VALUES ('deadbeef')",
    )
    assert Ledger(ledger_uri, "shop").batches() == []
    assert query(ledger_uri, "SELECT version_num FROM alembic_version") == [("deadbeef",)]


def by_hand(folder, uri, *arguments):
    """`docs/retraining.md` describes this."""
    settings = folder / "ledger.ini"
    settings.write_text(
        "[alembic]\n"
        "script_location = customer_age.pipeline.retraining.ledger:migrations\n"
        f"sqlalchemy.url = {uri}\n"
    )
    alembic = Path(sys.executable).with_name("alembic")
    return subprocess.run(
        [alembic, "-c", settings, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize("made_by_0_1", [False, True])
def test_by_hand_with_alembic(ledger_uri, tmp_path, made_by_0_1):
    if made_by_0_1:
        execute(ledger_uri, script_of_0_1(ledger_uri))
    by_hand(tmp_path, ledger_uri, "upgrade", "head")
    assert by_hand(tmp_path, ledger_uri, "current") == f"{revisions.HEAD} (head)\n"
    assert differences(ledger_uri) == []
    opened = subprocess.run(
        [sys.executable, "-c", OPEN, ledger_uri],
        input="\n",
        check=True,
        capture_output=True,
        text=True,
    )
    assert opened.stdout.split() == ["ready", str(int(made_by_0_1)), "False"], "nothing was left"


def test_by_hand_it_can_be_read_before_it_is_run(ledger_uri, tmp_path):
    printed = by_hand(tmp_path, ledger_uri, "upgrade", "head", "--sql")
    assert "CREATE TABLE retraining_batches" in printed
    assert "INSERT INTO retraining_revision" in printed
    with connect(ledger_uri) as connection:
        assert sa.inspect(connection).get_table_names() == []
