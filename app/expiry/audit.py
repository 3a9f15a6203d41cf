"""Files and rows compared, a piece at a time, for ever: what a crash, a restored backup or a hand left unequal.

Files without a row, and what killed writers left, go after a grace. Results whose files are missing expire, and blocks
whose file is missing can be computed again; but never because the storage as a whole is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog
from sqlalchemy import select

from app.blocks import block_href
from app.database import BlockRow, JobRow, LayerRow, Sessions
from app.errors import CosiaError
from app.expiry import blocks, results, rows
from app.expiry.presence import storage_is_there
from app.jobs import ACTIVE
from app.publish.results import layer_id_of
from app.settings import Settings
from app.storage import Storage

log = structlog.get_logger(__name__)

_AT_ONCE = 100
_BLOCK_FOLDERS = [f"{number:02x}" for number in range(256)]
_FIRST_LETTERS = "0123456789abcdef"
_AFTER_ALL = "~"  # sorts behind every letter and digit

T = TypeVar("T")
P = TypeVar("P")


class Audit:
    """A walk over everything that is kept. grace_s: age from which a file that no row speaks of is litter."""

    def __init__(self, sessions: Sessions, storage: Storage, settings: Settings, *, grace_s: float) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._grace_s = grace_s
        self._block_folders: set[str] = set()

    def walk(self) -> Iterator[None]:
        """Everything once; yields after each piece. A piece that fails is left for the next walk."""
        self._block_folders = set(_tried(self._storage.folders, "blocks") or [])
        for first, last in zip(_BLOCK_FOLDERS, [*_BLOCK_FOLDERS[1:], _AFTER_ALL], strict=True):
            _tried(lambda bounds: self._blocks(*bounds), (first, last))
            yield
        after: str | None = ""
        while after is not None:
            after = _tried(self._results, after)
            yield
        for first, last in zip(_FIRST_LETTERS, [*_FIRST_LETTERS[1:], _AFTER_ALL], strict=True):
            _tried(lambda bounds: self._folders(*bounds), (first, last))
            yield
        for folder in ("jobs", "layers", "models"):
            _tried(self._clear_unfinished, folder)
            yield

    def _blocks(self, first: str, last: str) -> None:
        """The folder of the blocks whose keys begin with `first`."""
        folder = f"blocks/{first}"
        done = select(BlockRow.key).where(BlockRow.key >= first, BlockRow.key < last, BlockRow.status == "done")
        with self._sessions.read() as session:
            promised = {block_href(key): key for key in session.scalars(done)}
        rows.clear_blocks(self._sessions, first, last)
        if not promised and folder not in self._block_folders:
            return
        found = {
            file.href: file.age_s for file in self._storage.listing(folder)
        }  # after the rows: it has all of theirs
        missing = [key for href, key in promised.items() if href not in found]
        if missing and storage_is_there(self._sessions, self._storage):
            for lost in blocks.take_away(self._sessions, self._storage, missing, lease_s=self._settings.lease_s):
                log.error("block_lost", block=lost)
        for href, age_s in found.items():
            if href not in promised and age_s > self._grace_s:
                self._remove_orphan(href)
        self._clear_unfinished(folder)

    def _remove_orphan(self, href: str) -> None:
        """Removes a file of no block that is done, unless somebody is about to write it."""
        key = href.rpartition("/")[2].removesuffix(".tif")
        with self._sessions.read() as session:
            row = session.get(BlockRow, key)
        if row is None:
            self._storage.remove(href)
        elif not blocks.take_away(
            self._sessions, self._storage, [key], lease_s=self._settings.lease_s, statuses=("waiting", "failed")
        ):
            return
        log.warning("orphan_removed", href=href)

    def _results(self, after: str) -> str | None:
        """Some jobs behind the id `after`; gives the last of them, None when these were the last of all."""
        statement = select(JobRow.id, JobRow.results).where(results.expirable(), JobRow.id > after)
        with self._sessions.read() as session:
            promised = session.execute(statement.order_by(JobRow.id).limit(_AT_ONCE)).all()
        for job_id, hrefs in promised:
            missing = set((hrefs or {}).values()) - set(self._storage.names(results.folder_of(job_id)))
            if missing and storage_is_there(self._sessions, self._storage):
                log.error("result_lost", job_id=job_id, missing=sorted(missing))
                results.take_away(self._sessions, self._storage, job_id)
        return promised[-1][0] if len(promised) == _AT_ONCE else None

    def _folders(self, first: str, last: str) -> None:
        """The folders of jobs whose ids begin with `first`: those of which no row speaks, or which it calls gone."""
        folders = {href.rpartition("/")[2]: href for href in self._storage.folders("jobs")}
        names = [name for name in folders if (first if first != "0" else "") <= name < last]
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            with self._sessions.read() as session:
                kept = set(
                    session.scalars(
                        select(JobRow.id).where(JobRow.id.in_(some), JobRow.status.in_(ACTIVE) | results.promised())
                    )
                )
                layers = set(session.scalars(select(LayerRow.id).where(LayerRow.id.in_(map(layer_id_of, some)))))
            for name in some:
                if name not in kept and layer_id_of(name) not in layers and self._is_old(folders[name]):
                    self._storage.remove(folders[name])
                    log.warning("orphan_removed", href=folders[name])

    def _is_old(self, folder: str) -> bool:
        return all(file.age_s > self._grace_s for file in self._storage.listing(folder))

    def _clear_unfinished(self, folder: str) -> None:
        cleared = self._storage.clear_unfinished(folder, older_than_s=self._grace_s)
        if cleared:
            log.warning("unfinished_removed", folder=folder, files=cleared)


def _tried(piece: Callable[[P], T], of: P) -> T | None:
    try:
        return piece(of)
    except CosiaError as error:
        log.warning("audit_postponed", reason=error.message)
        return None
