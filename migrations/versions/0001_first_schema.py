"""The first schema: layers, imagery, models, jobs and blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.database.types import Geometry, now_s
from migrations.spatial import create_spatial_index, drop_spatial_index

revision = "0001"
down_revision = None

AUTO_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SPATIAL = (("imagery_file", "footprint"), ("raster", "footprint"))


def upgrade() -> None:
    op.create_table(
        "block",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("grid_column", sa.Integer(), nullable=False),
        sa.Column("grid_row", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("source_version", sa.String(), nullable=False),
        sa.Column("model_id", sa.String(), nullable=False),
        sa.Column("model_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("href", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("histogram", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.CheckConstraint("status IN ('waiting','claimed','done','failed')", name=op.f("ck_block_status")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_block")),
    )
    op.create_index("ix_block_status_lease_until", "block", ["status", "lease_until"], unique=False)
    op.create_table(
        "imagery_source",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imagery_source")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("model_id", sa.String(), nullable=False),
        sa.Column("outputs", sa.JSON(), nullable=False),
        sa.Column("aoi", Geometry(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("blocks_total", sa.Integer(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=True),
        sa.Column("finalize_attempts", sa.Integer(), nullable=False),
        sa.Column("rung_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint(
            "status IN ('accepted','running','successful','failed','dismissed')", name=op.f("ck_job_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_job_owner_idempotency_key")),
    )
    op.create_index("ix_job_status_created_at", "job", ["status", "created_at"], unique=False)
    op.create_table(
        "layer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("nomenclature", sa.String(), nullable=False),
        sa.Column("vintage", sa.Integer(), nullable=True),
        sa.Column("imagery_source", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("attribution", sa.String(), nullable=False),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("published_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer")),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("weights_href", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
    )
    op.create_table(
        "event",
        sa.Column("id", AUTO_ID, nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_job_id_id", "event", ["job_id", "id"], unique=False)
    op.create_table(
        "imagery_file",
        sa.Column("id", AUTO_ID, nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("left", sa.Double(), nullable=False),
        sa.Column("bottom", sa.Double(), nullable=False),
        sa.Column("right", sa.Double(), nullable=False),
        sa.Column("top", sa.Double(), nullable=False),
        sa.Column("footprint", Geometry(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["imagery_source.id"], name=op.f("fk_imagery_file_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imagery_file")),
    )
    op.create_index(op.f("ix_imagery_file_source_id"), "imagery_file", ["source_id"], unique=False)
    op.create_table(
        "job_block",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("block_key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["block_key"], ["block.key"], name=op.f("fk_job_block_block_key")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_block_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "block_key", name=op.f("pk_job_block")),
    )
    op.create_index(op.f("ix_job_block_block_key"), "job_block", ["block_key"], unique=False)
    op.create_table(
        "raster",
        sa.Column("id", AUTO_ID, nullable=False),
        sa.Column("layer_id", sa.String(), nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bands", sa.Integer(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("left", sa.Double(), nullable=False),
        sa.Column("top", sa.Double(), nullable=False),
        sa.Column("resolution_m", sa.Double(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("footprint", Geometry(), nullable=False),
        sa.ForeignKeyConstraint(["layer_id"], ["layer.id"], name=op.f("fk_raster_layer_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raster")),
    )
    op.create_index(op.f("ix_raster_layer_id"), "raster", ["layer_id"], unique=False)
    for table, column in SPATIAL:
        create_spatial_index(table, column)


def downgrade() -> None:
    for table, column in SPATIAL:
        drop_spatial_index(table, column)
    op.drop_table("raster")
    op.drop_table("job_block")
    op.drop_table("imagery_file")
    op.drop_table("event")
    op.drop_table("model")
    op.drop_table("layer")
    op.drop_table("job")
    op.drop_table("imagery_source")
    op.drop_table("block")
