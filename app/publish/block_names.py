"""Names of the blocks of the official product: `D049_2022_420_6710_vecto`.

Département, year, west edge in km, **north** edge in km (FACTS: distribution). A block on a département's border
exists once per département, each with its own part of the square.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.definitions import Grid

_NAME = re.compile(r"(D[0-9][0-9AB][0-9AB]?)_([12][0-9]{3})_([0-9]{1,4})_([0-9]{1,5})(?:_vecto)?")
_SIDE_PX = 50_000
_RESOLUTION_M = 0.2


@dataclass(frozen=True)
class BlockName:
    """What an official name tells; west_km and north_km are of the block's north-west corner."""

    departement: str
    year: int
    west_km: int
    north_km: int

    def grid(self, epsg: int) -> Grid:
        """The 10 km × 10 km of the block in pixels of the product, 0.2 m."""
        return Grid(epsg, self.west_km * 1000.0, self.north_km * 1000.0, _RESOLUTION_M, _SIDE_PX, _SIDE_PX)

    def __str__(self) -> str:
        return f"{self.departement}_{self.year}_{self.west_km}_{self.north_km}"


def block_name(stem: str) -> BlockName | None:
    """The parts of an official name; None for any other name."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return None
    departement, year, west_km, north_km = found.groups()
    return BlockName(departement, int(year), int(west_km), int(north_km))
