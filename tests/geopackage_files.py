"""GeoPackages of class polygons as the official product has them: `numero`, `classe`, layer name = file stem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyogrio.raw
import shapely


class Labelled(NamedTuple):
    """A polygon with its labels; None is a missing one."""

    geometry: shapely.Geometry | None
    number: int | None = None
    title: str | None = None


def write_geopackage(
    path: Path,
    polygons: Sequence[Labelled],
    *,
    crs: str | None = "EPSG:2154",
    columns: tuple[str, str] = ("numero", "classe"),
    layer: str | None = None,
    index: bool = True,
) -> Path:
    """layer: its name, the file's stem when left out; added where the file is there. index: with a spatial one."""
    number = np.array([-1 if p.number is None else p.number for p in polygons], np.int32)
    title = np.array([p.title for p in polygons], object)
    options: dict[str, Any] = {"driver": "GPKG", "layer": layer or path.stem, "geometry_type": "Unknown", "crs": crs}
    options["layer_options"] = {"SPATIAL_INDEX": "YES" if index else "NO"}
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(np.array([p.geometry for p in polygons], object)),
        field_data=[number, title],
        field_mask=[number == -1, np.array([t is None for t in title])],
        fields=list(columns),
        **options,
    )
    return path
