"""What a file of imagery is, and whether it can be a file of a source in the role it is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import Role, prediction_grid
from app.definitions.grid import prediction_crs
from app.definitions.projection import prediction_epsg
from app.definitions.roles import ROLE_BANDS
from app.errors import ImageryRefused, RasterRefused
from app.imagery.files import PixelLayout, open_raster

_PIXEL_TOLERANCE = 0.05  # real deliveries are off by 0.15 %; beyond 5 % it is another resolution
_SAMPLE_PX = 256


@dataclass(frozen=True)
class InspectedFile:
    """A file found fit for its role."""

    role: Role
    path: Path
    epsg: int
    layout: PixelLayout
    size_bytes: int
    mtime_ns: int

    @property
    def on_grid(self) -> bool:
        return self.layout.place_on(prediction_grid(self.epsg)) is not None


def inspect(path: Path, role: Role) -> InspectedFile:
    """Opens a file and checks its projection, bands, type, orientation and pixel size.

    Raises ImageryRefused, naming the file and what is expected.
    """
    try:
        status = path.stat()
        with open_raster(path) as raster:
            epsg = _epsg(raster, path)
            _check_bands(raster, role, path)
            _check_pixels(raster, prediction_grid(epsg).resolution_m, path)
            _check_content(raster, role, path)
            return InspectedFile(role, path, epsg, PixelLayout.of(raster), status.st_size, status.st_mtime_ns)
    except FileNotFoundError as error:
        raise ImageryRefused(f"{path.name} does not exist") from error
    except RasterRefused as error:
        raise ImageryRefused(error.message) from error
    except (OSError, RasterioIOError) as error:
        raise ImageryRefused(f"{path.name} cannot be read: it is damaged, cut short or not accessible") from error


def _epsg(raster: DatasetReader, path: Path) -> int:
    expected = " or ".join(f"EPSG:{code}" for code in prediction_crs())
    if not raster.crs:
        raise ImageryRefused(f"{path.name} has no coordinate reference system: expected {expected}")
    epsg = prediction_epsg(raster.crs.to_wkt())
    if epsg is None:
        code = raster.crs.to_epsg()
        found = f"EPSG:{code}" if code else "a projection of its own"
        raise ImageryRefused(f"{path.name} is in {found}: expected {expected}, reproject it first")
    return epsg


def _check_bands(raster: DatasetReader, role: Role, path: Path) -> None:
    bands = ROLE_BANDS[role]
    expected = f"a file of the role {role} has {len(bands)} ({', '.join(bands)}), and an alpha band at most"
    with_alpha = raster.count == len(bands) + 1 and raster.colorinterp[-1] == ColorInterp.alpha
    if raster.count != len(bands) and not with_alpha:
        raise ImageryRefused(f"{path.name} has {raster.count} band{'s' * (raster.count > 1)}: {expected}")
    if set(raster.dtypes) != {"uint8"}:
        raise ImageryRefused(
            f"{path.name} holds {raster.dtypes[0]} values: expected bytes (uint8), as BD ORTHO is delivered"
        )


def _check_pixels(raster: DatasetReader, resolution_m: float, path: Path) -> None:
    t = raster.transform
    if t.a <= 0 or t.e >= 0 or t.b != 0 or t.d != 0:
        raise ImageryRefused(f"{path.name} is rotated or not north up: expected rows from north to south")
    if any(abs(side / resolution_m - 1) > _PIXEL_TOLERANCE for side in (t.a, -t.e)):
        raise ImageryRefused(
            f"{path.name} has pixels of {t.a:.4g} m x {-t.e:.4g} m: expected {resolution_m} m within 5 %"
        )


def _check_content(raster: DatasetReader, role: Role, path: Path) -> None:
    """Reads little: the last pixel, which a file cut short has lost, and a sample of what claims to be a mask."""
    raster.read(1, window=Window(raster.width - 1, raster.height - 1, 1, 1))
    if raster.count == len(ROLE_BANDS[role]):
        return
    width, height = min(_SAMPLE_PX, raster.width), min(_SAMPLE_PX, raster.height)
    middle = Window((raster.width - width) // 2, (raster.height - height) // 2, width, height)
    # GDAL takes the fourth band of a TIFF for alpha unless told otherwise: near infrared often comes so.
    if not np.isin(raster.read(raster.count, window=middle), (0, 255)).all():
        raise ImageryRefused(
            f"{path.name} has a band beyond {', '.join(ROLE_BANDS[role])} that is not a mask (0 or 255):"
            " give near infrared as an IRC file or in a five-band stack"
        )
