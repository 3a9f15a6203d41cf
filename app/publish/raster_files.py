"""The files of one raster of a layer, named by their content, and the row that names them."""

from __future__ import annotations

from collections.abc import Callable

import shapely

from app.aoi import from_grid_crs
from app.database import LayerOverviewRow, RasterRow
from app.definitions import Grid, Nomenclature
from app.outputs import category_sidecar, write_class_cog, write_confidence_cog
from app.publish.mosaics import Mosaic
from app.storage import Storage

Progress = Callable[[float], None]
"""Told the fraction done, 0-1."""

_FOOTPRINT_STEP_M = 1000.0


def part_of(progress: Progress, start: float, share: float) -> Progress:
    """Progress of one piece of work as a part of the whole."""
    return lambda fraction: progress(start + share * fraction)


def href_of(folder: str, mosaic: Mosaic, nomenclature: Nomenclature) -> str:
    """Where the classes of a mosaic lie: equal hrefs, equal files."""
    return f"{folder}/{mosaic.key(nomenclature)}.tif"


def hrefs_of(row: RasterRow | LayerOverviewRow) -> list[str]:
    """All files of a raster."""
    confidence = [row.confidence_href] if row.confidence_href else []
    return [row.href, _sidecar(row.href), *confidence]


def write_raster(
    storage: Storage,
    folder: str,
    mosaic: Mosaic,
    nomenclature: Nomenclature,
    *,
    written: bool,
    progress: Progress,
) -> RasterRow:
    """Writes the files of a mosaic, unless they are `written`, and gives a row for them, of no layer yet."""
    href = href_of(folder, mosaic, nomenclature)
    confidence_href = href.replace(".tif", ".confidence.tif") if mosaic.has_confidence else None
    if not written:
        if confidence_href:
            with storage.writing(confidence_href) as path:
                write_confidence_cog(path, mosaic.grid, mosaic.confidence_parts(), part_of(progress, 0.0, 0.5))
        with storage.writing(_sidecar(href)) as path:
            path.write_text(category_sidecar(nomenclature), encoding="utf-8")
        # The class raster comes last of all: where it exists, what belongs to it does too.
        with storage.writing(href) as path:
            told = part_of(progress, 0.5, 0.5) if confidence_href else progress
            write_class_cog(path, mosaic.grid, mosaic.class_parts(), nomenclature, told)
    return raster_row(storage, mosaic.name, href, confidence_href, mosaic.grid)


def raster_row(storage: Storage, name: str, href: str, confidence_href: str | None, grid: Grid) -> RasterRow:
    """A row, of no layer yet, for files that are written. Raises Unavailable where they cannot be read."""
    return RasterRow(
        name=name,
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


def _sidecar(href: str) -> str:
    return f"{href}.aux.xml"
