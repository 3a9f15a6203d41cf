"""Jobs count their own progress and bells; blocks wait before another try; workers, keys and permalinks have rows.

Events are numbered within their job, so that a follower sees them in the order in which they were committed.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.database.types import now_s

revision = "0005"
down_revision = "0004"

AUTO_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _job_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("permalink", sa.String(), nullable=False, server_default=""),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("queue", sa.String(), nullable=False, server_default="gpu"),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("blocks_done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("blocks_failed", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("blocks_reused", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_event", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("bells", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("used_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("results_key", sa.String(), nullable=True),
        sa.Column("checksums", sa.JSON(), nullable=True),
        sa.Column("result_bytes", sa.BigInteger(), nullable=True),
        sa.Column("expired_at", sa.Double(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
    ]


def _block_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("retry_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("used_at", sa.Double(), nullable=False, server_default="0"),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
    ]


def upgrade() -> None:
    for column in _job_columns():
        op.add_column("job", column)
    for column in _block_columns():
        op.add_column("block", column)
    op.add_column("job_block", sa.Column("ended", sa.Boolean(), nullable=False, server_default=sa.false()))
    _fill()
    op.create_index("ix_job_permalink", "job", ["permalink"], unique=True)
    op.create_index("ix_job_results_key", "job", ["results_key"])
    op.create_index("ix_job_owner_created_at", "job", ["owner", "created_at"])
    op.create_index(
        "ix_job_block_job_id_position",
        "job_block",
        ["job_id", "position"],
        postgresql_where=sa.text("NOT ended"),
        sqlite_where=sa.text("NOT ended"),
    )
    _number_events_by_job()
    op.create_table(
        "worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("queues", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seconds_per_block", sa.JSON(), nullable=False),
        sa.Column("tallies", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("seen_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.CheckConstraint("state IN ('ready','out of service','stopped')", name=op.f("ck_worker_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "bell",
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "priority", name=op.f("pk_bell")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("operator", sa.Boolean(), nullable=False),
        sa.Column("active_jobs", sa.Integer(), nullable=True),
        sa.Column("km2_per_day", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_key_sha256")),
    )


def _fill() -> None:
    """What the rows that are there would say, had they been written with these columns."""
    connection = op.get_bind()
    for (job_id,) in connection.execute(sa.text("SELECT id FROM job")).all():
        values = {"id": job_id, "permalink": secrets.token_hex(16)}
        connection.execute(sa.text("UPDATE job SET permalink = :permalink WHERE id = :id"), values)
    op.execute(
        "UPDATE job_block SET ended = true WHERE block_key IN (SELECT key FROM block WHERE status IN ('done','failed'))"
    )
    for status in ("done", "failed"):
        op.execute(
            f"UPDATE job SET blocks_{status} = (SELECT count(*) FROM job_block JOIN block"
            f" ON block.key = job_block.block_key WHERE job_block.job_id = job.id AND block.status = '{status}')"
        )
    op.execute("UPDATE job SET last_event = coalesce((SELECT max(id) FROM event WHERE job_id = job.id), 0)")
    op.execute("UPDATE job SET used_at = coalesce(finished_at, created_at)")
    op.execute("UPDATE block SET used_at = coalesce(finished_at, 0)")


def _number_events_by_job() -> None:
    op.execute("CREATE TABLE event_kept AS SELECT job_id, id, kind, data, created_at FROM event")
    op.drop_table("event")
    op.create_table(
        "event",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        *_event_columns(),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "id", name=op.f("pk_event")),
    )
    op.execute("INSERT INTO event (job_id, id, kind, data, created_at) SELECT * FROM event_kept")
    op.drop_table("event_kept")


def _event_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), server_default=now_s(), nullable=False),
    ]


def downgrade() -> None:
    for table in ("api_key", "bell", "worker"):
        op.drop_table(table)
    op.execute("CREATE TABLE event_kept AS SELECT job_id, id, kind, data, created_at FROM event")
    op.drop_table("event")
    op.create_table(
        "event",
        sa.Column("id", AUTO_ID, nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        *_event_columns(),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_job_id_id", "event", ["job_id", "id"], unique=False)
    op.execute(  # numbered anew, over all jobs
        "INSERT INTO event (job_id, kind, data, created_at)"
        " SELECT job_id, kind, data, created_at FROM event_kept ORDER BY created_at, id"
    )
    op.drop_table("event_kept")
    op.drop_index("ix_job_block_job_id_position", "job_block")
    op.drop_index("ix_job_owner_created_at", "job")
    op.drop_index("ix_job_results_key", "job")
    op.drop_index("ix_job_permalink", "job")
    op.drop_column("job_block", "ended")
    for column in _block_columns():
        op.drop_column("block", column.name)
    for column in _job_columns():
        op.drop_column("job", column.name)
