"""Rasters of a layer have names; a layer of many has an overview of all of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # No batch: it would make the table anew, without the triggers that keep its spatial index.
    op.add_column("raster", sa.Column("name", sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE raster SET name = 'raster-' || id")
    op.create_index("ix_raster_layer_id_name", "raster", ["layer_id", "name"], unique=True)
    op.create_table(
        "layer_overview",
        sa.Column("layer_id", sa.String(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("confidence_href", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("left", sa.Double(), nullable=False),
        sa.Column("top", sa.Double(), nullable=False),
        sa.Column("resolution_m", sa.Double(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["layer.id"], name=op.f("fk_layer_overview_layer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("layer_id", "epsg", name=op.f("pk_layer_overview")),
    )


def downgrade() -> None:
    op.drop_table("layer_overview")
    op.drop_index("ix_raster_layer_id_name", "raster")
    op.drop_column("raster", "name")
