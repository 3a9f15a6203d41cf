"""GeoPackages in the schema of the official product: `numero`, `classe`, and how sure and how large each polygon is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyogrio
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from app.definitions import Nomenclature
from app.errors import Unavailable

LAYER = "polygons"
"""As in the official product, the stem of the file's name."""
_LAST_CHANGE = "2000-01-01T00:00:00.000Z"
"""The same in all files, so that equal polygons give equal bytes; the format requires a date (OGC 12-128r19, 1.1.3)."""

_OPTIONS = {
    "OGR_CURRENT_DATE": _LAST_CHANGE,
    # Half a file is thrown away, never repaired: no journal is to be left beside it.
    "OGR_SQLITE_JOURNAL": "OFF",
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
}


class Features(NamedTuple):
    """polygons: (n,) shapely; values: (n,) uint8 classes; confidence: (n,) 0-1; area_m2: (n,)."""

    polygons: np.ndarray
    values: np.ndarray
    confidence: np.ndarray
    area_m2: np.ndarray


def write_geopackage(path: Path, epsg: int, nomenclature: Nomenclature, batches: Iterable[Features]) -> None:
    """Writes a file that is not there yet; with no batch, one that has the layer and nothing in it.

    Raises Unavailable where the disk is full or fails.
    """
    titles = np.full(256, None, object)
    for c in nomenclature.classes:
        titles[c.value] = c.title_fr
    pyogrio.set_gdal_config_options(_OPTIONS)
    nothing = np.zeros(0)
    none = Features(nothing.astype(object), nothing.astype(np.uint8), nothing, nothing)
    try:
        _append(path, epsg, titles, none, first=True)
        for batch in batches:
            _append(path, epsg, titles, batch, first=False)
    except (DataSourceError, DataLayerError) as error:
        raise Unavailable("the storage cannot be written: it is full, or fails") from error


def _append(path: Path, epsg: int, titles: np.ndarray, batch: Features, *, first: bool) -> None:
    pyogrio.raw.write(
        path,
        driver="GPKG",
        layer=LAYER,
        crs=f"EPSG:{epsg}",
        geometry_type="Polygon",
        geometry=shapely.to_wkb(batch.polygons),
        fields=["numero", "classe", "confidence", "area_m2"],
        field_data=[
            batch.values.astype(np.int32),
            titles[batch.values],
            np.round(batch.confidence, 4),
            np.round(batch.area_m2, 6),
        ],
        append=not first,
    )
