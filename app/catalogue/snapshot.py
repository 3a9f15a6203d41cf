"""What the catalogue last knew, in a local file: a process that starts while the database is away serves that."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import structlog

from app.catalogue.layer import Layer
from app.definitions import nomenclature
from app.errors import CosiaError
from app.tiling import RasterRef

log = structlog.get_logger(__name__)

_FORMAT = 1
_WORDS = [
    field.name for field in fields(Layer) if field.init and field.name not in ("rasters", "overviews", "_indexes")
]


class Snapshot:
    """A file of layers. origin: names the database and the storage they are of; those of another are not taken."""

    def __init__(self, path: Path, origin: str) -> None:
        self._path = path
        self._origin = origin

    def save(self, layers: Mapping[str, Layer]) -> None:
        """Puts the file in place whole. One that cannot be written is a line in the log: nothing depends on it yet."""
        document = {"format": _FORMAT, "origin": self._origin, "layers": [_document(each) for each in layers.values()]}
        draft = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
            draft.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            log.warning("catalogue_snapshot_not_written", reason=error.strerror)

    def load(self) -> dict[str, Layer] | None:
        """The layers by id; None where there is no file, or none of this origin."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if (document["format"], document["origin"]) != (_FORMAT, self._origin):
                return None
            return {each["id"]: _layer(each) for each in document["layers"]}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, CosiaError) as error:
            log.warning("catalogue_snapshot_not_read", reason=str(error))
            return None


def _document(layer: Layer) -> dict[str, Any]:
    words = {name: getattr(layer, name) for name in _WORDS}
    rasters = {name: [asdict(raster) for raster in getattr(layer, name)] for name in ("rasters", "overviews")}
    return {**words, **rasters, "nomenclature": layer.nomenclature.id}


def _layer(document: dict[str, Any]) -> Layer:
    rasters = {name: tuple(RasterRef(**each) for each in document[name]) for name in ("rasters", "overviews")}
    return Layer(**{**document, **rasters, "nomenclature": nomenclature(document["nomenclature"])})
