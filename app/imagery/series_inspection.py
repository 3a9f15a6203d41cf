"""What makes a folder a Sentinel-2 series: pairs of an image of ten bands and a mask, whose name tells the day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from pyproj import CRS
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import SERIES_BANDS, SERIES_COVERS
from app.definitions.projection import prediction_epsg
from app.errors import ImageryRefused
from app.imagery.files import PixelLayout
from app.imagery.inspection import check_pixels, opened

_SUFFIXES = {".tif", ".tiff", ".jp2"}
_MASK = "_mask"
_DAY = re.compile(r"(?<!\d)20\d{6}(?!\d)")
_SIDES_M = (8.0, 12.0)
_MASK_SIDES_M = (8.0, 24.0)
"""Sentinel-2's probabilities of clouds and snow come in pixels of 20 m."""
_SAMPLE_PX = 256


@dataclass(frozen=True)
class InspectedImage:
    """An image and its mask, found fit. states: what tells one state of the two files from another."""

    taken: date
    path: Path
    mask: Path
    epsg: int
    layout: PixelLayout
    states: tuple[tuple[int, int], ...]


def inspect_series(paths: Sequence[Path]) -> list[InspectedImage]:
    """The images of files and folders, each with the mask that lies beside it: `NAME.tif` and `NAME_mask.tif`.

    Several images of one day are a mosaic. Raises ImageryRefused, naming the file and what is expected.
    """
    found = [_inspect(path) for path in _images(paths)]
    known: dict[tuple[date, int, PixelLayout], Path] = {}
    for image in found:
        place = (image.taken, image.epsg, image.layout)
        if place in known:
            raise ImageryRefused(
                f"{known[place].name} and {image.path.name} are both of {image.taken} and of the same ground:"
                " a day has one image of a place, give one of the two"
            )
        known[place] = image.path
    return found


def _images(paths: Sequence[Path]) -> Iterator[Path]:
    seen = set()
    for path in paths:
        rasters = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES) if path.is_dir() else [path]
        images = [raster for raster in rasters if not raster.stem.endswith(_MASK)]
        if not images:
            raise ImageryRefused(
                f"{path.name} holds no image of a series: expected files such as S2_20210710.tif, each with its"
                " S2_20210710_mask.tif"
            )
        for mask in (raster for raster in rasters if raster.stem.endswith(_MASK)):
            if not any(image.stem == mask.stem.removesuffix(_MASK) for image in images):
                raise ImageryRefused(f"{mask.name} is the mask of no image beside it")
        for image in images:
            if (resolved := image.resolve()) not in seen:
                seen.add(resolved)
                yield resolved


def _inspect(path: Path) -> InspectedImage:
    mask = _mask_of(path)
    taken = _day(path.stem, path)
    epsg, layout = _checked(path, len(SERIES_BANDS), "uint16", _SIDES_M)
    mask_epsg, mask_layout = _checked(mask, len(SERIES_COVERS), "uint8", _MASK_SIDES_M)
    off = max(abs(a - b) for a, b in zip(layout.bounds, mask_layout.bounds, strict=True))
    if mask_epsg != epsg or off > mask_layout.pixel_width_m:
        raise ImageryRefused(f"{mask.name} lies elsewhere than {path.name}: a mask covers the ground of its image")
    states = tuple((status.st_size, status.st_mtime_ns) for status in (path.stat(), mask.stat()))
    return InspectedImage(taken, path, mask, epsg, layout, states)


def _mask_of(path: Path) -> Path:
    named = [path.with_name(f"{path.stem}{_MASK}{suffix}") for suffix in (path.suffix, *sorted(_SUFFIXES))]
    for mask in named:
        if mask.is_file():
            return mask
    raise ImageryRefused(
        f"{path.name} has no mask beside it: expected {named[0].name} with {len(SERIES_COVERS)} bands of bytes"
        f" ({' and '.join(SERIES_COVERS)}, probability in percent)"
    )


def _day(stem: str, path: Path) -> date:
    named = set(_DAY.findall(stem))
    try:
        [only] = named
        return datetime.strptime(only, "%Y%m%d").date()
    except ValueError as error:
        found = f"{len(named)} days ({', '.join(sorted(named))})" if len(named) > 1 else "no day"
        raise ImageryRefused(
            f"the name of {path.name} tells {found}: expected one such as 20210710, on which the image was taken"
        ) from error


def _checked(path: Path, bands: int, dtype: str, sides_m: tuple[float, float]) -> tuple[int, PixelLayout]:
    """EPSG code and pixels of a file of that many bands."""
    with opened(path) as raster:
        _check_bands(raster, path, bands, dtype)
        epsg = _epsg(raster, path)
        check_pixels(raster, path, sides_m)
        _check_content(raster, path)
        return epsg, PixelLayout.of(raster)


def _check_bands(raster: DatasetReader, path: Path, bands: int, dtype: str) -> None:
    if raster.count == bands and set(raster.dtypes) == {dtype}:
        return
    meant = (
        f"an image of a series has {bands} of {dtype}, reflectance times 10 000 ({', '.join(SERIES_BANDS)})"
        if bands == len(SERIES_BANDS)
        else f"a mask of a series has {bands} of {dtype}, probability in percent ({', '.join(SERIES_COVERS)})"
    )
    plural = "s" * (raster.count > 1)
    raise ImageryRefused(f"{path.name} has {raster.count} band{plural} of {raster.dtypes[0]}: {meant}")


def _epsg(raster: DatasetReader, path: Path) -> int:
    if not raster.crs:
        raise ImageryRefused(f"{path.name} has no coordinate reference system: expected that of its Sentinel-2 tile")
    epsg = prediction_epsg(raster.crs.to_wkt()) or raster.crs.to_epsg()
    if epsg is None or not _in_metres(CRS.from_epsg(epsg)):
        found = f"EPSG:{epsg}" if epsg else "a projection of its own"
        raise ImageryRefused(
            f"{path.name} is in {found}: expected a projection in metres with an EPSG code, such as EPSG:2154 or that"
            " of its Sentinel-2 tile"
        )
    return int(epsg)


def _in_metres(crs: CRS) -> bool:
    return crs.is_projected and {axis.unit_conversion_factor for axis in crs.axis_info} == {1.0}


def _check_content(raster: DatasetReader, path: Path) -> None:
    """Reads little: the last pixel, which a file cut short has lost, and of a mask its middle."""
    raster.read(1, window=Window(raster.width - 1, raster.height - 1, 1, 1))
    if raster.count != len(SERIES_COVERS):
        return
    width, height = min(_SAMPLE_PX, raster.width), min(_SAMPLE_PX, raster.height)
    middle = Window((raster.width - width) // 2, (raster.height - height) // 2, width, height)
    highest = int(np.max(raster.read(window=middle)))
    if highest > 100:
        raise ImageryRefused(f"{path.name} holds {highest}: expected probabilities in percent, 0 to 100")
