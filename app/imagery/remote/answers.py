"""What a map server answered: pixels, or the reason why not, in words."""

from __future__ import annotations

import re
from io import BytesIO
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from app.definitions import RemoteLayer
from app.definitions.remote_service import BIL, JPEG, PNG, Pixels
from app.definitions.roles import ROLE_BANDS
from app.errors import ImageryRefused, Unavailable
from app.imagery.remote.client import Answer

_XML_BYTES = 65_536
_WORDS = 200  # of a server's own text that people are shown
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LASTING = re.compile(r"Invalid|NotDefined|NotSupported|Missing|NotQueryable|OutOfRange", re.IGNORECASE)
_LASTING_STATUS = range(400, 500)


class CellPixels(NamedTuple):
    """values: (bands, height, width) uint8, or float64 metres. seen: (height, width) bool, False where the answer
    itself says that nothing is there.
    """

    values: np.ndarray
    seen: np.ndarray


def decode(answer: Answer, layer: RemoteLayer) -> CellPixels:
    """The pixels of a cell. Raises as `require_image`, and ImageryRefused for an image of another kind than asked."""
    require_image(answer, layer)
    side = layer.cell_px
    if layer.format == BIL:
        if len(answer.body) != side * side * 4:
            raise Unavailable(f"{len(answer.body)} bytes came instead of {side * side * 4}: cut short", 0)
        heights = np.frombuffer(answer.body, "<f4").reshape(1, side, side)
        return CellPixels(heights.astype(np.float64), np.ones((side, side), bool))
    try:
        return _picture(answer.body, layer) if layer.format in (PNG, JPEG) else _tiff(answer.body, layer)
    except (RasterioError, OSError, SyntaxError) as error:
        raise Unavailable("the image is damaged or was cut short", 0) from error


def require_image(answer: Answer, layer: RemoteLayer) -> None:
    """Whether the body is in the format asked, by its first bytes: names and numbers in headers are often wrong.

    Raises ImageryRefused for a fault of the definition (an unknown layer, a format that is not offered), Unavailable
    for anything another try may better.
    """
    body = answer.body
    if body.lstrip()[:1] == b"<":
        raise _explained(answer)
    if answer.status in _LASTING_STATUS:
        raise ImageryRefused(f"it answers {answer.status} without saying why")
    signatures = {PNG: (b"\x89PNG\r\n\x1a\n",), JPEG: (b"\xff\xd8\xff",), BIL: (b"",)}.get(
        layer.format, _TIFF_SIGNATURES
    )
    if not body:
        raise Unavailable("an empty answer came", 0)
    if not body.startswith(signatures):
        other = "another format" if answer.content_type.startswith("image/") else answer.content_type or "no image"
        raise ImageryRefused(f"{other} came instead of {layer.format}")


def exception_of(body: bytes) -> tuple[str, str] | None:
    """(code, text) of an OGC exception report of WMS or WMTS; None for anything else."""
    # Entities could grow without bound or name files; no report needs any.
    if len(body) > _XML_BYTES or b"<!ENTITY" in body:
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - no entities, bounded
    except ElementTree.ParseError:
        return None
    if not root.tag.endswith(("ServiceExceptionReport", "ExceptionReport")):
        return None
    for element in root.iter():
        if element.tag.rpartition("}")[2] in ("ServiceException", "Exception"):
            text = " ".join(" ".join(element.itertext()).split())
            return element.get("code") or element.get("exceptionCode") or "", text[:_WORDS]
    return "", ""


def _explained(answer: Answer) -> ImageryRefused | Unavailable:
    found = exception_of(answer.body)
    if found is None:
        if answer.status in _LASTING_STATUS:
            return ImageryRefused(f"it answers {answer.status} with a page instead of an image")
        return Unavailable("it gives a page instead of an image", 0)
    code, text = found
    words = f"it says {text!r}" + (f" ({code})" if code else "")
    # A fault without a code under a good status is the server's own: a file away, a disk full.
    if answer.status in _LASTING_STATUS or _LASTING.search(code):
        return ImageryRefused(words)
    return Unavailable(words, 0)


def _picture(body: bytes, layer: RemoteLayer) -> CellPixels:
    """A PNG or JPEG, with an alpha channel at most."""
    with Image.open(BytesIO(body), formats=(layer.format.rpartition("/")[2],)) as image:
        bands = len(ROLE_BANDS[layer.role])
        mode = "RGB" if bands == 3 else "L"
        _check(layer, image.size, f"{image.mode} pixels", image.mode in (mode, f"{mode}A"), f"{bands} bands of bytes")
        pixels = np.asarray(image).reshape(layer.cell_px, layer.cell_px, -1)
    seen = pixels[..., bands] > 0 if pixels.shape[2] > bands else np.ones(pixels.shape[:2], bool)
    return CellPixels(np.moveaxis(pixels[..., :bands], -1, 0), seen)


def _tiff(body: bytes, layer: RemoteLayer) -> CellPixels:
    """Bytes with an alpha band at most, or one band of heights; its place is what was asked, whatever it says."""
    with MemoryFile(body) as file, file.open(driver="GTiff") as raster:
        found = f"{raster.count} bands of {raster.dtypes[0]}"
        size = (raster.width, raster.height)
        if layer.pixels == Pixels.METRES:
            fits = raster.count == 1 and raster.dtypes[0] in ("float32", "float64", "int16")
            _check(layer, size, found, fits, "heights as numbers")
            heights = raster.read().astype(np.float64)
            missing = np.zeros(heights.shape[1:], bool) if raster.nodata is None else heights[0] == raster.nodata
            return CellPixels(heights, ~missing)
        bands = len(ROLE_BANDS[layer.role])
        with_alpha = raster.count == bands + 1 and raster.colorinterp[-1] == ColorInterp.alpha
        fits = (raster.count == bands or with_alpha) and set(raster.dtypes) == {"uint8"}
        _check(layer, size, found, fits, f"{bands} bands of bytes")
        seen = raster.read(bands + 1) > 0 if with_alpha else np.ones((raster.height, raster.width), bool)
        return CellPixels(raster.read(list(range(1, bands + 1))), seen)


def _check(layer: RemoteLayer, size: tuple[int, int], found: str, fits: bool, expected: str) -> None:
    side = layer.cell_px
    if size != (side, side):
        raise ImageryRefused(f"{size[0]} x {size[1]} pixels came instead of {side} x {side}")
    if not fits:
        raise ImageryRefused(f"{found} came instead of {expected}")
