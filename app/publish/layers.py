"""Publishing and withdrawing layers.

A publication writes the files that are not there yet, named by their content, then changes the rows in one
transaction: readers see the old layer or the new one, never half of each. Files that only the version before needs stay
until the next publication, for processes that have not looked at the database since; all others go.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import delete, select

from app.database import LayerOverviewRow, LayerRow, RasterRow, Sessions, exclusive, now_s
from app.definitions import Nomenclature
from app.definitions.coding import Coding
from app.errors import ParameterInvalid, Unavailable, Unknown
from app.publish.additions import with_additions
from app.publish.inputs import gather
from app.publish.mosaics import Mosaic, mosaics
from app.publish.overviews import write_overviews
from app.publish.raster_files import Progress, href_of, hrefs_of, part_of, write_raster
from app.publish.results import JOB_PREFIX, is_job_layer
from app.storage import Storage

_LAYER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_CHECKS_SHARE, _RASTERS_SHARE = 0.05, 0.9
"""Shares of the time that go into checking files and into the rasters; the rest is the overview of all of them."""
_ROWS_AT_ONCE = 1000
"""Databases bound the number of parameters of a statement."""


class _State(NamedTuple):
    """A layer as the database has it."""

    layer: LayerRow | None
    rasters: Sequence[RasterRow]
    overviews: Sequence[LayerOverviewRow]

    @property
    def hrefs(self) -> set[str]:
        rows: list[RasterRow | LayerOverviewRow] = [*self.rasters, *self.overviews]
        return {href for row in rows for href in hrefs_of(row)}


def publish(
    sessions: Sessions,
    storage: Storage,
    *,
    layer_id: str,
    title: str,
    rasters: Sequence[Path | str],
    nomenclature: Nomenclature,
    vintage: int | None,
    imagery_source: str | None,
    model: str | None,
    attribution: str,
    demonstration: bool = False,
    description: str = "",
    coding: Coding = Coding.VALUES,
    add: bool = False,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Publishes class rasters as a layer, new or in place of the one of that id; gives the version.

    rasters: paths of class files or folders of them, or hrefs of our own storage (a block file, an output). coding:
    what the numbers in the files at those paths mean. add: the rasters the layer has stay (see `with_additions`).
    tell: is told, in sentences, what was lost on the way. Rasters that the layer has already are not written again.
    Two publications of one layer wait for each other.
    Raises ParameterInvalid, RasterRefused (nothing is changed), Unavailable.
    """
    if not _LAYER_ID.fullmatch(layer_id):
        raise ParameterInvalid("a layer id has small letters, digits, '.', '_' and '-', 64 at most", "layer")
    if is_job_layer(layer_id):
        raise ParameterInvalid(f"ids that begin with {JOB_PREFIX!r} are those of published jobs", "layer")
    if not rasters:
        raise ParameterInvalid("there is no raster to publish", "rasters")
    folder, report = _folder(layer_id), progress or (lambda _fraction: None)
    content = mosaics(gather(storage, rasters, nomenclature, coding, part_of(report, 0.0, _CHECKS_SHARE)))
    with exclusive(sessions.engine, folder) as still_held:
        before = _state(sessions, layer_id)
        kept: list[RasterRow] = []
        if add and before.layer is not None:
            _require_same_nomenclature(before.layer, nomenclature)
            kept, content = with_additions(storage, before.rasters, content)
        with _nothing_left_behind(storage, folder):
            told = part_of(report, _CHECKS_SHARE, _RASTERS_SHARE)
            rows = [*kept, *_write(storage, folder, content, nomenclature, before, told)]
            told = part_of(report, _CHECKS_SHARE + _RASTERS_SHARE, 1 - _CHECKS_SHARE - _RASTERS_SHARE)
            overviews = write_overviews(storage, folder, rows, (before.rasters, before.overviews), nomenclature, told)
        for remark in (remark for mosaic in content for remark in mosaic.remarks()):
            (tell or (lambda _remark: None))(remark)
        layer = LayerRow(
            id=layer_id,
            title=title,
            description=description,
            nomenclature=nomenclature.id,
            vintage=vintage,
            imagery_source=imagery_source,
            model=model,
            attribution=attribution,
            demonstration=demonstration,
            version=_version(rows, nomenclature),
        )
        still_held()
        after = _State(layer, rows, overviews)
        _replace_rows(sessions, before, after)
        _retire(storage, folder, keep=before.hrefs | after.hrefs)
    return layer.version


