"""Imagery of files on the pixels of a grid.

Files whose pixels are the grid's are read straight through; the others are resampled bilinearly, here and not by
GDAL's warper, whose bytes depend on how the ground is divided into windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import Band, Grid, ImagerySource, Role
from app.errors import RasterRefused, RasterUnreadable
from app.imagery import Bounds, ImageryFile, PixelLayout
from app.imagery.scaling import to_bytes
from worker.readers.assembly import MISSING, OUTSIDE, PLAIN, SEEN, Place, assemble
from worker.readers.handles import Handles
from worker.resampling import Axis, Reach, bilinear, bilinear_metres, mean, nearest

T = TypeVar("T")

_MUCH_SMALLER = 1.5  # times the pixels of the file: beyond, they are averaged
_HEIGHTS_M = (-500.0, 9000.0)
"""Beyond these a number is no height in metres but stands for none, whatever the file declares."""


class FileReader:
    """Reads a source's files; threads share it. opened: what another reader of the source has open already."""

    def __init__(self, files: Sequence[ImageryFile], source: ImagerySource, opened: OpenedFiles | None = None) -> None:
        self._source = source
        self._files = sorted(files, key=lambda file: file.order)
        self._opened = opened or OpenedFiles(source)

    def read(self, grid: Grid, bands: tuple[Band, ...]) -> tuple[np.ndarray, np.ndarray]:
        """As `assemble`. Raises BandMismatch for a band that the source lacks, RasterUnreadable where a file is
        damaged or gone.
        """
        # Known from any file, so that it does not hang on which files are near: a source is of stacks or of none.
        stacks = any(file.role == Role.STACK for file in self._files)
        models = any(file.role in (Role.SURFACE, Role.TERRAIN) for file in self._files)
        heights = {Role.SURFACE, Role.TERRAIN} if models else {Role.HEIGHT}
        there = {Role.STACK} if stacks else {Role.RGB, Role.IRC, *heights}
        return assemble(self._source, there, self, grid, bands)

    def bytes_of(self, role: Role, bands: list[Band], place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Where files overlap, the first in their order that has the pixel gives it."""
        imagery = np.zeros((len(bands), place.height, place.width), np.uint8)
        state = np.zeros((place.height, place.width), np.uint8)
        for file in self._files_of(role, place):
            part = self._opened.read(file, bands, place)
            if part is None:
                continue
            rows, columns, values, found = part
            known = state[rows, columns]
            better = np.where(known == OUTSIDE, found > OUTSIDE, (known == MISSING) & (found > MISSING))
            known[better] = found[better]
            for position, band in enumerate(values):
                np.copyto(imagery[position, rows, columns], band, where=better)
        return imagery, state

    def metres_of(self, role: Role, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Where files overlap, the first in their order that has the pixel gives it."""
        heights = np.full((place.height, place.width), np.nan)
        for file in self._files_of(role, place):
            part = self._opened.read_metres(file, place)
            if part is not None:
                rows, columns, found = part
                known = heights[rows, columns]
                np.copyto(known, found, where=np.isnan(known))
        return heights, np.where(np.isnan(heights), OUTSIDE, PLAIN).astype(np.uint8)

    def _files_of(self, role: Role, place: Place) -> list[ImageryFile]:
        size = place.on.resolution_m
        left, top = place.on.origin_x + place.column * size, place.on.origin_y - place.row * size
        wanted = Bounds(left, top - place.height * size, left + place.width * size, top)
        return [file for file in self._files if file.role == role and file.bounds.meets(wanted)]


class _Wanted(NamedTuple):
    """What is read of a file."""

    source: ImagerySource
    role: Role
    bands: list[Band]


class _Read(NamedTuple):
    """What one file holds of a window: where in it, (bands, height, width) uint8, (height, width) uint8 states."""

    rows: slice
    columns: slice
    values: list[np.ndarray]
    states: np.ndarray


class OpenedFiles:
    """The files of a source, opened as they are read. handles: those of the thread, where they are shared."""

    def __init__(self, source: ImagerySource, handles: Handles | None = None) -> None:
        self._source = source
        self._handles = handles or Handles()

    def read(self, file: ImageryFile, bands: list[Band], place: Place) -> _Read | None:
        return self._reading(file, lambda raster: _read(raster, _Wanted(self._source, file.role, bands), place))

    def read_metres(self, file: ImageryFile, place: Place) -> tuple[slice, slice, np.ndarray] | None:
        return self._reading(file, lambda raster: _read_metres(raster, place))

    def _reading(self, file: ImageryFile, read: Callable[[DatasetReader], T]) -> T:
        try:
            return read(self._handles.open(file.href, file.bounds))
        except (OSError, RasterioError, RasterRefused) as error:
            self._handles.forget()
            raise RasterUnreadable(
                f"a file of imagery source {self._source.id} ({file.role}) cannot be read: it is damaged or gone"
            ) from error


def _read(raster: DatasetReader, wanted: _Wanted, place: Place) -> _Read | None:
    """The part of a file inside the window, on the window's pixels; None where no pixel's centre is inside."""
    layout = PixelLayout.of(raster)
    first = layout.place_on(place.on)
    if first is not None:
        left, top = max(first[0], place.column), max(first[1], place.row)
        right = min(first[0] + layout.width, place.column + place.width)
        bottom = min(first[1] + layout.height, place.row + place.height)
        if right <= left or bottom <= top:
            return None
        window = Window(left - first[0], top - first[1], right - left, bottom - top)
        values, states = _pixels(raster, wanted, window)
        rows = slice(top - place.row, bottom - place.row)
        return _Read(rows, slice(left - place.column, right - place.column), list(values), states)
    x, y = _centres(layout, place)
    if layout.pixel_width_m * _MUCH_SMALLER < place.on.resolution_m:
        return _averaged(raster, wanted, place.on.resolution_m, x, y)
    down, along = Axis.of(y, layout.height), Axis.of(x, layout.width)
    if along.is_empty or down.is_empty:
        return None
    values, states = _pixels(raster, wanted, _window(down, along))
    resampled = [bilinear(band, down, along) for band in values]
    return _Read(down.pixels, along.pixels, resampled, nearest(states, down, along))


def _averaged(raster: DatasetReader, wanted: _Wanted, size_m: float, x: np.ndarray, y: np.ndarray) -> _Read | None:
    layout = PixelLayout.of(raster)
    down = Reach.of(y, size_m / layout.pixel_height_m, layout.height)
    along = Reach.of(x, size_m / layout.pixel_width_m, layout.width)
    if along.is_empty or down.is_empty:
        return None
    values, states = _pixels(raster, wanted, _window(down, along))
    return _Read(down.pixels, along.pixels, [mean(band, down, along) for band in values], nearest(states, down, along))


def _read_metres(raster: DatasetReader, place: Place) -> tuple[slice, slice, np.ndarray] | None:
    """Rows and columns of a file's heights in the window, and they: (height, width) float64, NaN where missing."""
    layout = PixelLayout.of(raster)
    x, y = _centres(layout, place)
    down, along = Axis.of(y, layout.height), Axis.of(x, layout.width)
    if along.is_empty or down.is_empty:
        return None
    window = _window(down, along)
    heights = raster.read(1, window=window).astype(np.float64)
    lowest, highest = _HEIGHTS_M
    missing = ~((heights > lowest) & (heights < highest)) | (raster.read_masks(1, window=window) == 0)
    heights[missing] = np.nan
    return down.pixels, along.pixels, bilinear_metres(heights, down, along)


def _centres(layout: PixelLayout, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """(across, down) of the centres of the window's pixels, in pixels of the file from its top left corner."""
    # Counted from the grid's origin, never from the window: equal floats for equal pixels.
    x = place.on.origin_x + (np.arange(place.column, place.column + place.width) + 0.5) * place.on.resolution_m
    y = place.on.origin_y - (np.arange(place.row, place.row + place.height) + 0.5) * place.on.resolution_m
    return (x - layout.left) / layout.pixel_width_m, (layout.top - y) / layout.pixel_height_m


def _window(rows: Axis | Reach, columns: Axis | Reach) -> Window:
    return Window(columns.window[0], rows.window[0], columns.window[1], rows.window[1])


def _pixels(raster: DatasetReader, wanted: _Wanted, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """(bands, height, width) uint8 of a file's own pixels, and their (height, width) uint8 states."""
    order = wanted.source.order(wanted.role)
    values = raster.read([order.index(band) + 1 for band in wanted.bands], window=window)
    states = np.full(values.shape[1:], PLAIN, np.uint8)
    if raster.nodata is not None:
        missing = (values == raster.nodata).all(axis=0)
        if wanted.role != Role.HEIGHT:
            states = np.where(missing, MISSING, SEEN).astype(np.uint8)
        elif raster.nodata != 0:  # a height of 0 is the ground, whatever the file declares
            states[missing] = OUTSIDE
    if values.dtype.kind == "f":
        states[np.isnan(values).any(axis=0)] = OUTSIDE
    masks = raster.mask_flag_enums[0]
    if raster.count > len(order):
        states[raster.read(raster.count, window=window) == 0] = OUTSIDE
    elif MaskFlags.per_dataset in masks and MaskFlags.alpha not in masks:  # alpha here is a fourth band misnamed
        states[raster.read_masks(1, window=window) == 0] = OUTSIDE
    return to_bytes(values, wanted.bands, wanted.source.scale), states
