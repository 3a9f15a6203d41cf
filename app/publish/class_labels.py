"""The labels of the official product's polygons: `numero`, the class value, and `classe`, its French name."""

from __future__ import annotations

from app.definitions import Nomenclature
from app.definitions.nomenclature import fold
from app.errors import RasterRefused


def class_value(number: object, title: object, where: str, nomenclature: Nomenclature) -> int:
    """The value of a labelled feature; either label may be missing (None). Accents and capitals of names vary.

    where: names the feature in messages. Raises RasterRefused for labels that are unknown or contradict each other.
    """
    by_title = nomenclature.by_folded_title.get(fold(str(title))) if title else None
    if title and by_title is None:
        known = ", ".join(c.title_fr for c in nomenclature.classes)
        raise RasterRefused(f"{where}: there is no class {str(title)!r}; known are {known}")
    if number is None:
        if by_title is None:
            raise RasterRefused(f"{where} has neither 'numero' nor 'classe'")
        return by_title.value
    value = int(str(number)) if str(number).strip().isdecimal() else 0
    by_number = nomenclature.by_value.get(value)
    if by_number is None:
        known = ", ".join(map(str, sorted(nomenclature.by_value)))
        raise RasterRefused(f"{where}: there is no class number {str(number)!r}; known are {known}")
    if by_title is not None and by_title.value != value:
        raise RasterRefused(
            f"{where}: 'numero' {value} is {by_number.title_fr}, but 'classe' is {str(title)!r}: correct one of them"
        )
    return value
