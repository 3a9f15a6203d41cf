"""Look-up of imagery sources, of their files, and of the ground that those cover."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aoi import from_grid_crs, to_grid_crs
from app.database import ImageryFileRow, ImagerySourceRow, intersects
from app.definitions import Band, ExtraInput, ImagerySource, Role, shipped_imagery_sources
from app.definitions.roles import roles_of
from app.errors import Unknown
from app.imagery.files import Bounds, ImageryFile
from app.imagery.series import series_coverage
from app.settings import settings


def find(session: Session, source_id: str) -> ImagerySource:
    """The source of that id. Raises Unknown, naming those there are."""
    row = session.get(ImagerySourceRow, source_id)
    if row is not None:
        return ImagerySource.model_validate(row.document)
    offered = shipped()
    if source_id in offered:
        return offered[source_id]
    known = ", ".join(sorted({*session.scalars(select(ImagerySourceRow.id)), *offered})) or "none yet"
    raise Unknown(f"there is no imagery source {source_id!r}; known: {known}", "source")


def list_sources(session: Session) -> list[ImagerySource]:
    """All sources, registered and shipped, by id."""
    rows = session.scalars(select(ImagerySourceRow))
    sources = shipped() | {row.id: ImagerySource.model_validate(row.document) for row in rows}
    return [sources[source_id] for source_id in sorted(sources)]


def shipped() -> dict[str, ImagerySource]:
    """The sources that are there without being registered, by id."""
    return shipped_imagery_sources() if settings().remote_imagery else {}


def files_for(session: Session, source_id: str, bounds: tuple[float, float, float, float]) -> list[ImageryFile]:
    """The files that meet (left, bottom, right, top) of the source's CRS, those first that win where files overlap.

    Raises Unknown for a source that is not there.
    """
    source = find(session, source_id)
    shape = from_grid_crs(shapely.box(*bounds), source.epsg)
    rows = session.scalars(
        select(ImageryFileRow).where(ImageryFileRow.source_id == source_id, intersects(ImageryFileRow.footprint, shape))
    )
    wanted = Bounds(*bounds)
    return sorted((f for f in map(_file, rows) if f.bounds.meets(wanted)), key=lambda file: file.order)


def coverage(session: Session, source_id: str, bands: Iterable[Band] | None = None) -> BaseGeometry:
    """Where the source has those bands (all of its bands by default): lon/lat, the footprints of all files it takes.

    A source without files covers the bounds of its definition.

    Raises Unknown for a source that is not there.
    """
    source = find(session, source_id)
    if source.service is not None:
        return shapely.box(*source.bbox)
    rows = session.scalars(select(ImageryFileRow).where(ImageryFileRow.source_id == source_id))
    files = [_file(row) for row in rows]
    there = {file.role for file in files}
    roles = {role for band in bands or source.bands for role in roles_of(band, there)}
    return lonlat_coverage(((f.role, f.bounds) for f in files if f.role in roles), source.epsg)


def covered_share(
    session: Session,
    source_id: str,
    bands: Iterable[Band],
    area: BaseGeometry,
    extra_inputs: Collection[ExtraInput] = (),
) -> float:
    """Share (0-1) of an area (lon/lat) in which the source has all of these bands, and what is asked beside them;
    looks at the files there alone.

    Raises Unknown for a source that is not there.
    """
    source = find(session, source_id)
    if source.service is not None:
        return _share(shapely.intersection(area, shapely.box(*source.bbox)).area / area.area)
    shape = to_grid_crs(area, source.epsg)
    known = session.scalars(select(ImageryFileRow.role).where(ImageryFileRow.source_id == source_id).distinct())
    there = {Role(role) for role in known}
    giving = [roles_of(band, there) for band in bands]
    if not all(giving):
        return 0.0
    boxes: dict[Role, list[BaseGeometry]] = {role: [] for roles in giving for role in roles}
    for file in files_for(session, source_id, shape.bounds):
        if file.role in boxes:
            boxes[file.role].append(shapely.box(*file.bounds))
    parts = [shape, *(shapely.union_all(each, grid_size=1e-3) for each in boxes.values())]
    if ExtraInput.SERIES in extra_inputs:
        parts.append(series_coverage(session, source_id, area, source.epsg))
    covered = shapely.intersection_all(parts)
    return _share(covered.area / shape.area)


def lonlat_coverage(footprints: Iterable[tuple[Role, Bounds]], epsg: int) -> BaseGeometry:
    """What the footprints of every role have in common, in lon/lat."""
    by_role: dict[Role, list[BaseGeometry]] = {}
    for role, bounds in footprints:
        by_role.setdefault(role, []).append(shapely.box(*bounds))
    # A millimetre: patches that touch but for rounding leave no crack between them.
    unions = [shapely.union_all(boxes, grid_size=1e-3) for boxes in by_role.values()]
    return from_grid_crs(shapely.intersection_all(unions), epsg)


def _share(share: float) -> float:
    return share if share < 1 - 1e-9 else 1.0


def all_files(session: Session, source_id: str) -> list[ImageryFile]:
    """Every file of a source, in the order in which they win."""
    rows = session.scalars(select(ImageryFileRow).where(ImageryFileRow.source_id == source_id))
    return sorted(map(_file, rows), key=lambda file: file.order)


def _file(row: ImageryFileRow) -> ImageryFile:
    return ImageryFile(Role(row.role), row.href, Bounds(row.left, row.bottom, row.right, row.top))
