"""Memory of a process that draws many different tiles: what grows with their number is a leak."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.definitions.tile_matrix_set import tile_matrix_set
from app.tiling import Look, RasterRef, Style, render
from app.tiling.reproject import bounds_in
from benchmarks import scene
from benchmarks.figures import Figure

_SIDE_PX = 10_240
_FIRST, _LAST = 20_000, 200_000

_ZOOMS = {"WebMercatorQuad": range(8, 20), "2154_10cm": range(10, 21), "4326_5_18": range(8, 19)}
_LOOKS = (
    Look(),
    Look(Style.COLOUR_BLIND),
    Look(isolate=9),
    Look(classes=frozenset({1, 8, 9}), opacity_percent=60),
)


def measure() -> list[Figure]:
    """Resident memory after 20 000 and after 200 000 mixed tiles of a raster."""
    resident_kib: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        raster = scene.raster(Path(folder) / "classes.tif", _SIDE_PX)
        for number, (tms_id, z, x, y, look) in enumerate(_tiles(raster, _LAST), start=1):
            render([raster], tms_id, z, x, y, look=look)
            if number in (_FIRST, _LAST):
                resident_kib[number] = _resident_kib()
                print(f"  {resident_kib[number] / 1024:.0f} MiB after {number} tiles", flush=True)
    ratio = resident_kib[_LAST] / resident_kib[_FIRST]
    return [
        Figure(
            f"memory after {_LAST} tiles beside after {_FIRST}",
            f"{resident_kib[_LAST] / 1024:.0f} MiB",
            f"{resident_kib[_FIRST] / 1024:.0f} MiB",
            ratio,
            "<= 1.1x",
            ratio <= 1.1,
        )
    ]


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
