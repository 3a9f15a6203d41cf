"""Cloud-optimised GeoTIFFs, written from parts that stream in: memory stays bounded whatever the size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from app.definitions import Grid, Nomenclature

Part = tuple[tuple[int, int, int, int], np.ndarray]
"""((column, row, width, height) in pixels of the grid, (height, width) uint8). What no part covers is nodata."""

Progress = Callable[[float], None]
"""Told the fraction done, 0-1."""

FORMAT_VERSION = 2
"""Grows with every change of how files are written: part of what names their content."""

_TILE_PX = 256
_PARTS_SHARE = 0.7
"""Share of the time that goes into the parts; the rest is the copy with its overviews."""


def write_class_cog(
    path: Path,
    grid: Grid,
    parts: Iterable[Part],
    nomenclature: Nomenclature,
    progress: Progress | None = None,
) -> None:
    """Writes a class raster: one byte band with the nomenclature's colour table, names as band metadata.

    Overviews hold the most frequent class. Names that GDAL and QGIS show come from `category_sidecar`, beside the file.
    """
    colours = {value: tuple(int(c) for c in rgba) for value, rgba in enumerate(nomenclature.palette)}
    names = {f"CLASS_{c.value}": c.title_fr for c in nomenclature.classes}
    _write_cog(path, grid, parts, "MODE", colours, {"NOMENCLATURE": nomenclature.id, **names}, progress)


def write_confidence_cog(path: Path, grid: Grid, parts: Iterable[Part], progress: Progress | None = None) -> None:
    """Writes a confidence raster: one byte band, 255 = certain, 0 = nodata; overviews hold the mean."""
    _write_cog(path, grid, parts, "AVERAGE", None, {"DESCRIPTION": "confidence, 255 = certain, 0 = nodata"}, progress)


def _write_cog(
    path: Path,
    grid: Grid,
    parts: Iterable[Part],
    resampling: str,
    colours: dict[int, tuple[int, ...]] | None,
    tags: dict[str, str],
    progress: Progress | None,
) -> None:
    draft = path.with_name(f"{path.stem}.draft{path.suffix}")
    report = progress or (lambda _fraction: None)
    try:
        with rasterio.open(
            draft,
            "w",
            driver="GTiff",
            width=grid.width,
            height=grid.height,
            count=1,
            dtype="uint8",
            nodata=0,
            crs=f"EPSG:{grid.epsg}",
            transform=grid.transform,
            tiled=True,
            blockxsize=_TILE_PX,
            blockysize=_TILE_PX,
            compress="lzw",
            sparse_ok=True,
            bigtiff="if_safer",
        ) as dataset:
            if colours is not None:
                dataset.write_colormap(1, colours)
            dataset.update_tags(1, **tags)
            written_px = 0
            for (column, row, width, height), array in parts:
                dataset.write(array, 1, window=Window(column, row, width, height))
                written_px += width * height
                report(_PARTS_SHARE * min(1.0, written_px / (grid.width * grid.height)))
        rasterio.shutil.copy(
            draft,
            path,
            driver="COG",
            compress="DEFLATE",
            blocksize=_TILE_PX,
            overview_resampling=resampling,
            overview_compress="DEFLATE",
            bigtiff="IF_SAFER",
            num_threads="ALL_CPUS",
        )
        report(1.0)
    finally:
        draft.unlink(missing_ok=True)
