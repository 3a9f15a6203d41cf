"""A file of imagery: where it lies, which pixels it holds, and the one way to open it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import rasterio
from rasterio.io import DatasetReader

from app.definitions import PredictionGrid, Role
from app.errors import RasterRefused
from app.storage import FolderStorage, storage

GRID_TOLERANCE_PX = 0.01
"""Pixels no farther than this from the grid's, over the whole file, are the grid's pixels."""

_DRIVERS = (
    (b"II*\0", "GTiff"),
    (b"MM\0*", "GTiff"),
    (b"II+\0", "GTiff"),
    (b"MM\0+", "GTiff"),
    (b"\0\0\0\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
)

_SIGNATURE_BYTES = 16


class Bounds(NamedTuple):
    """Metres in the CRS of the source."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Bounds) -> bool:
        """Whether the two share an area; a common edge is none, nor is a sliver under a millimetre."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > 1e-3
            and min(self.top, other.top) - max(self.bottom, other.bottom) > 1e-3
        )


@dataclass(frozen=True)
class PixelLayout:
    """Where the pixels of a north-up file lie: top left corner and pixel sides in metres, shape in pixels."""

    left: float
    top: float
    pixel_width_m: float
    pixel_height_m: float
    width: int
    height: int

    @classmethod
    def of(cls, raster: DatasetReader) -> PixelLayout:
        t = raster.transform
        return cls(t.c, t.f, t.a, -t.e, raster.width, raster.height)

    @property
    def bounds(self) -> Bounds:
        right = self.left + self.width * self.pixel_width_m
        return Bounds(self.left, self.top - self.height * self.pixel_height_m, right, self.top)

    def place_on(self, grid: PredictionGrid) -> tuple[int, int] | None:
        """(column, row) of the first pixel, counted from the grid's origin; None if the pixels are not the grid's."""
        size = grid.resolution_m
        column, row = (self.left - grid.origin_x) / size, (grid.origin_y - self.top) / size
        drift_px = max(
            abs(column - round(column)) + self.width * abs(self.pixel_width_m / size - 1),
            abs(row - round(row)) + self.height * abs(self.pixel_height_m / size - 1),
        )
        return (round(column), round(row)) if drift_px <= GRID_TOLERANCE_PX else None


@dataclass(frozen=True)
class ImageryFile:
    """A registered file. href: a name of the storage, or an absolute path of the operator, never shown to callers."""

    role: Role
    href: str
    bounds: Bounds

    def open(self, overview: int | None = None) -> DatasetReader:
        """As `open_href`."""
        return open_href(self.href, overview)

    def is_there(self) -> bool:
        """Raises Unavailable where the storage is away."""
        return href_is_there(self.href)

    @property
    def order(self) -> tuple[str, str]:
        """Where files overlap, the first in this order wins: by name, whatever folder they lie in."""
        return (self.href.rpartition("/")[2], self.href)


def href_of(path: Path) -> str:
    """How the database names a file: by its href inside the storage, by its absolute path elsewhere."""
    path, store = path.resolve(), storage()
    if not isinstance(store, FolderStorage):
        return str(path)
    try:
        href = path.relative_to(store.folder).as_posix()
        store.path(href)
    except ValueError:  # outside the storage, or a name that is no href
        return str(path)
    return href


def open_href(href: str, overview: int | None = None) -> DatasetReader:
    """As `open_raster`; a file of the storage is read from there. Raises Unavailable where the storage is away."""
    if href.startswith("/"):
        return open_raster(Path(href), overview)
    start = b"".join(storage().chunks(href, 0, min(_SIGNATURE_BYTES, storage().size_bytes(href))))
    return _open(storage().gdal_path(href), start, overview)


def href_is_there(href: str) -> bool:
    """Raises Unavailable where the storage is away."""
    return Path(href).exists() if href.startswith("/") else storage().exists(href)


def open_raster(path: Path, overview: int | None = None) -> DatasetReader:
    """A GeoTIFF or JPEG 2000 file, or one of its overviews, opened by the driver of its signature and by no other.

    GDAL guesses drivers by content, and several of them follow references to other files and addresses.
    Raises RasterRefused for any other file, OSError or rasterio's RasterioIOError where it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(_SIGNATURE_BYTES)
    return _open(str(path), start, overview)


def _open(place: str, start: bytes, overview: int | None) -> DatasetReader:
    """place: what GDAL opens. start: the first bytes of that file."""
    driver = next((name for signature, name in _DRIVERS if start.startswith(signature)), None)
    if driver is None:
        raise RasterRefused(f"{place.rpartition('/')[2]} is not a raster: expected a GeoTIFF or a JPEG 2000 file")
    options = {} if overview is None else {"OVERVIEW_LEVEL": overview}
    return rasterio.open(place, driver=driver, **options)
