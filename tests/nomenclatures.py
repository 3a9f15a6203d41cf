"""A nomenclature that a later version may ship: a JSON beside that of CoSIA."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.definitions import Nomenclature, nomenclature

BUILDING_COLOUR = "#102030"


@contextmanager
def another(folder: Path) -> Iterator[Nomenclature]:
    """`other`, in which buildings have a colour of their own, known as long as the block lasts."""
    cosia = nomenclature()
    first = cosia.classes[0].model_copy(update={"colour": BUILDING_COLOUR})
    other = cosia.model_copy(update={"id": "other", "title": "Other", "classes": (first, *cosia.classes[1:])})
    folder.mkdir()
    for each in (cosia, other):
        (folder / f"{each.id}.json").write_text(each.model_dump_json(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        # The package's attribute of that name is the function, not the module.
        patch.setattr(sys.modules["app.definitions.nomenclature"], "_FOLDER", folder)
        nomenclature.cache_clear()
        yield other
    nomenclature.cache_clear()
