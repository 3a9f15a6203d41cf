"""Whether the storage is what it was: a folder that is not mounted is an empty one, and nothing is lost with it."""

from __future__ import annotations

from itertools import chain

from sqlalchemy import select

from app.database import BlockRow, JobRow, RasterRow, Sessions
from app.storage import Storage

_ASKED = 20


def storage_is_there(sessions: Sessions, storage: Storage) -> bool:
    """Whether it has any of some files that rows speak of."""
    with sessions.read() as session:
        blocks = session.scalars(select(BlockRow.href).where(BlockRow.status == "done").limit(_ASKED)).all()
        rasters = session.scalars(select(RasterRow.href).limit(_ASKED)).all()
        promised = select(JobRow.results).where(JobRow.status == "successful", JobRow.expired_at.is_(None))
        results = session.scalars(promised.limit(_ASKED)).all()
    hrefs = chain(rasters, blocks, chain.from_iterable((each or {}).values() for each in results))
    return any(storage.exists(href) for href in hrefs if href)
