"""Published confidence lies in a file of its own: only a file of one band can carry a colour table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("raster", sa.Column("confidence_href", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("raster", "confidence_href")
