"""What a file of imagery is, and whether it can be a file of a source in the role it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pyproj import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from app.definitions import Band, Role, prediction_grid
from app.definitions.grid import prediction_crs
from app.definitions.projection import prediction_epsg
from app.definitions.roles import ROLE_BANDS
from app.errors import ImageryRefused, RasterRefused
from app.imagery.files import PixelLayout, open_raster

_PICTURE_SIDES_M = (0.04, 1.05)
_MODEL_SIDES_M = (0.1, 10.0)
"""Sides of pixels that are resampled to the grid's: pictures, and models of surface or terrain."""
_PIXEL_TOLERANCE = 0.05  # real deliveries are off by 0.15 %; beyond 5 % it is another resolution
_SAMPLE_PX = 256
_GLANCE_PX = 64
_MODELS = (Role.SURFACE, Role.TERRAIN)
_SCALED = {"uint16", "int16", "float32"}
_METRES = {"float32", "float64", "int16"}
_COLOURS = {ColorInterp.red: Band.R, ColorInterp.green: Band.G, ColorInterp.blue: Band.B}


@dataclass(frozen=True)
class Told:
    """What the operator says of files that do not say it themselves.

    epsg: of files without a CRS. scale: values that become byte 0 and byte 255. stack_bands: in file order.
    """

    epsg: int | None = None
    scale: tuple[float, float] | None = None
    stack_bands: tuple[Band, ...] = ROLE_BANDS[Role.STACK]

    def order(self, role: Role) -> tuple[Band, ...]:
        return self.stack_bands if role == Role.STACK else ROLE_BANDS[role]


@dataclass(frozen=True)
class InspectedFile:
    """A file found fit for its role. is_blank: black or white all over, where it was looked at."""

    role: Role
    path: Path
    epsg: int
    layout: PixelLayout
    size_bytes: int
    mtime_ns: int
    is_blank: bool

    @property
    def on_grid(self) -> bool:
        return self.role in _MODELS or self.layout.place_on(prediction_grid(self.epsg)) is not None

    @property
    def has_other_pixels(self) -> bool:
        """Whether it is a picture of another resolution than the grid's, not merely one beside its pixels."""
        return self.role not in _MODELS and not _is_near(self.layout.pixel_width_m, self.epsg)


def _is_near(side_m: float, epsg: int) -> bool:
    return abs(side_m / prediction_grid(epsg).resolution_m - 1) <= _PIXEL_TOLERANCE


def inspect(path: Path, role: Role, told: Told) -> InspectedFile:
    """Opens a file and checks its projection, bands, type, orientation and pixel size.

    Raises ImageryRefused, naming the file and what is expected.
    """
    with opened(path) as raster:
        status = path.stat()
        epsg = _epsg(raster, path, told.epsg)
        _check_bands(raster, role, path, told)
        check_pixels(raster, path, _MODEL_SIDES_M if role in _MODELS else _PICTURE_SIDES_M)
        _check_content(raster, role, path, told)
        layout, is_blank = PixelLayout.of(raster), _is_blank(raster)
        return InspectedFile(role, path, epsg, layout, status.st_size, status.st_mtime_ns, is_blank)


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """A file to look at. Raises ImageryRefused, naming it, where it cannot be opened or, inside, cannot be read."""
    try:
        with open_raster(path) as raster:
            yield raster
    except FileNotFoundError as error:
        raise ImageryRefused(f"{path.name} does not exist") from error
    except RasterRefused as error:
        raise ImageryRefused(error.message) from error
    except (OSError, RasterioIOError) as error:
        raise ImageryRefused(f"{path.name} cannot be read: it is damaged, cut short or not accessible") from error


def _epsg(raster: DatasetReader, path: Path, assumed: int | None) -> int:
    expected = " or ".join(f"EPSG:{code}" for code in prediction_crs())
    # Some writers of JPEG 2000 put a plane without a place where a projection is lacking.
    if not raster.crs or CRS.from_wkt(raster.crs.to_wkt()).is_engineering:
        if assumed is not None:
            return assumed
        raise ImageryRefused(f"{path.name} has no coordinate reference system: say --crs {expected}")
    epsg = prediction_epsg(raster.crs.to_wkt())
    if epsg is None:
        code = raster.crs.to_epsg()
        found = f"EPSG:{code}" if code else "a projection of its own"
        raise ImageryRefused(f"{path.name} is in {found}: expected {expected}, reproject it first")
    return epsg


