"""Workers note how long the imagery of a block takes to come from a map server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("worker", sa.Column("fetch_seconds", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("worker", "fetch_seconds")
