"""Figures of a prediction as JSON and as CSV.

CSV is RFC 4180 in UTF-8: commas between fields, a point before decimals, one header row.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.outputs.prediction import Prediction

_NO_CLASS = {"value": 0, "code": "nodata", "title_fr": "Non classé", "title_en": "Not classified"}


def write_areas(prediction: Prediction, path: Path) -> None:
    _write_json(prediction.areas, path)


def write_areas_csv(prediction: Prediction, path: Path) -> None:
    """One row per class that is there; where something is not classified, a last row for that, without a share."""
    table = prediction.areas
    rows = list(table["classes"])
    if table["nodata_m2"]:
        rows.append({**_NO_CLASS, "area_m2": table["nodata_m2"], "share": ""})
    _write_csv(("value", "code", "title_fr", "title_en", "area_m2", "share"), rows, path)


def write_changes(prediction: Prediction, path: Path) -> None:
    _write_json(_changes(prediction), path)


def write_changes_csv(prediction: Prediction, path: Path) -> None:
    """One row per pair of classes that occurs, those that did not change too."""
    columns = ("from", "from_code", "to", "to_code", "area_m2", "on_borders_m2")
    _write_csv(columns, _changes(prediction)["transitions"], path)


def _changes(prediction: Prediction) -> Mapping[str, Any]:
    if prediction.changes is None:
        raise ValueError("nothing was compared")
    return prediction.changes


def _write_json(document: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _write_csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
