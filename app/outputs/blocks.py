"""The file of one predicted block: class and confidence, each with the overviews that suit it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import Resampling
from rasterio.io import MemoryFile

from app.definitions import Grid
from app.outputs.overviews import overview_factors

_TILE_PX = 256


def write_block(path: Path, classes: np.ndarray, confidence: np.ndarray, grid: Grid) -> None:
    """Writes a band-interleaved GeoTIFF: band 1 class value, band 2 confidence; equal arrays give equal bytes.

    classes, confidence: (height, width) uint8; 0 is nodata in both, confidence 255 = certain.
    Overviews: the most frequent class, the mean confidence. GDAL builds those of all bands of a file in one
    way, so each band is prepared alone and the two are copied together with the overviews they have.
    Raises OSError where the file cannot be written. GDAL would not always say so: the file is made in memory.
    """
    shape = (grid.height, grid.width)
    if classes.shape != shape or confidence.shape != shape:
        raise ValueError(f"arrays of {classes.shape} and {confidence.shape} for a grid of {shape}")
    with (
        _band(classes, grid, Resampling.mode) as first,
        _band(confidence, grid, Resampling.average) as second,
        MemoryFile(ext=".tif") as whole,
    ):
        rasterio.shutil.copy(
            _stacked(first, second, grid),
            whole.name,
            driver="GTiff",
            interleave="band",
            tiled=True,
            blockxsize=_TILE_PX,
            blockysize=_TILE_PX,
            compress="deflate",
            copy_src_overviews=True,
        )
        path.write_bytes(whole.getbuffer())


@contextmanager
def _band(array: np.ndarray, grid: Grid, resampling: Resampling) -> Iterator[str]:
    """The name of an in-memory raster of one band with its overviews.

    GDAL's COG driver builds them: `build_overviews` of rasterio keeps all other threads waiting, for the same pixels.
    """
    with MemoryFile(ext=".tif") as plain, MemoryFile(ext=".tif") as whole:
        with plain.open(
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
        ) as dataset:
            dataset.write(array, 1)
        rasterio.shutil.copy(
            plain.name,
            whole.name,
            driver="COG",
            blocksize=_TILE_PX,
            compress="none",
            overview_resampling=resampling.name,
            overview_count=len(overview_factors(grid.width, grid.height)),
        )
        yield whole.name


def _stacked(first: str, second: str, grid: Grid) -> str:
    """VRT of two single-band rasters. Names and numbers in it are our own."""
    size = f'xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"'
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{number}"><NoDataValue>0</NoDataValue><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{name}</SourceFilename><SourceBand>1</SourceBand>'
        f"<SrcRect {size}/><DstRect {size}/></SimpleSource></VRTRasterBand>"
        for number, name in ((1, first), (2, second))
    )
    left, resolution_m, top = grid.left, grid.resolution_m, grid.top
    return (
        f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}"><SRS>EPSG:{grid.epsg}</SRS>'
        f"<GeoTransform>{left!r},{resolution_m!r},0,{top!r},0,{-resolution_m!r}</GeoTransform>{bands}</VRTDataset>"
    )
