"""Registration of imagery sources: what is taken together, what is refused and in which words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from pydantic import ValidationError

from app.aoi import from_grid_crs
from app.database import Sessions
from app.definitions import Band, ImagerySource, Photographs, Role, SatelliteSeries
from app.definitions.photographs import PHOTOGRAPH_EPSG
from app.definitions.roles import bands_of_roles
from app.errors import ImageryRefused
from app.imagery.inspection import InspectedFile, Told, inspect
from app.imagery.series import footprint
from app.imagery.series_inspection import InspectedImage, inspect_series
from app.imagery.sources import lonlat_coverage
from app.imagery.storing import store
from app.imagery.tile_index import TileIndex

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
    series: Sequence[Path] = (),
    photographs: Photographs | None = None,
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
    as models of surface and terrain in metres, which are subtracted. Beside them may stand a Sentinel-2 series: images
    with their masks, as `inspect_series` takes them. photographs: how the pictures were taken. Files that changed in
    place give the source a new version; equal files change nothing; other files under a known id need `replace`.
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
    images = inspect_series(series) if series else []
    _check_places(images, files)
    epsg = files[0].epsg
    if photographs is not None and epsg != PHOTOGRAPH_EPSG:
        raise ImageryRefused(
            f"{files[0].path.name} is in EPSG:{epsg}: networks that are told how photographs were taken know places of"
            f" EPSG:{PHOTOGRAPH_EPSG} alone, leave out what tells it"
        )
    coarse = next((file.layout.pixel_width_m for file in files if file.has_other_pixels), None)
    try:
        source = ImagerySource(
            id=source_id,
            title=title,
            version=_version(files, images, told, photographs),
            year=year,
            epsg=epsg,
            bands=bands,
            bbox=shapely.bounds(lonlat_coverage(((f.role, f.layout.bounds) for f in files), epsg)).tolist(),
            attribution=attribution,
            demonstration=demonstration,
            resampled=not all(file.on_grid for file in files),
            resolution_m=None if coarse is None else round(coarse, 3),
            scale=told.scale,
            stack_bands=told.stack_bands,
            series=_span(images),
            photographs=photographs,
        )
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"the source's {fault['loc'][0]} {fault['input']!r} is not accepted: {fault['msg']}"
        raise ImageryRefused(reason) from error
    with sessions.write() as session:
        store(session, source, files, images, replace)
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
        store(session, source, [], [], replace)


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


def _check_places(images: list[InspectedImage], files: list[InspectedFile]) -> None:
    """Every image of a series over some file; a series may end before they do."""
    ground = shapely.STRtree([from_grid_crs(shapely.box(*file.layout.bounds), file.epsg) for file in files])
    for image in images:
        if ground.query(footprint(image.epsg, image.layout.bounds), predicate="intersects").size == 0:
            raise ImageryRefused(
                f"{image.path.name} lies over no picture of the source: the images of a series show the ground of the"
                " other files"
            )


def _span(images: list[InspectedImage]) -> SatelliteSeries | None:
    days = sorted({image.taken for image in images})
    return SatelliteSeries(first=days[0], last=days[-1], dates=len(days)) if days else None


def _version(
    files: list[InspectedFile], images: list[InspectedImage], told: Told, photographs: Photographs | None
) -> str:
    """Short hash over what tells one state of the files from another without reading their pixels."""
    states = sorted(repr((f.role.value, f.path.name, f.size_bytes, f.mtime_ns, f.layout)) for f in files)
    states += sorted(repr((i.taken.isoformat(), i.path.name, i.epsg, i.layout, i.states)) for i in images)
    if told != Told():  # what changes bytes; without it, the version of sources registered long ago
        states.append(repr((told.scale, [band.value for band in told.stack_bands])))
    if photographs is not None:
        states.append(photographs.model_dump_json())
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:12]
