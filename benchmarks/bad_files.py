"""Files that are no zone, each in a way of its own: what a page must refuse at once (fault F04)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

_PLACE = (3.2636, 43.5592)
_SIZE_DEG = 0.002


def bad_files(folder: Path) -> dict[str, Path]:
    """Written into a folder, by title."""
    x, y = _PLACE
    far = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    contents = {
        "file of 200 MB": b" " * 200_000_000,
        "outline of 100 000 vertices": _geojson([_circle(100_000)]),
        "outline that crosses itself": _geojson([_ring([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]])]),
        "outline over the antimeridian": _geojson([[[179, 43], [-179, 43], [-179, 44], [179, 43]]]),
        "metres without a system": _geojson([[[700_000 + 100 * i, 6_270_000 + 100 * j] for i, j in far]]),
        "coordinate that is no number": _geojson([[[x, y], [math.nan, y], [x, y + 1], [x, y]]]),
        "empty file": b"",
    }
    paths = {}
    for i, (title, content) in enumerate(contents.items()):
        paths[title] = folder / f"{i}.geojson"
        paths[title].write_bytes(content)
    return paths


def _geojson(rings: list[Any]) -> bytes:
    return json.dumps({"type": "Polygon", "coordinates": rings}).encode()


def _ring(corners: list[list[int]]) -> list[list[float]]:
    return [[_PLACE[0] + _SIZE_DEG * i, _PLACE[1] + _SIZE_DEG * j] for i, j in corners]


def _circle(vertices: int) -> list[list[float]]:
    angles = [2 * math.pi * i / vertices for i in range(vertices)]
    ring = [[_PLACE[0] + _SIZE_DEG * math.cos(a), _PLACE[1] + _SIZE_DEG * math.sin(a)] for a in angles]
    return [*ring, ring[0]]
