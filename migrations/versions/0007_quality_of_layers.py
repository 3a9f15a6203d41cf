"""A layer may have a report of its quality."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "layer_quality",
        sa.Column("layer_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["layer_id"], ["layer.id"], name=op.f("fk_layer_quality_layer_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("layer_id", name=op.f("pk_layer_quality")),
    )


def downgrade() -> None:
    op.drop_table("layer_quality")
