"""Registration and look-up of imagery sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.aoi import from_grid_crs, to_grid_crs
from app.database import ImageryFileRow, ImagerySourceRow, Sessions, intersects, now_s
from app.definitions import Band, ImagerySource, Role, shipped_imagery_sources
from app.definitions.roles import bands_of_roles, roles_of
from app.errors import ImageryRefused, Unknown
from app.imagery.files import Bounds, ImageryFile, href_of
from app.imagery.inspection import InspectedFile, Told, inspect
from app.imagery.tile_index import TileIndex
from app.settings import settings

_SUFFIXES = {".tif", ".tiff", ".jp2"}


def register(
    sessions: Sessions,
    *,
    source_id: str,
    title: str,
    rgb: Sequence[Path] = (),
    irc: Sequence[Path] = (),
    height: Sequence[Path] = (),
    stack: Sequence[Path] = (),
    surface: Sequence[Path] = (),
    terrain: Sequence[Path] = (),
    index: Path | None = None,
    told: Told | None = None,
    year: int | None = None,
    attribution: str = "IGN",
    demonstration: bool = False,
    replace: bool = False,
) -> ImagerySource:
    """Inspects the files and makes them, or finds them to be, the source of that id.

    A folder stands for the GeoTIFF and JPEG 2000 files in it; with an index, for those it names, in folders inside it
    too. A source is made of RGB files with IRC and height files beside them, or of stacks; heights come as counts, or
    as models of surface and terrain in metres, which are subtracted. Files that changed in place give the source a
    new version; equal files change nothing; other files under a known id need `replace`.
    Raises ImageryRefused, naming the file and what is expected.
    """
    given = {
        Role.RGB: rgb,
        Role.IRC: irc,
        Role.HEIGHT: height,
        Role.STACK: stack,
        Role.SURFACE: surface,
        Role.TERRAIN: terrain,
    }
    told = told or Told()
    if told.scale is not None and not told.scale[0] < told.scale[1]:
        raise ImageryRefused("the scale's first number, which becomes black, must be less than its second")
    files = _inspected(given, TileIndex(index) if index is not None else None, told)
    bands = _bands({file.role for file in files}, told)
    _check_together(files)
    epsg = files[0].epsg
    coarse = next((file.layout.pixel_width_m for file in files if file.has_other_pixels), None)
    try:
        source = ImagerySource(
            id=source_id,
            title=title,
            version=_version(files, told),
            year=year,
            epsg=epsg,
            bands=bands,
            bbox=shapely.bounds(_lonlat_coverage(((f.role, f.layout.bounds) for f in files), epsg)).tolist(),
            attribution=attribution,
            demonstration=demonstration,
            resampled=not all(file.on_grid for file in files),
            resolution_m=None if coarse is None else round(coarse, 3),
            scale=told.scale,
            stack_bands=told.stack_bands,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"the source's {fault['loc'][0]} {fault['input']!r} is not accepted: {fault['msg']}"
        raise ImageryRefused(reason) from error
    with sessions.write() as session:
        _store(session, source, files, replace)
    return source


def define_service(document: dict[str, Any]) -> ImagerySource:
    """The source of an operator's definition of a map server. Raises ImageryRefused, naming what is wrong in it."""
    try:
        return ImagerySource.of_service(document)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "service"
        # Without the value: an address may hold a key.
        raise ImageryRefused(f"the definition's {place} is not accepted: {fault['msg']}") from error


def register_service(sessions: Sessions, source: ImagerySource, *, replace: bool = False) -> None:
    """Makes a source that is read from a map server one of this installation; one that is shipped may be overridden.

    Raises ImageryRefused where there is another source of that id and `replace` is not said.
    """
    with sessions.write() as session:
        _store(session, source, [], replace)


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
    return _lonlat_coverage(((f.role, f.bounds) for f in files if f.role in roles), source.epsg)


