"""Files as an operator names them: folders opened up, each file checked, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.definitions import Nomenclature
from app.definitions.coding import Coding
from app.errors import RasterRefused
from app.outputs import Progress
from app.publish.geopackages import inspect_geopackage
from app.publish.geotiffs import inspect_geotiff
from app.publish.sources import Source
from app.storage import Storage, sha256

_GEOTIFF, _GEOPACKAGE = (".tif", ".tiff"), (".gpkg",)


def gather(
    storage: Storage,
    rasters: Sequence[Path | str],
    nomenclature: Nomenclature,
    coding: Coding = Coding.VALUES,
    progress: Progress | None = None,
) -> list[Source]:
    """The checked inputs, in the order given; of a folder, every file of a known format in it, by name.

    rasters: paths, or hrefs of our own storage (block files, outputs). progress: told the fraction done, 0-1.
    Raises RasterRefused, naming the file.
    """
    files: list[Path | str] = []
    for raster in rasters:
        files += [raster] if isinstance(raster, str) else _files(raster)
    sources: list[Source] = []
    for number, file in enumerate(files, start=1):
        sources.append(
            _stored(storage, file, nomenclature) if isinstance(file, str) else _given(file, nomenclature, coding)
        )
        if progress is not None:
            progress(number / len(files))
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


def _stored(storage: Storage, href: str, nomenclature: Nomenclature) -> Source:
    name = href.rpartition("/")[2]
    return inspect_geotiff(storage.gdal_path(href), name, storage.sha256(href), nomenclature)


def _given(path: Path, nomenclature: Nomenclature, coding: Coding) -> Source:
    if not path.is_file():
        raise RasterRefused(f"{path.name} is missing, or is no file")
    if path.suffix.lower() in _GEOPACKAGE:
        return inspect_geopackage(path, sha256(path), nomenclature)
    if path.suffix.lower() not in _GEOTIFF:
        raise RasterRefused(
            f"{path.name}: .tif, .tiff and .gpkg can be published, and folders of them; unpack archives"
        )
    return inspect_geotiff(str(path), path.name, sha256(path), nomenclature, coding)
