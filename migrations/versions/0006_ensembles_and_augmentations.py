"""Jobs and blocks may be predicted by several networks, and by each of them several times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COMBINED = "further_models IS NOT NULL OR augmentation <> 'none'"


def upgrade() -> None:
    op.add_column("job", sa.Column("predicted_by", sa.String(), nullable=True))
    op.execute("UPDATE job SET predicted_by = model_id")
    op.add_column("block", sa.Column("further_models", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("block", sa.Column("augmentation", sa.String(), nullable=False, server_default="none"))


def downgrade() -> None:
    # The schema before would predict such blocks by their first model alone, under the key of the ensemble.
    combined_jobs = "SELECT id FROM job WHERE predicted_by <> model_id"
    for table in ("event", "job_block"):
        op.execute(f"DELETE FROM {table} WHERE job_id IN ({combined_jobs})")
    op.execute("DELETE FROM job WHERE predicted_by <> model_id")
    op.execute(f"DELETE FROM block WHERE {_COMBINED}")
    op.drop_column("block", "augmentation")
    op.drop_column("block", "further_models")
    op.drop_column("job", "predicted_by")