def covered_share(session: Session, source_id: str, bands: Iterable[Band], area: BaseGeometry) -> float:
    """Share (0-1) of an area (lon/lat) in which the source has all of these bands; looks at the files there alone.

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
    covered = shapely.intersection_all([shape, *(shapely.union_all(each, grid_size=1e-3) for each in boxes.values())])
    return _share(covered.area / shape.area)


def _share(share: float) -> float:
    return share if share < 1 - 1e-9 else 1.0


def all_files(session: Session, source_id: str) -> list[ImageryFile]:
    """Every file of a source, in the order in which they win."""
    rows = session.scalars(select(ImageryFileRow).where(ImageryFileRow.source_id == source_id))
    return sorted(map(_file, rows), key=lambda file: file.order)


def _file(row: ImageryFileRow) -> ImageryFile:
    return ImageryFile(Role(row.role), row.href, Bounds(row.left, row.bottom, row.right, row.top))


def _rasters(paths: Sequence[Path], *, inside: bool) -> Iterator[Path]:
    """inside: whether to look in folders inside a folder as well."""
    seen = set()
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in (path.rglob("*") if inside else path.iterdir()) if p.suffix.lower() in _SUFFIXES)
        else:
            found = [path]
        if not found:
            raise ImageryRefused(f"the folder {path.name} holds no GeoTIFF (.tif, .tiff) and no JPEG 2000 (.jp2) file")
        for file in found:
            if (resolved := file.resolve()) not in seen:
                seen.add(resolved)
                yield resolved


def _inspected(given: dict[Role, Sequence[Path]], index: TileIndex | None, told: Told) -> list[InspectedFile]:
    """Raises ImageryRefused also where all pictures of a role are blank: what was meant is elsewhere."""
    files = []
    for role, paths in given.items():
        rasters = list(_rasters(paths, inside=index is not None))
        if index is not None and rasters:
            rasters = index.files_in(rasters)
        of_role = [inspect(path, role, told) for path in rasters]
        for file in of_role:
            if index is not None:
                index.require_place(file.path, file.layout.bounds)
        pictures = role in (Role.RGB, Role.IRC, Role.STACK)  # flat ground is one height all over
        if pictures and of_role and all(file.is_blank for file in of_role):
            raise ImageryRefused(f"{of_role[0].path.name} ({role}) is black or white all over: it shows nothing")
        files += of_role
    return files


def _bands(roles: set[Role], told: Told) -> tuple[Band, ...]:
    """What those roles give together, in the order of `Band`."""
    if Role.STACK in roles and len(roles) > 1:
        raise ImageryRefused("a source is made of stacks or of RGB, IRC and height files, not of both")
    if not roles & {Role.STACK, Role.RGB}:
        raise ImageryRefused("RGB files or stacks are missing: a source needs one or the other")
    models = roles & {Role.SURFACE, Role.TERRAIN}
    if len(models) == 1:
        raise ImageryRefused(f"a {models.pop()} model alone tells no height: give surface and terrain")
    if models and Role.HEIGHT in roles:
        raise ImageryRefused("heights come as height files or as surface and terrain models, not as both")
    given = bands_of_roles(roles)
    return tuple(band for band in given if band in told.stack_bands) if Role.STACK in roles else given


def _check_together(files: list[InspectedFile]) -> None:
    """Every file in one CRS, and over every file at least one of each other role."""
    epsg = files[0].epsg
    for file in files:
        if file.epsg != epsg:
            raise ImageryRefused(
                f"{file.path.name} is in EPSG:{file.epsg} and {files[0].path.name} in EPSG:{epsg}:"
                " the files of a source share one CRS, register two sources"
            )
    trees = {
        role: shapely.STRtree([shapely.box(*f.layout.bounds) for f in files if f.role == role])
        for role in {f.role for f in files}
    }
    for file in files:
        inside = shapely.box(*file.layout.bounds).buffer(-0.01)  # touching at an edge is not overlapping
        for role, tree in trees.items():
            if tree.query(inside, predicate="intersects").size == 0:
                raise ImageryRefused(
                    f"{file.path.name} ({file.role}) lies over no {role} file: the files of the roles"
                    " of a source must cover the same ground"
                )


def _lonlat_coverage(footprints: Iterable[tuple[Role, Bounds]], epsg: int) -> BaseGeometry:
    """What the footprints of every role have in common, in lon/lat."""
    by_role: dict[Role, list[BaseGeometry]] = {}
    for role, bounds in footprints:
        by_role.setdefault(role, []).append(shapely.box(*bounds))
    # A millimetre: patches that touch but for rounding leave no crack between them.
    unions = [shapely.union_all(boxes, grid_size=1e-3) for boxes in by_role.values()]
    return from_grid_crs(shapely.intersection_all(unions), epsg)


def _version(files: list[InspectedFile], told: Told) -> str:
    """Short hash over what tells one state of the files from another without reading their pixels."""
    states = sorted(repr((f.role.value, f.path.name, f.size_bytes, f.mtime_ns, f.layout)) for f in files)
    if told != Told():  # what changes bytes; without it, the version of sources registered long ago
        states.append(repr((told.scale, [band.value for band in told.stack_bands])))
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:12]


def _store(session: Session, source: ImagerySource, files: list[InspectedFile], replace: bool) -> None:
    hrefs = {(file.role.value, href_of(file.path)) for file in files}
    document = source.model_dump(mode="json")
    row = session.get(ImagerySourceRow, source.id, with_for_update=True)
    if row is not None:
        known = session.execute(
            select(ImageryFileRow.role, ImageryFileRow.href).where(ImageryFileRow.source_id == source.id)
        )
        same_files = {(role, href) for role, href in known} == hrefs and (bool(hrefs) or row.document == document)
        version = row.document["version"]
        if not (same_files or version == source.version or replace):
            raise ImageryRefused(
                f"there is an imagery source {source.id!r} with other files or another definition:"
                " choose another id, or replace it"
            )
        if same_files and row.document == document:
            return
        row.document, row.registered_at = document, now_s()
        session.execute(delete(ImageryFileRow).where(ImageryFileRow.source_id == source.id))
    else:
        session.add(ImagerySourceRow(id=source.id, document=document))
        session.flush()
    for file in files:
        bounds = file.layout.bounds
        session.add(
            ImageryFileRow(
                source_id=source.id,
                role=file.role.value,
                href=href_of(file.path),
                footprint=from_grid_crs(shapely.box(*bounds), source.epsg),
                **bounds._asdict(),
            )
        )
