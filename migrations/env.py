"""Alembic's environment: runs the migrations on the connection that `app.database.migrate` hands over."""

from __future__ import annotations

from alembic import context

from app.database import Base
from migrations.spatial import include_object

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_object=include_object,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
