"""The imagery sources in memory, so that an imagery tile needs no SQL."""

from __future__ import annotations

import math
import threading
import time

import shapely
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ImagerySourceRow, Sessions
from app.definitions import ImagerySource, Role
from app.errors import Unavailable, Unknown
from app.imagery.files import Bounds, ImageryFile
from app.imagery.sources import all_files, shipped

log = structlog.get_logger(__name__)


class IndexedSource:
    """A source and its files, found by place. file_side_m: of the largest, taken as a square; 0 without files."""

    def __init__(self, source: ImagerySource, files: list[ImageryFile]) -> None:
        self.source = source
        self.roles = frozenset(file.role for file in files)
        areas_m2 = ((f.bounds.right - f.bounds.left) * (f.bounds.top - f.bounds.bottom) for f in files)
        self.file_side_m = math.sqrt(max(areas_m2, default=0.0))
        self.file_count = len(files)
        self._files = files
        self._tree = shapely.STRtree([shapely.box(*file.bounds) for file in files])

    def files(self, role: Role, bounds: Bounds) -> list[ImageryFile]:
        """The files of a role that meet the bounds (source's CRS), those first that win where files overlap."""
        found = sorted(self._tree.query(shapely.box(*bounds)).tolist())
        return [f for f in (self._files[i] for i in found) if f.role == role and f.bounds.meets(bounds)]


class ImageryIndex:
    """All sources, read again every `refresh_s` seconds; only sources registered anew have their files read.

    While the database does not answer, what was known before goes on being served.
    """

    def __init__(self, sessions: Sessions, refresh_s: float) -> None:
        self._sessions = sessions
        self._refresh_s = refresh_s
        self._refreshing = threading.Lock()
        self._due_at = 0.0
        self._sources: dict[str, tuple[float, IndexedSource]] | None = None

    def source(self, source_id: str) -> IndexedSource:
        """Raises Unknown for a source that is not there, Unavailable where the database never answered yet."""
        sources = self._current()
        if source_id not in sources:
            known = ", ".join(sources) or "none yet"
            raise Unknown(f"there is no imagery source {source_id!r}; known: {known}", "source")
        return sources[source_id][1]

    def _current(self) -> dict[str, tuple[float, IndexedSource]]:
        known = self._sources
        if known is not None and time.monotonic() < self._due_at:
            return known
        # One thread refreshes; the others go on with what is known, and wait only where nothing is.
        if not self._refreshing.acquire(blocking=known is None):
            return known or {}
        try:
            if self._sources is None or time.monotonic() >= self._due_at:
                self._sources = self._read(self._sources or {})
                self._due_at = time.monotonic() + self._refresh_s
        except Unavailable:
            if self._sources is None:
                raise
            self._due_at = time.monotonic() + self._refresh_s
            log.warning("imagery index not refreshed: the database does not answer")
        finally:
            self._refreshing.release()
        return self._sources

    def _read(self, known: dict[str, tuple[float, IndexedSource]]) -> dict[str, tuple[float, IndexedSource]]:
        with self._sessions.read() as session:
            rows = session.scalars(select(ImagerySourceRow).order_by(ImagerySourceRow.id)).all()
            registered = {row.id: self._entry(session, row, known.get(row.id)) for row in rows}
            return {name: (0.0, IndexedSource(source, [])) for name, source in shipped().items()} | registered

    def _entry(
        self, session: Session, row: ImagerySourceRow, known: tuple[float, IndexedSource] | None
    ) -> tuple[float, IndexedSource]:
        if known is not None and known[0] == row.registered_at:
            return known
        source = ImagerySource.model_validate(row.document)
        return row.registered_at, IndexedSource(source, all_files(session, row.id))
