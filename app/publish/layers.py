"""Publishing and withdrawing layers.

A publication writes its files under a new version, then changes the rows in one transaction: readers see the old
layer or the new one, never half of each. The files of the version before stay until the next publication, for
processes that have not looked at the database since.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import shapely
from sqlalchemy import delete

from app.aoi import from_grid_crs
from app.database import LayerRow, RasterRow, Sessions, now_s
from app.definitions import Nomenclature
from app.definitions.coding import Coding
from app.errors import ParameterInvalid, Unknown
from app.outputs import category_sidecar, write_class_cog, write_confidence_cog
from app.publish.inputs import gather
from app.publish.mosaics import Mosaic, mosaics
from app.storage import Storage

Progress = Callable[[float], None]
"""Told the fraction done, 0-1."""

_LAYER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FOOTPRINT_STEP_M = 1000.0


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
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Publishes class rasters as a layer, new or in place of the one of that id; gives the version.

    rasters: paths of class files or folders of them, or hrefs of our own storage (a block file, an output). coding:
    what the numbers in the files at those paths mean. tell: is told, in sentences, what was lost on the way.
    Equal rasters give an equal version, whose files are not written again.
    Raises ParameterInvalid, RasterRefused (nothing is changed), Unavailable.
    """
    if not _LAYER_ID.fullmatch(layer_id):
        raise ParameterInvalid("a layer id has small letters, digits, '.', '_' and '-', 64 at most", "layer")
    if not rasters:
        raise ParameterInvalid("there is no raster to publish", "rasters")
    content = mosaics(gather(storage, rasters, nomenclature, coding))
    version = _version(content, nomenclature)
    folder = f"layers/{layer_id}/{version}"
    written = _write(storage, folder, content, nomenclature, progress or (lambda _fraction: None))
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
        version=version,
    )
    previous = _replace_rows(sessions, layer, written)
    _retire(storage, layer_id, keep={version, previous})
    return version


def unpublish(sessions: Sessions, storage: Storage, layer_id: str) -> None:
    """Withdraws a layer and removes its files. Raises Unknown."""
    with sessions.write() as session:
        row = session.get(LayerRow, layer_id)
        if row is None:
            raise Unknown("there is no such layer", "layer")
        session.execute(delete(RasterRow).where(RasterRow.layer_id == layer_id))
        session.delete(row)
    storage.remove(f"layers/{layer_id}")


def _version(content: Sequence[Mosaic], nomenclature: Nomenclature) -> str:
    """Hash of all that decides the pixels of the layer and how they are read."""
    keys = sorted(mosaic.key(nomenclature) for mosaic in content)
    return hashlib.sha256(" ".join([nomenclature.id, *keys]).encode()).hexdigest()[:12]


def _write(
    storage: Storage, folder: str, layer: Sequence[Mosaic], nomenclature: Nomenclature, progress: Progress
) -> list[RasterRow]:
    """The files of a version, and the rows that name them."""
    pixels = [mosaic.grid.width * mosaic.grid.height for mosaic in layer]
    rows = []
    for number, mosaic in enumerate(layer):
        done = sum(pixels[:number]) / sum(pixels)
        share = pixels[number] / sum(pixels)
        rows.append(
            _write_mosaic(
                storage,
                f"{folder}/{number:05d}",
                mosaic,
                nomenclature,
                _part_of(progress, done, share),
            )
        )
    progress(1.0)
    return rows


def _write_mosaic(
    storage: Storage, stem: str, mosaic: Mosaic, nomenclature: Nomenclature, progress: Progress
) -> RasterRow:
    href = f"{stem}.tif"
    confidence_href = f"{stem}.confidence.tif" if mosaic.has_confidence else None
    classes_share = 0.5 if confidence_href else 1.0
    if confidence_href and not storage.exists(confidence_href):
        with storage.writing(confidence_href) as path:
            write_confidence_cog(
                path, mosaic.grid, mosaic.confidence_parts(), _part_of(progress, 0.0, 1 - classes_share)
            )
    # The class raster comes last of all: where it exists, what belongs to it does too.
    if not storage.exists(href):
        with storage.writing(f"{href}.aux.xml") as path:
            path.write_text(category_sidecar(nomenclature), encoding="utf-8")
        with storage.writing(href) as path:
            told = _part_of(progress, 1 - classes_share, classes_share)
            write_class_cog(path, mosaic.grid, mosaic.class_parts(), nomenclature, told)
    grid = mosaic.grid
    return RasterRow(
        href=href,
        confidence_href=confidence_href,
        sha256=storage.sha256(href),
        bands=1,
        epsg=grid.epsg,
        left=grid.left,
        top=grid.top,
        resolution_m=grid.resolution_m,
        width=grid.width,
        height=grid.height,
        footprint=from_grid_crs(shapely.box(*grid.bounds), grid.epsg, step_m=_FOOTPRINT_STEP_M),
    )


def _part_of(progress: Progress, start: float, share: float) -> Progress:
    """Progress of one piece of work as a part of the whole."""
    return lambda fraction: progress(start + share * fraction)


def _replace_rows(sessions: Sessions, layer: LayerRow, rasters: Sequence[RasterRow]) -> str | None:
    """Puts the rows in place, all at once. Gives the version that was there before."""
    with sessions.write() as session:
        before = session.get(LayerRow, layer.id)
        previous = before.version if before else None
        session.execute(delete(RasterRow).where(RasterRow.layer_id == layer.id))
        merged = session.merge(layer)
        merged.published_at = now_s()
        session.flush()
        for raster in rasters:
            raster.layer_id = layer.id
            session.add(raster)
    return previous


def _retire(storage: Storage, layer_id: str, keep: set[str | None]) -> None:
    prefix = f"layers/{layer_id}/"
    for version in {name.removeprefix(prefix).partition("/")[0] for name in storage.names(f"layers/{layer_id}")}:
        if version not in keep:
            storage.remove(prefix + version)
