"""A prediction as a STAC 1.1 item, and what items of published rasters share with it.

Extensions: projection (the grid), classification (the classes), raster (scale of the confidence), file (digest).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import shapely

from app.definitions import Nomenclature
from app.outputs.prediction import Prediction, Written

VERSION = "1.1.0"
GEOJSON = "application/geo+json"
EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
SHA2_256 = "1220"
"""Of a multihash: SHA2-256, 32 bytes."""
LICENCE = "etalab-2.0"
FILE_NAME = "item.json"

CONFIDENCE_BAND = {"data_type": "uint8", "nodata": 0, "raster:scale": 1 / 255}


def class_band(nomenclature: Nomenclature) -> dict[str, Any]:
    """What the numbers of a band of classes mean."""
    return {
        "data_type": "uint8",
        "nodata": 0,
        "classification:classes": [
            {"value": 0, "name": "nodata", "description": "nothing is known here", "nodata": True},
            *(
                {
                    "value": c.value,
                    "name": c.code,
                    "title": c.title_fr,
                    "description": c.title_en,
                    "color_hint": c.colour[1:].upper(),
                }
                for c in nomenclature.classes
            ),
        ],
    }


def year_period(year: int) -> tuple[str, str]:
    """Its first and last second."""
    return f"{year}-01-01T00:00:00Z", f"{year}-12-31T23:59:59Z"


def write_stac(prediction: Prediction, path: Path) -> None:
    """Links are absolute and carry the permalink; the other outputs are written already."""
    path.write_text(json.dumps(_item(prediction), ensure_ascii=False), encoding="utf-8")


def _item(prediction: Prediction) -> dict[str, Any]:
    grid, source, asked = prediction.grid, prediction.source, prediction.asked
    asked_at = f"{asked.created:%Y-%m-%dT%H:%M:%SZ}"
    start, end = year_period(source.year) if source.year is not None else (None, None)
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": asked.permalink,
        "geometry": shapely.geometry.mapping(prediction.aoi),
        "bbox": list(prediction.aoi.bounds),
        "properties": {
            # The year of the imagery; of a source without one, when the prediction was asked for.
            **({"datetime": asked_at} if start is None else {"datetime": None, "start_datetime": start}),
            **({} if end is None else {"end_datetime": end}),
            "created": asked_at,
            "title": f"Land cover predicted from {source.title}",
            "license": LICENCE,
            "providers": [{"name": source.attribution, "roles": ["producer"]}] if source.attribution else [],
            "gsd": grid.resolution_m,
            "proj:code": f"EPSG:{grid.epsg}",
            "proj:shape": [grid.height, grid.width],
            "proj:transform": [grid.resolution_m, 0.0, grid.left, 0.0, -grid.resolution_m, grid.top],
            **{f"cosia:{name}": value for name, value in prediction.ensemble.document().items()},
            "cosia:imagery_source": source.id,
            "cosia:demonstration": source.demonstration,
            "cosia:asked_m2": asked.area_m2,
            "cosia:gaps": [gap.document() for gap in prediction.gaps],
        },
        "assets": {
            name: _asset(prediction, name, prediction.written[name])
            for name in asked.outputs
            if name in prediction.written
        },
        "links": [
            {"rel": "self", "href": f"{asked.address}/results/{FILE_NAME}", "type": GEOJSON},
            {"rel": "via", "href": asked.address, "type": "application/json", "title": "the job"},
        ],
    }


def _asset(prediction: Prediction, name: str, written: Written) -> dict[str, Any]:
    band = {"classes": class_band(prediction.nomenclature), "confidence": CONFIDENCE_BAND}.get(name, {})
    return {
        "href": f"{prediction.asked.address}/results/{written.file_name}",
        "type": written.media_type,
        "title": written.title,
        "roles": list(written.roles),
        "file:checksum": SHA2_256 + prediction.storage.sha256(written.href),
        "file:size": prediction.storage.size_bytes(written.href),
        **band,
    }
