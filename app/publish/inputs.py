"""Files as an operator names them: folders opened up, each file checked, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.definitions import Nomenclature
from app.definitions.coding import Coding
from app.errors import RasterRefused
from app.publish.geopackages import inspect_geopackage
from app.publish.geotiffs import inspect_geotiff
from app.publish.sources import Source
from app.storage import Storage, sha256

_GEOTIFF, _GEOPACKAGE = (".tif", ".tiff"), (".gpkg",)


def gather(
    storage: Storage, rasters: Sequence[Path | str], nomenclature: Nomenclature, coding: Coding = Coding.VALUES
) -> list[Source]:
    """The checked inputs, in the order given; of a folder, every file of a known format in it, by name.

    rasters: paths, or hrefs of our own storage (block files, outputs). Raises RasterRefused, naming the file.
    """
    sources: list[Source] = []
    for raster in rasters:
        if isinstance(raster, str):
            name, path = raster.rpartition("/")[2], storage.gdal_path(raster)
            sources.append(inspect_geotiff(path, name, storage.sha256(raster), nomenclature))
        else:
            sources += [_inspect(path, nomenclature, coding) for path in _files(raster)]
    return sources


def _files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    found = sorted(
        path for path in given.rglob("*") if path.suffix.lower() in _GEOTIFF + _GEOPACKAGE and path.is_file()
    )
    if not found:
        raise RasterRefused(f"the folder {given.name} holds no class file: GeoTIFF (.tif, .tiff) or GeoPackage (.gpkg)")
    return found


def _inspect(path: Path, nomenclature: Nomenclature, coding: Coding) -> Source:
    if not path.is_file():
        raise RasterRefused(f"{path.name} is missing, or is no file")
    if path.suffix.lower() in _GEOPACKAGE:
        return inspect_geopackage(path, sha256(path), nomenclature)
    return inspect_geotiff(str(path), path.name, sha256(path), nomenclature, coding)
