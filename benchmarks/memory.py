"""Memory of a process that draws many different tiles: what grows with their number is a leak."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from app.definitions.tile_matrix_set import tile_matrix_set
from app.tiling import Look, RasterRef, Style, render
from app.tiling.reproject import bounds_in

_ZOOMS = {"WebMercatorQuad": range(8, 20), "2154_10cm": range(10, 21), "4326_5_18": range(8, 19)}
_LOOKS = (
    Look(),
    Look(Style.COLOUR_BLIND),
    Look(isolate=9),
    Look(classes=frozenset({1, 8, 9}), opacity_percent=60),
)


def measure(raster: RasterRef, first: int = 20_000, last: int = 200_000) -> float:
    """Prints the resident memory after `first` and after `last` mixed tiles of a raster; gives the second's share of
    the first."""
    resident_kib: dict[int, int] = {}
    for number, (tms_id, z, x, y, look) in enumerate(_tiles(raster, last), start=1):
        render([raster], tms_id, z, x, y, look=look)
        if number in (first, last):
            resident_kib[number] = _resident_kib()
    ratio = resident_kib[last] / resident_kib[first]
    print(
        f"memory: {resident_kib[first] / 1024:.0f} MiB after {first} tiles, "
        f"{resident_kib[last] / 1024:.0f} MiB after {last}: {ratio:.3f} times"
    )
    return ratio


def _tiles(raster: RasterRef, count: int) -> Iterator[tuple[str, int, int, int, Look]]:
    """Tiles of three tile matrix sets at all zooms, mostly finer ones, in a fixed random order."""
    rng = random.Random(0)
    limits = []
    for tms_id, zooms in _ZOOMS.items():
        tms = tile_matrix_set(tms_id)
        bounds = bounds_in(raster.grid, tms.epsg)
        limits += [(tms_id, z, tms.matrix(str(z)).limits(bounds)) for z in zooms]
    for _ in range(count):
        tms_id, z, (left, top, right, bottom) = rng.choice(limits)
        yield tms_id, z, rng.randint(left, right), rng.randint(top, bottom), rng.choice(_LOOKS)


def _resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
