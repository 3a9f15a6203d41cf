"""Tile indexes: the shapefile or GeoPackage of a delivery that names its files and says where each lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from app.errors import ImageryRefused
from app.imagery.files import Bounds

NAME_FIELDS = ("NOM", "NOM_DALLE", "LOCATION", "NAME")
"""Fields that hold names of files: BD ORTHO's, RGE ALTI's, those of GDAL's own indexes. Small letters count as well."""

_DRIVERS = {".shp": "ESRI Shapefile", ".gpkg": "GPKG"}
_MOST_NAMED = 5
_MOVED_M = 1.0
"""Footprints are drawn to the metre."""


class TileIndex:
    """Names of files, without folder and suffix, and the bounds of each in the CRS of the files."""

    def __init__(self, path: Path) -> None:
        """Raises ImageryRefused for what is no tile index."""
        self._path = path
        if path.suffix.lower() not in _DRIVERS:
            raise ImageryRefused(f"{path.name} is no tile index: expected a shapefile (.shp) or a GeoPackage (.gpkg)")
        try:
            found = pyogrio.read_info(path)
            field = next((name for name in found["fields"] if name.upper() in NAME_FIELDS), None)
            if found["driver"] != _DRIVERS[path.suffix.lower()] or field is None:
                raise ImageryRefused(
                    f"{path.name} has no field that names files: expected {', '.join(NAME_FIELDS)},"
                    f" found {', '.join(found['fields']) or 'none'}"
                )
            _, _, geometries, values = pyogrio.raw.read(path, columns=[field])
        except (DataSourceError, DataLayerError, OSError) as error:
            raise ImageryRefused(f"{path.name} cannot be read: it is damaged or incomplete") from error
        self.bounds = {
            _stem(str(name)): Bounds(*shapely.bounds(shape).tolist())
            for name, shape in zip(values[0], shapely.from_wkb(geometries), strict=True)
        }
        if not self.bounds:
            raise ImageryRefused(f"{path.name} names no file")

    def files_in(self, rasters: Sequence[Path]) -> list[Path]:
        """Of the rasters of one role, those that are named. Raises ImageryRefused where one of them is missing."""
        found = {_stem(path.name): path for path in rasters}
        missing = sorted(set(self.bounds) - set(found))
        if missing:
            more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
            raise ImageryRefused(
                f"{len(missing)} of {len(self.bounds)} files that {self._path.name} names are not in the folder:"
                f" {', '.join(missing[:_MOST_NAMED])}{more}"
            )
        return [found[name] for name in sorted(self.bounds)]

    def require_place(self, path: Path, bounds: Bounds) -> None:
        """Raises ImageryRefused where a file lies elsewhere than the index says."""
        expected = self.bounds[_stem(path.name)]
        if max(abs(a - b) for a, b in zip(bounds, expected, strict=True)) > _MOVED_M:
            raise ImageryRefused(
                f"{path.name} lies at {_words(bounds)}, and {self._path.name} says {_words(expected)}:"
                " one of them is wrong"
            )


def _stem(name: str) -> str:
    """Deliveries name files with or without ./, a folder or a suffix, in the manner of any system."""
    path = PureWindowsPath(name.strip())
    return path.stem if path.suffix.lower() in (".jp2", ".tif", ".tiff", ".asc") else path.name


def _words(bounds: Bounds) -> str:
    return f"({', '.join(f'{side:.1f}' for side in bounds)})"