def unpublish(sessions: Sessions, storage: Storage, layer_id: str, *, grace_s: float = 0.0) -> None:
    """Withdraws a layer, and removes its files `grace_s` later, when every process has seen that. Raises Unknown."""
    with exclusive(sessions.engine, _folder(layer_id)):
        with sessions.write() as session:
            row = session.get(LayerRow, layer_id)
            if row is None:
                published = ", ".join(session.scalars(select(LayerRow.id).order_by(LayerRow.id))) or "none"
                raise Unknown(f"there is no layer {layer_id!r}; published: {published}", "layer")
            session.execute(delete(LayerOverviewRow).where(LayerOverviewRow.layer_id == layer_id))
            session.execute(delete(RasterRow).where(RasterRow.layer_id == layer_id))
            session.delete(row)
        time.sleep(grace_s)
        storage.remove(_folder(layer_id))


def _folder(layer_id: str) -> str:
    return f"layers/{layer_id}"


def _state(sessions: Sessions, layer_id: str) -> _State:
    with sessions.read() as session:
        return _State(
            session.get(LayerRow, layer_id),
            session.scalars(select(RasterRow).where(RasterRow.layer_id == layer_id).order_by(RasterRow.id)).all(),
            session.scalars(select(LayerOverviewRow).where(LayerOverviewRow.layer_id == layer_id)).all(),
        )


def _require_same_nomenclature(layer: LayerRow, nomenclature: Nomenclature) -> None:
    if layer.nomenclature != nomenclature.id:
        raise ParameterInvalid(
            f"the layer's nomenclature is {layer.nomenclature!r}: rasters of {nomenclature.id!r} cannot be added",
            "nomenclature",
        )


def _version(rows: Iterable[RasterRow], nomenclature: Nomenclature) -> str:
    """Hash of all that decides the pixels of the layer and how they are read."""
    named = sorted(f"{row.name} {row.href}" for row in rows)
    return hashlib.sha256("\n".join([nomenclature.id, *named]).encode()).hexdigest()[:12]


def _write(
    storage: Storage,
    folder: str,
    content: Sequence[Mosaic],
    nomenclature: Nomenclature,
    before: _State,
    progress: Progress,
) -> list[RasterRow]:
    """Rows for the rasters: those there are where nothing changed, new ones for the files written."""
    there = set(storage.names(folder))
    known = {(row.name, row.href): row for row in before.rasters if row.href in there}
    total_px = sum(mosaic.grid.width * mosaic.grid.height for mosaic in content)
    rows, done = [], 0.0
    for mosaic in content:
        share = mosaic.grid.width * mosaic.grid.height / total_px
        href, told = href_of(folder, mosaic, nomenclature), part_of(progress, done, share)
        row, written = known.get((mosaic.name, href)), href in there
        if row is not None and storage.sha256(href) != row.sha256:  # damaged since: publishing again repairs it
            row, written = None, False
        rows.append(row or write_raster(storage, folder, mosaic, nomenclature, written=written, progress=told))
        done += share
    progress(1.0)
    return rows


@contextmanager
def _nothing_left_behind(storage: Storage, folder: str) -> Iterator[None]:
    """Removes what was written inside when it is refused, fails or is interrupted. What a killed process wrote stays,
    for the next publication to find."""
    there = set(storage.names(folder))
    try:
        yield
    except BaseException:
        with suppress(Unavailable):
            _retire(storage, folder, keep=there)
        raise


def _replace_rows(sessions: Sessions, before: _State, after: _State) -> None:
    """Puts the rows in place, all at once; those of rasters that stay are left alone."""
    assert after.layer is not None  # noqa: S101 - for the type checker
    layer_id = after.layer.id
    kept = {row.id for row in after.rasters if row.id is not None}
    gone = [row.id for row in before.rasters if row.id not in kept]
    with sessions.write() as session:
        session.merge(after.layer).published_at = now_s()
        session.execute(delete(LayerOverviewRow).where(LayerOverviewRow.layer_id == layer_id))
        for first in range(0, len(gone), _ROWS_AT_ONCE):
            session.execute(delete(RasterRow).where(RasterRow.id.in_(gone[first : first + _ROWS_AT_ONCE])))
        session.flush()
        new: list[RasterRow | LayerOverviewRow] = [row for row in after.rasters if row.id is None]
        new += after.overviews
        for row in new:
            row.layer_id = layer_id
        session.add_all(new)


def _retire(storage: Storage, folder: str, keep: set[str]) -> None:
    for href in storage.names(folder):
        if href not in keep:
            storage.remove(href)
