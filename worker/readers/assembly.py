"""From what each role holds of a window to the bands a network sees: one rule for files and for map servers."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

import numpy as np

from app.definitions import Band, Grid, ImagerySource, PredictionGrid, Role, prediction_grid
from app.definitions.roles import roles_of
from app.errors import BandMismatch
from app.imagery import PixelLayout

# What a role says of a pixel. MISSING: it holds the declared nodata value; SEEN: it does not; PLAIN: none is declared.
OUTSIDE, MISSING, SEEN, PLAIN = 0, 1, 2, 3

_COUNTS_PER_M = 5  # of the band E: 1 count = 0.2 m


class Place(NamedTuple):
    """A window of the prediction grid: first pixel counted from the grid's origin, shape in pixels."""

    on: PredictionGrid
    column: int
    row: int
    width: int
    height: int


class RoleReader(Protocol):
    """Reads one role of a source on a place; both give their (height, width) uint8 states last."""

    def bytes_of(self, role: Role, bands: list[Band], place: Place) -> tuple[np.ndarray, np.ndarray]:
        """(bands, height, width) uint8, 0 outside."""
        ...

    def metres_of(self, role: Role, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """(height, width) float64, metres."""
        ...


def assemble(
    source: ImagerySource, there: Collection[Role], reader: RoleReader, grid: Grid, bands: tuple[Band, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of the bands on the grid, and where they are imagery.

    there: the roles the source has. grid: its pixels are those of the source's prediction grid.
    Returns (bands, height, width) uint8, 0 outside, and (height, width) bool. A pixel is imagery where every role
    that the bands need has it, inside its mask. A declared nodata *value* hides a pixel of a picture only where all
    roles that declare one hold it in all bands read: delivered files declare 255, which a sunlit roof reaches in one
    file and hardly in all. Raises BandMismatch for a band that the source lacks.
    """
    place = _place(grid, prediction_grid(source.epsg))
    imagery = np.zeros((len(bands), grid.height, grid.width), np.uint8)
    states = []
    for roles, positions in _roles(source, there, bands).items():
        if len(roles) == 1:
            values, state = reader.bytes_of(roles[0], [bands[position] for position in positions], place)
            for position, band in zip(positions, values, strict=True):
                imagery[position] = band
            states.append(state)
        else:
            (surface, above), (terrain, below) = (reader.metres_of(role, place) for role in roles)
            seen = (above != OUTSIDE) & (below != OUTSIDE)
            imagery[positions[0]] = np.where(seen, height_counts(surface - terrain), 0)
            states.append(np.where(seen, PLAIN, OUTSIDE).astype(np.uint8))
    return imagery, _valid(np.stack(states))


def height_counts(height_m: np.ndarray) -> np.ndarray:
    """Metres above ground -> counts of 0.2 m as uint8: 0 below the ground, 255 from 51 m on; NaN becomes 0."""
    counts = np.rint(np.nan_to_num(height_m) * _COUNTS_PER_M)
    clipped: np.ndarray = np.clip(counts, 0, 255)
    return clipped.astype(np.uint8)


def _valid(states: np.ndarray) -> np.ndarray:
    """(roles, height, width) states -> (height, width) bool."""
    inside = (states != OUTSIDE).all(axis=0)
    valid: np.ndarray = inside & ((states == SEEN).any(axis=0) | (states != MISSING).all(axis=0))
    return valid


def _roles(
    source: ImagerySource, there: Collection[Role], bands: tuple[Band, ...]
) -> dict[tuple[Role, ...], list[int]]:
    """Which roles give which of the asked bands, as positions in `bands`."""
    giving: dict[tuple[Role, ...], list[int]] = {}
    for position, band in enumerate(bands):
        roles = roles_of(band, there)
        if not roles or band not in source.bands:
            raise BandMismatch(
                f"the bands {', '.join(bands)} are needed; imagery source {source.id} has"
                f" {', '.join(source.bands)}: {band} is missing"
            )
        giving.setdefault(roles, []).append(position)
    return giving


def _place(grid: Grid, on: PredictionGrid) -> Place:
    layout = PixelLayout(grid.left, grid.top, grid.resolution_m, grid.resolution_m, grid.width, grid.height)
    first = layout.place_on(on)
    if first is None or grid.epsg != on.epsg:
        raise ValueError(f"not pixels of the prediction grid of EPSG:{on.epsg}: {grid}")
    return Place(on, *first, grid.width, grid.height)
