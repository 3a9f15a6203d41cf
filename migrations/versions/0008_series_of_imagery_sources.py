"""An imagery source may have a Sentinel-2 series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.database.types import Geometry
from migrations.spatial import create_spatial_index, drop_spatial_index

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "series_image",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("taken", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("mask_href", sa.String(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("left", sa.Double(), nullable=False),
        sa.Column("bottom", sa.Double(), nullable=False),
        sa.Column("right", sa.Double(), nullable=False),
        sa.Column("top", sa.Double(), nullable=False),
        sa.Column("footprint", Geometry(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["imagery_source.id"], name=op.f("fk_series_image_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_image")),
    )
    op.create_index(op.f("ix_series_image_source_id"), "series_image", ["source_id"], unique=False)
    create_spatial_index("series_image", "footprint")


def downgrade() -> None:
    drop_spatial_index("series_image", "footprint")
    op.drop_table("series_image")
