"""Tile matrix sets: which tiles there are. One OGC TMS 2.0 JSON file is one set, its name the identifier.

Read with plain arithmetic: the path of a tile builds no CRS object.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.errors import Unknown

_FOLDER = Path(__file__).parent / "tile_matrix_sets"
_CRS_URI = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d+)")


@dataclass(frozen=True)
class TileMatrix:
    """One level. left, top and cell_size are in CRS units (metres or degrees), x or longitude first."""

    id: str
    scale_denominator: float
    cell_size: float
    left: float
    top: float
    tile_px: int
    width: int
    height: int

    @property
    def span(self) -> float:
        """Side of a tile, CRS units."""
        return self.cell_size * self.tile_px

    def holds(self, column: int, row: int) -> bool:
        return 0 <= column < self.width and 0 <= row < self.height

    def bounds(self, column: int, row: int) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) of a tile, CRS units, x or longitude first."""
        left, top = self.left + column * self.span, self.top - row * self.span
        return (left, top - self.span, left + self.span, top)

    def limits(self, bounds: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """(first column, first row, last column, last row) of the tiles that meet (left, bottom, right, top).

        Cut to the matrix; bounds wholly outside of it give the nearest tile.
        """
        left, bottom, right, top = bounds
        # A millionth of a tile: bounds that end on a tile's edge but for rounding do not reach the next one.
        slack = 1e-6
        columns = ((left - self.left) / self.span + slack, (right - self.left) / self.span - slack)
        rows = ((self.top - top) / self.span + slack, (self.top - bottom) / self.span - slack)
        first_column, last_column = (min(max(int(c // 1), 0), self.width - 1) for c in columns)
        first_row, last_row = (min(max(int(r // 1), 0), self.height - 1) for r in rows)
        return (first_column, first_row, max(first_column, last_column), max(first_row, last_row))


@dataclass(frozen=True)
class TileMatrixSet:
    """One set; `latitude_first` is the order of its CRS's axes, as corners are written in OGC documents."""

    id: str
    title: str
    epsg: int
    latitude_first: bool
    matrices: tuple[TileMatrix, ...]
    document: dict[str, Any]

    @property
    def crs_urn(self) -> str:
        return f"urn:ogc:def:crs:EPSG::{self.epsg}"

    def matrix(self, matrix_id: str) -> TileMatrix:
        """The level of that identifier. Raises Unknown, naming the ends of what there is."""
        for matrix in self.matrices:
            if matrix.id == matrix_id:
                return matrix
        first, last = self.matrices[0].id, self.matrices[-1].id
        raise Unknown(f"{self.id} has no such level: it goes from {first} to {last}", "tileMatrix")


def _parsed(path: Path) -> TileMatrixSet:
    document = json.loads(path.read_bytes())
    uri = _CRS_URI.fullmatch(document["crs"])
    if document["id"] != path.stem or uri is None:
        raise ValueError(f"{path.name}: the id must be the file's name and the crs an EPSG address")
    latitude_first = document["orderedAxes"][0] in ("Lat", "N")
    matrices = []
    for level in document["tileMatrices"]:
        left, top = reversed(level["pointOfOrigin"]) if latitude_first else level["pointOfOrigin"]
        if level["tileWidth"] != level["tileHeight"]:
            raise ValueError(f"{path.name}: tiles must be square")
        matrices.append(
            TileMatrix(
                id=level["id"],
                scale_denominator=level["scaleDenominator"],
                cell_size=level["cellSize"],
                left=left,
                top=top,
                tile_px=level["tileWidth"],
                width=level["matrixWidth"],
                height=level["matrixHeight"],
            )
        )
    return TileMatrixSet(document["id"], document["title"], int(uri[1]), latitude_first, tuple(matrices), document)


@lru_cache
def tile_matrix_sets() -> dict[str, TileMatrixSet]:
    """All sets, by id."""
    sets = [_parsed(path) for path in sorted(_FOLDER.glob("*.json"))]
    return {tms.id: tms for tms in sets}


def tile_matrix_set(tms_id: str) -> TileMatrixSet:
    """The set of that id. Raises Unknown, naming those there are."""
    sets = tile_matrix_sets()
    if tms_id not in sets:
        raise Unknown(f"there is no such tile matrix set; known: {', '.join(sorted(sets))}", "tileMatrixSet")
    return sets[tms_id]