def _check_bands(raster: DatasetReader, role: Role, path: Path, told: Told) -> None:
    types = set(raster.dtypes)
    if role in _MODELS:
        if raster.count != 1 or not types <= _METRES:
            raise ImageryRefused(
                f"{path.name} has {raster.count} bands of {raster.dtypes[0]}: a file of the role {role} has one band of"
                f" heights in metres ({', '.join(sorted(_METRES))})"
            )
        return
    bands = told.order(role)
    expected = f"a file of the role {role} has {len(bands)} ({', '.join(bands)}), and an alpha band at most"
    with_alpha = raster.count == len(bands) + 1 and raster.colorinterp[-1] == ColorInterp.alpha
    if raster.count != len(bands) and not with_alpha:
        hint = "; say the bands it has with --stack-bands" if role == Role.STACK else ""
        raise ImageryRefused(f"{path.name} has {raster.count} band{'s' * (raster.count > 1)}: {expected}{hint}")
    if types != {"uint8"}:
        _check_scale(raster, role, path, told)
    # Of other stacks than the usual the operator's word counts: GDAL names the first three bands of any red to blue.
    if role == Role.RGB or bands == ROLE_BANDS[Role.STACK]:
        _check_colours(raster, bands, path)


def _check_scale(raster: DatasetReader, role: Role, path: Path, told: Told) -> None:
    types = set(raster.dtypes)
    if role == Role.HEIGHT or not types <= _SCALED:
        hint = " (heights in metres are given as --surface and --terrain)" if role == Role.HEIGHT else ""
        raise ImageryRefused(
            f"{path.name} holds {raster.dtypes[0]} values: expected bytes (uint8), as BD ORTHO is delivered{hint}"
        )
    if told.scale is None:
        raise ImageryRefused(
            f"{path.name} holds {raster.dtypes[0]} values: expected bytes (uint8), or say which values become"
            " black and white with --scale LOW HIGH"
        )


def _check_colours(raster: DatasetReader, bands: tuple[Band, ...], path: Path) -> None:
    """A file that names its colours in another order than is taken would be read with red for blue."""
    for number, (colour, band) in enumerate(zip(raster.colorinterp, bands, strict=False), 1):
        named = _COLOURS.get(colour)
        if named is not None and band in _COLOURS.values() and named != band:
            raise ImageryRefused(
                f"{path.name} says that its band {number} is {colour.name}; expected {', '.join(bands)}: reorder its"
                " bands, or register a stack and say --stack-bands"
            )


def check_pixels(raster: DatasetReader, path: Path, sides_m: tuple[float, float]) -> None:
    """Raises ImageryRefused where pixels are not north-up squares with sides of these lengths."""
    t = raster.transform
    if t.a <= 0 or t.e >= 0 or t.b != 0 or t.d != 0:
        raise ImageryRefused(f"{path.name} is rotated, not north up or has no place: expected rows from north to south")
    low, high = sides_m
    if not all(low <= side <= high for side in (t.a, -t.e)) or abs(t.a / -t.e - 1) > _PIXEL_TOLERANCE:
        raise ImageryRefused(
            f"{path.name} has pixels of {t.a:.4g} m x {-t.e:.4g} m: expected squares of {low:.2g} m to {high:.2g} m"
        )


def _check_content(raster: DatasetReader, role: Role, path: Path, told: Told) -> None:
    """Reads little: the last pixel, which a file cut short has lost, and a sample of what claims to be a mask."""
    raster.read(1, window=Window(raster.width - 1, raster.height - 1, 1, 1))
    bands = told.order(role)
    if role in _MODELS or raster.count == len(bands):
        return
    width, height = min(_SAMPLE_PX, raster.width), min(_SAMPLE_PX, raster.height)
    middle = Window((raster.width - width) // 2, (raster.height - height) // 2, width, height)
    # GDAL takes the fourth band of a TIFF for alpha unless told otherwise: near infrared often comes so.
    if not np.isin(raster.read(raster.count, window=middle), (0, 255)).all():
        raise ImageryRefused(
            f"{path.name} has a band beyond {', '.join(bands)} that is not a mask (0 or 255):"
            " give near infrared as an IRC file, or as a stack whose bands --stack-bands names"
        )


def _is_blank(raster: DatasetReader) -> bool:
    """Whether nine places of a file, on a square from edge to edge, hold only black, only white, or no numbers."""
    width, height = min(_GLANCE_PX, raster.width), min(_GLANCE_PX, raster.height)
    seen: set[float] = set()
    for window in _glances(raster, width, height):
        values = raster.read(window=window)
        seen |= set(np.unique(values[~np.isnan(values)])[:2].tolist())
        if len(seen) > 1 or not seen <= {0, 255}:
            return False
    return True


def _glances(raster: DatasetReader, width: int, height: int) -> Iterator[Window]:
    for down in range(3):
        for across in range(3):
            yield Window((raster.width - width) * across // 2, (raster.height - height) * down // 2, width, height)
