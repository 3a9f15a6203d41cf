"""Every address that is read, as the API's own description has them."""

from __future__ import annotations

import re

from tests.faults.server import WebProcess

_GOOD = {
    "layer": "town",
    "processid": "predict-land-cover",
    "tilematrixset": "PM_6_19",
    "tilematrixsetid": "PM_6_19",
    "style": "normal",
    **dict.fromkeys(("z", "tilematrix"), "17"),
    **dict.fromkeys(("x", "tilecol"), "66722"),
    **dict.fromkeys(("y", "tilerow"), "47880"),
}


def filled(path: str, **chosen: str) -> str:
    """A path of the OpenAPI document with these values in it, good ones for the rest, `none` where none is known."""
    return re.sub(r"{(\w+)}", lambda found: chosen.get(found[1]) or _GOOD.get(found[1].lower(), "none"), path)


def read_routes(server: WebProcess) -> list[str]:
    """The path of every GET route of the OpenAPI document."""
    paths = server.ask("/api/openapi.json").document["paths"]
    return [path for path, operations in paths.items() if "get" in operations]
