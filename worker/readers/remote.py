"""Imagery of a map server on the pixels of a grid, from fixed cells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import cv2
import numpy as np

from app.definitions import Band, Grid, ImagerySource, RemoteLayer, RemoteService, Role
from app.definitions.remote_service import Pixels
from app.definitions.roles import ROLE_BANDS
from app.imagery.remote import Cell, CellPixels, Lattice, RemoteCells
from app.settings import settings
from worker.readers.assembly import MISSING, OUTSIDE, PLAIN, SEEN, Place, assemble, height_counts
from worker.resampling import Axis, bilinear_metres

_PATIENCE = 0.5  # of the time after which a worker without progress is taken for stuck
_WITHOUT_END = 1 << 40  # pixels of a layer
_BLURRED_PX = 2
"""Pixels around missing heights that a server's own resampling has mixed with their sentinel."""


class RemoteReader:
    """Reads a source whose pixels a map server gives; threads share it.

    What is read stays in the cache, so that a window that could not be had in time is had the next time.
    """

    def __init__(self, source: ImagerySource) -> None:
        if source.service is None:
            raise ValueError(f"imagery source {source.id} is read from files")
        self._source = source
        self._service = source.service
        self._cells = RemoteCells(source, source.service)

    def read(self, grid: Grid, bands: tuple[Band, ...]) -> tuple[np.ndarray, np.ndarray]:
        """As `assemble`. Raises BandMismatch for a band that the source lacks, Unavailable where the server does not
        give all of it in time, ImageryRefused where it never will.
        """
        until = time.monotonic() + settings().stall_s * _PATIENCE
        with ThreadPoolExecutor(self._service.parallel, "map-server") as asking:
            try:
                roles = [layer.role for layer in self._service.layers]
                layers = _Asking(self._source.epsg, self._service, self._cells, asking, until)
                return assemble(self._source, roles, layers, grid, bands)
            finally:
                asking.shutdown(cancel_futures=True)


class _Asking:
    """The layers of a source while one window is read. until: by the monotonic clock."""

    def __init__(self, epsg: int, service: RemoteService, cells: RemoteCells, asking: Executor, until: float) -> None:
        self._epsg = epsg
        self._service = service
        self._cells = cells
        self._asking = asking
        self._until = until

    def bytes_of(self, role: Role, bands: list[Band], place: Place) -> tuple[np.ndarray, np.ndarray]:
        layer = self._service.layer(role)
        if layer.pixels == Pixels.METRES:
            heights, states = self.metres_of(role, place)
            return height_counts(heights)[None], states
        order = [ROLE_BANDS[role].index(band) for band in bands]
        values = np.zeros((len(bands), place.height, place.width), np.uint8)
        states = np.full((place.height, place.width), OUTSIDE, np.uint8)
        for rows, columns, (found, seen) in self._parts(layer, place.column, place.row, place.width, place.height):
            wanted = found[order]
            values[:, rows, columns] = np.where(seen, wanted, 0)
            state = np.full(seen.shape, PLAIN, np.uint8)
            if layer.fill is not None:
                state[:] = np.where((wanted == layer.fill).all(axis=0), MISSING, SEEN)
            states[rows, columns] = np.where(seen, state, OUTSIDE)
        return values, states

    def metres_of(self, role: Role, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Resampled from the layer's own pixels, which are counted from its origin: equal floats for equal pixels."""
        layer = self._service.layer(role)
        lattice = Lattice.of(layer, self._epsg)
        size_m, pixel_m = place.on.resolution_m, float(lattice.pixel_m)
        x = place.on.origin_x + (np.arange(place.column, place.column + place.width) + 0.5) * size_m
        y = place.on.origin_y - (np.arange(place.row, place.row + place.height) + 0.5) * size_m
        along = Axis.of((x - float(lattice.origin_x)) / pixel_m, _WITHOUT_END)
        down = Axis.of((float(lattice.origin_y) - y) / pixel_m, _WITHOUT_END)
        column, row = along.window[0] - _BLURRED_PX, down.window[0] - _BLURRED_PX
        width, height = along.window[1] + 2 * _BLURRED_PX, down.window[1] + 2 * _BLURRED_PX
        heights = np.full((height, width), np.nan)
        for rows, columns, (found, seen) in self._parts(layer, column, row, width, height):
            lowest, highest = layer.valid_m
            # Written so that NaN compares as missing.
            heights[rows, columns] = np.where(seen & (found[0] > lowest) & (found[0] < highest), found[0], np.nan)
        kernel = np.ones((2 * _BLURRED_PX + 1,) * 2, np.uint8)
        heights[cv2.dilate(np.isnan(heights).astype(np.uint8), kernel) > 0] = np.nan
        inner = heights[_BLURRED_PX:-_BLURRED_PX, _BLURRED_PX:-_BLURRED_PX]
        resampled = bilinear_metres(inner, down, along)
        return resampled, np.where(np.isnan(resampled), OUTSIDE, PLAIN).astype(np.uint8)

    def _parts(
        self, layer: RemoteLayer, column: int, row: int, width: int, height: int
    ) -> Iterator[tuple[slice, slice, CellPixels]]:
        """What the cells hold of a window of the layer's pixels: rows and columns in the window, and their pixels."""
        side = layer.cell_px
        cells = [
            Cell(across, down)
            for down in range(row // side, (row + height - 1) // side + 1)
            for across in range(column // side, (column + width - 1) // side + 1)
        ]
        found = self._asking.map(lambda cell: self._cells.read(layer, cell, self._until), cells)
        for cell, (values, seen) in zip(cells, found, strict=True):
            left, top = cell.column * side - column, cell.row * side - row
            rows = slice(max(0, top), min(height, top + side))
            columns = slice(max(0, left), min(width, left + side))
            inside = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
            yield rows, columns, CellPixels(values[:, *inside], seen[inside])
