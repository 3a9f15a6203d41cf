"""Imagery of a source on the pixels of a grid.

Files whose pixels are the grid's are read straight through; the others are resampled bilinearly, here and not by
GDAL's warper, whose bytes depend on how the ground is divided into windows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import Band, Grid, ImagerySource, PredictionGrid, Role, prediction_grid
from app.definitions.imagery_source import ROLE_BANDS
from app.errors import BandMismatch, RasterRefused, RasterUnreadable
from app.imagery import Bounds, ImageryFile, PixelLayout, role_of
from app.settings import settings
from worker.resampling import Axis, bilinear, nearest

# What a file says of a pixel. MISSING: it holds the declared nodata value; SEEN: it does not; PLAIN: none is declared.
_OUTSIDE, _MISSING, _SEEN, _PLAIN = 0, 1, 2, 3

_MOVED_M = 0.01


class FileReader:
    """Reads a source's files; threads share it. opened: what another reader of the source has open already."""

    def __init__(self, files: Sequence[ImageryFile], source: ImagerySource, opened: OpenedFiles | None = None) -> None:
        self._source = source
        self._files = sorted(files, key=lambda file: file.order)
        self._opened = opened or OpenedFiles(source.id)

    def read(self, grid: Grid, bands: tuple[Band, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Bytes of the bands on the grid, and where they are imagery.

        grid: its pixels are those of the source's prediction grid.
        Returns (bands, height, width) uint8, 0 outside all files, and (height, width) bool. A pixel is imagery
        where a file of every role that the bands need has it, inside its mask. A declared nodata *value* hides a
        pixel of a picture only where all roles that declare one hold it in all bands read: delivered files
        declare 255, which a sunlit roof reaches in one file and hardly in all.
        Raises BandMismatch for a band that the source lacks, RasterUnreadable where a file is damaged or gone.
        """
        place = _place(grid, prediction_grid(self._source.epsg))
        imagery = np.zeros((len(bands), grid.height, grid.width), np.uint8)
        states = []
        for role, positions in self._roles(bands).items():
            state = np.zeros((grid.height, grid.width), np.uint8)
            for file in self._files:
                if file.role == role and file.bounds.meets(Bounds(*grid.bounds)):
                    part = self._opened.read(file, [bands[position] for position in positions], place)
                    if part is None:
                        continue
                    rows, columns, values, found = part
                    known = state[rows, columns]
                    better = np.where(known == _OUTSIDE, found > _OUTSIDE, (known == _MISSING) & (found > _MISSING))
                    known[better] = found[better]
                    for position, band in zip(positions, values, strict=True):
                        np.copyto(imagery[position, rows, columns], band, where=better)
            states.append(state)
        return imagery, _valid(np.stack(states))

    def _roles(self, bands: tuple[Band, ...]) -> dict[Role, list[int]]:
        """Which role gives which of the asked bands, as positions in `bands`."""
        # Known from any file, so that it does not hang on which files are near: a source is of stacks or of none.
        stacks = any(file.role == Role.STACK for file in self._files)
        offered = {Role.STACK} if stacks else set(Role) - {Role.STACK}
        roles: dict[Role, list[int]] = {}
        for position, band in enumerate(bands):
            role = role_of(band, offered)
            if role is None or band not in self._source.bands:
                raise BandMismatch(
                    f"the bands {', '.join(bands)} are needed; imagery source {self._source.id} has"
                    f" {', '.join(self._source.bands)}: {band} is missing"
                )
            roles.setdefault(role, []).append(position)
        return roles


def _valid(states: np.ndarray) -> np.ndarray:
    """(roles, height, width) states -> (height, width) bool."""
    inside = (states != _OUTSIDE).all(axis=0)
    valid: np.ndarray = inside & ((states == _SEEN).any(axis=0) | (states != _MISSING).all(axis=0))
    return valid


class _Place(NamedTuple):
    """A window of the prediction grid: first pixel counted from the grid's origin, shape in pixels."""

    on: PredictionGrid
    column: int
    row: int
    width: int
    height: int


def _place(grid: Grid, on: PredictionGrid) -> _Place:
    layout = PixelLayout(grid.left, grid.top, grid.resolution_m, grid.resolution_m, grid.width, grid.height)
    first = layout.place_on(on)
    if first is None or grid.epsg != on.epsg:
        raise ValueError(f"not pixels of the prediction grid of EPSG:{on.epsg}: {grid}")
    return _Place(on, *first, grid.width, grid.height)


class _Read(NamedTuple):
    """What one file holds of a window: where in it, (bands, height, width) uint8, (height, width) uint8 states."""

    rows: slice
    columns: slice
    values: list[np.ndarray]
    states: np.ndarray


class OpenedFiles:
    """The open files of a source, each thread's own: `raster_handles` at most, the least recently read closed first."""

    def __init__(self, source_id: str) -> None:
        self._source_id = source_id
        self._most = settings().raster_handles
        self._of_thread = threading.local()

    def read(self, file: ImageryFile, bands: list[Band], place: _Place) -> _Read | None:
        try:
            return _read(self._open(file), file.role, bands, place)
        except (OSError, RasterioError, RasterRefused) as error:
            self._of_thread.__dict__.pop("opened", None)  # of a file that comes back, the old handle may stay broken
            raise RasterUnreadable(
                f"a file of imagery source {self._source_id} ({file.role}) cannot be read: it is damaged or gone"
            ) from error

    def _open(self, file: ImageryFile) -> DatasetReader:
        opened: OrderedDict[str, DatasetReader] = self._of_thread.__dict__.setdefault("opened", OrderedDict())
        if file.href not in opened:
            raster = file.open()
            now = PixelLayout.of(raster).bounds
            if max(abs(a - b) for a, b in zip(now, file.bounds, strict=True)) > _MOVED_M:
                raise RasterRefused("the file is another one than was registered")
            opened[file.href] = raster
            if len(opened) > self._most:
                opened.popitem(last=False)[1].close()
        opened.move_to_end(file.href)
        return opened[file.href]


def _read(raster: DatasetReader, role: Role, bands: list[Band], place: _Place) -> _Read | None:
    """The part of a file inside the window, on the window's pixels; None where no pixel's centre is inside."""
    layout = PixelLayout.of(raster)
    size = place.on.resolution_m
    first = layout.place_on(place.on)
    if first is not None:
        left, top = max(first[0], place.column), max(first[1], place.row)
        right = min(first[0] + layout.width, place.column + place.width)
        bottom = min(first[1] + layout.height, place.row + place.height)
        if right <= left or bottom <= top:
            return None
        window = Window(left - first[0], top - first[1], right - left, bottom - top)
        values, states = _pixels(raster, role, bands, window)
        rows = slice(top - place.row, bottom - place.row)
        return _Read(rows, slice(left - place.column, right - place.column), list(values), states)
    # Counted from the grid's origin, never from the window: equal floats for equal pixels.
    x = place.on.origin_x + (np.arange(place.column, place.column + place.width) + 0.5) * size
    y = place.on.origin_y - (np.arange(place.row, place.row + place.height) + 0.5) * size
    along = Axis.of((x - layout.left) / layout.pixel_width_m, layout.width)
    down = Axis.of((layout.top - y) / layout.pixel_height_m, layout.height)
    if along.is_empty or down.is_empty:
        return None
    window = Window(along.window[0], down.window[0], along.window[1], down.window[1])
    values, states = _pixels(raster, role, bands, window)
    resampled = [bilinear(band, down, along) for band in values]
    return _Read(down.pixels, along.pixels, resampled, nearest(states, down, along))


def _pixels(raster: DatasetReader, role: Role, bands: list[Band], window: Window) -> tuple[np.ndarray, np.ndarray]:
    """(bands, height, width) uint8 of a file's own pixels, and their (height, width) uint8 states."""
    order = ROLE_BANDS[role]
    values = raster.read([order.index(band) + 1 for band in bands], window=window)
    states = np.full(values.shape[1:], _PLAIN, np.uint8)
    if raster.nodata is not None:
        missing = (values == raster.nodata).all(axis=0)
        if role != Role.HEIGHT:
            states = np.where(missing, _MISSING, _SEEN).astype(np.uint8)
        elif raster.nodata != 0:  # a height of 0 is the ground, whatever the file declares
            states[missing] = _OUTSIDE
    if raster.count > len(order):
        states[raster.read(raster.count, window=window) == 0] = _OUTSIDE
    elif MaskFlags.per_dataset in raster.mask_flag_enums[0]:
        states[raster.read_masks(1, window=window) == 0] = _OUTSIDE
    return values, states
