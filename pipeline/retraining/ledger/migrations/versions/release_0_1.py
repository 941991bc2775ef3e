"""The tables of release 0.1, which created them itself and recorded no revision."""

import sqlalchemy as sa
from alembic import op

revision = "0.1"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, unless release 0.1 has created them."""
    if not op.get_context().as_sql and sa.inspect(op.get_bind()).has_table("retraining_runs"):
        return
    op.create_table(
        "retraining_runs",
        sa.Column("pipeline", sa.String(63), primary_key=True),
        sa.Column("run_id", sa.String(63), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("active", sa.Boolean),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("new_batches", sa.Text, nullable=False),
        sa.Column("planned_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("held_by", sa.String(63)),
        sa.Column("held_until", _MOMENT),
        sa.UniqueConstraint("pipeline", "active", name="retraining_one_active_run"),
    )
    op.create_table(
        "retraining_batches",
        sa.Column("pipeline", sa.String(63), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("content", sa.String(64)),
        sa.Column("same_as", sa.String(255)),
        sa.Column("photos", sa.Integer, nullable=False),
        sa.Column("arrived_at", _MOMENT, nullable=False),
        sa.Column("found_at", _MOMENT, nullable=False),
        sa.Column("run_id", sa.String(63)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("tried_at", _MOMENT),
        sa.Column("together", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("pipeline", "content", name="retraining_content_once"),
        sa.ForeignKeyConstraint(
            ["pipeline", "run_id"], ["retraining_runs.pipeline", "retraining_runs.run_id"]
        ),
    )
    op.create_table(
        "retraining_events",
        sa.Column("pipeline", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("type", sa.String(63), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("happened_at", _MOMENT, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("held_until", _MOMENT),
        sa.Column("sent_at", _MOMENT),
    )


def downgrade() -> None:
    """Refuse, because there is no earlier revision.

    Raises:
        NotImplementedError: always; the ledger would be lost.
    """
    raise NotImplementedError("the ledger would be lost")
