"""A job says which process it runs; one that counts has inputs instead of imagery and a model, and can be gone on with.

Whoever ends a job holds it for a while (`lease_until`, `fence`), as a block is held.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_PREDICT = "predict-land-cover"


def upgrade() -> None:
    # No batch: SQLite would make the table anew, and dropping the old one takes the rows that refer to it along.
    op.add_column("job", sa.Column("process", sa.String(), nullable=False, server_default=_PREDICT))
    op.add_column("job", sa.Column("inputs", sa.JSON(), nullable=True))
    op.add_column("job", sa.Column("progress", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("checkpoint", sa.JSON(), nullable=True))
    op.add_column("job", sa.Column("lease_until", sa.Double(), nullable=False, server_default="0"))
    op.add_column("job", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    for column in ("source_id", "model_id"):
        _replace_column(column, sa.Column(f"{column}_new", sa.String(), nullable=True))


def downgrade() -> None:
    # The schema before has no place for the other processes' jobs.
    op.execute(f"DELETE FROM job WHERE process <> '{_PREDICT}'")
    for column in ("source_id", "model_id"):
        _replace_column(column, sa.Column(f"{column}_new", sa.String(), nullable=False, server_default=""))
    for column in ("fence", "lease_until", "checkpoint", "progress", "inputs", "process"):
        op.drop_column("job", column)


def _replace_column(column: str, replacement: sa.Column[str]) -> None:
    """Puts a column of another nullability in place: SQLite cannot change one."""
    op.add_column("job", replacement)
    op.execute(f"UPDATE job SET {replacement.name} = {column}")
    op.drop_column("job", column)
    op.alter_column("job", replacement.name, new_column_name=column)
