"""Query parameters of tile routes: what is not known, or comes twice, is refused.

Caches key on the whole address: an ignored parameter would let anybody fill them with copies of one tile.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from fastapi import Request
from starlette.datastructures import QueryParams

from app.catalogue import Layer
from app.catalogue.overlay import Overlay
from app.errors import ParameterInvalid, Unknown
from app.tiling import Style

_KEPT_BYTES = 200
"""Of a query that is kept parsed: a stranger's long ones would fill the memory."""

_parsed = lru_cache(maxsize=1024)(QueryParams)


def query_of(request: Request) -> QueryParams:
    """The parameters of the query. All tiles of one look and version share them: parsing costs as much as routing."""
    query: bytes = request.scope["query_string"]
    return _parsed(query) if len(query) <= _KEPT_BYTES else QueryParams(query)


def allow_only(request: Request, names: Iterable[str]) -> None:
    """Raises ParameterInvalid for a query parameter of another name, or one that comes twice."""
    allowed = tuple(names)
    given = [name for name, _ in query_of(request).multi_items()]
    for name in given:
        if name not in allowed:
            words = f"allowed are {', '.join(allowed)}" if allowed else "there are none here"
            raise ParameterInvalid(f"unknown query parameter {name[:60]!r}; {words}", name[:60])
        if given.count(name) > 1:
            raise ParameterInvalid(f"query parameter {name!r} may come once only", name)


def integer(text: str, parameter: str) -> int:
    """A number of plain digits. Raises Unknown for anything else: there is no tile of that name."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Unknown(f"there is no such tile: {parameter} must be a whole number", parameter)
    return int(text)


def style_of(layer: Layer | Overlay, text: str | None) -> Style:
    """The style of that name. Raises ParameterInvalid, naming those of the layer."""
    if text is None:
        return layer.styles[0]
    if text not in [style.value for style in layer.styles]:
        raise ParameterInvalid(f"no such style; layer {layer.id} has {', '.join(layer.styles)}", "style")
    return Style(text)


def classes_of(layer: Layer | Overlay, style: Style, text: str | None) -> frozenset[int] | None:
    """The class values that show, `1,8,9`. Raises ParameterInvalid."""
    if text is None:
        return None
    if not style.shows_classes:
        raise ParameterInvalid(f"classes chooses the classes that show; style {style} has none", "classes")
    words = text.split(",")
    known = {str(value) for value in layer.nomenclature.by_value}
    if not set(words) <= known:
        values = ", ".join(sorted(known, key=int))
        raise ParameterInvalid(f"classes is a list of class values such as 1,8,9; known are {values}", "classes")
    return frozenset(int(word) for word in words)
