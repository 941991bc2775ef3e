"""Adds columns for forgiven runs, dropped events, and the drifts and uploads of batches."""

import sqlalchemy as sa
from alembic import op

revision = "0.2"
down_revision = "0.1"


def upgrade() -> None:
    """Add the columns; an account that may use the tables may use them also."""
    op.add_column("retraining_runs", sa.Column("forgiven", sa.Boolean))
    op.add_column("retraining_batches", sa.Column("drift", sa.Text))
    op.add_column("retraining_batches", sa.Column("upload", sa.Text))
    op.add_column("retraining_events", sa.Column("dead", sa.String(255)))


def downgrade() -> None:
    """Remove the columns again."""
    op.drop_column("retraining_events", "dead")
    op.drop_column("retraining_batches", "upload")
    op.drop_column("retraining_batches", "drift")
    op.drop_column("retraining_runs", "forgiven")
