"""What FLAIR's data sets hold beside images and masks: facts of each photograph, and Sentinel-2 series of each area.

Files are found by name at any depth, as IGN publishes them: `flair_aerial_metadata.json`,
`flair-2_centroids_sp_to_patch.json` and, in a folder `D004_2021/Z10_AU`, the three files of that zone's series:
`..._data.npy` (dates, 10 bands, height, width), `..._masks.npy` (dates, snow and cloud, height, width) and
`..._products.txt` (a product name per date).
Source: IGNF/FLAIR-2, data set IGNF/FLAIR.
"""

from __future__ import annotations

import datetime
import re
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.definitions import SERIES_BANDS, ExtraInput, ModelCard
from app.errors import ParameterInvalid, RasterRefused
from worker.architectures.metadata import Acquisition, encode
from worker.architectures.network import ExtraInputs
from worker.extras import as_batch
from worker.flair import FlairPatch
from worker.readers.series import SIDE_PX
from worker.series import PreparedSeries, prepare

_DOMAIN = re.compile(r"D\d{3}_\d{4}", re.IGNORECASE)
_ZONE = re.compile(r"Z\d+_[A-Z]{2}", re.IGNORECASE)
_DAY = re.compile(r"_(\d{8})T")


T = TypeVar("T")


class _Photograph(BaseModel):
    patch_centroid_x: float
    patch_centroid_y: float
    patch_centroid_z: float
    date: datetime.date
    time: str
    camera: str


_PHOTOGRAPHS = TypeAdapter(dict[str, _Photograph])
_CENTRES = TypeAdapter(dict[str, tuple[int, int]])


class FlairExtras:
    """The extra inputs of patches of a FLAIR folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, patch: FlairPatch, card: ModelCard) -> ExtraInputs:
        """What the card's network needs for a patch, as a batch of one.

        Raises ParameterInvalid where the folder does not hold it, RasterRefused where a file is damaged or does
        not fit.
        """
        extra: ExtraInputs = {}
        if ExtraInput.METADATA in card.extra_inputs:
            extra["metadata"] = torch.from_numpy(encode(self.acquisition(patch)))[None]
        if ExtraInput.SERIES in card.extra_inputs:
            extra["series"] = as_batch(self.series(patch))
        return extra

    def acquisition(self, patch: FlairPatch) -> Acquisition:
        """How the photograph of a patch was taken."""
        name = f"IMG_{patch.number:06}"
        if name not in self._photographs:
            raise ParameterInvalid(f"the metadata of {self._folder.name} do not name {name}", "flair")
        known = self._photographs[name]
        hours, _, minutes = known.time.partition("h")
        try:
            taken = datetime.datetime.combine(known.date, datetime.time(int(hours), int(minutes)))
        except ValueError as error:
            raise ParameterInvalid(
                f"the metadata of {name} give the time {known.time!r}: expected 11h42", "flair"
            ) from error
        return Acquisition(known.patch_centroid_x, known.patch_centroid_y, known.patch_centroid_z, known.camera, taken)

    def series(self, patch: FlairPatch) -> PreparedSeries:
        """The series around a patch, prepared for the network."""
        name = f"IMG_{patch.number:06}.tif"
        if name not in self._centres:
            raise ParameterInvalid(f"the centroids of {self._folder.name} do not name {name}", "flair")
        area = _area(patch.image)
        if area not in self._areas:
            raise ParameterInvalid(
                f"{self._folder.name} holds no series of {area[0] or 'its domain'}/{area[1] or 'its zone'}, where "
                f"{name} lies: expected a file ..._data.npy in a folder of these names",
                "flair",
            )
        data = self._areas[area]
        stem = data.name.removesuffix("data.npy")
        taken = _days(data.with_name(f"{stem}products.txt"))
        centre = self._centres[name]
        images = _window(data, (len(taken), len(SERIES_BANDS)), centre)
        covers = _window(data.with_name(f"{stem}masks.npy"), (len(taken), 2), centre)
        prepared = prepare(images, covers, taken)
        if prepared is None:
            raise RasterRefused(f"{data.name} shows nothing around {name}")
        return prepared

    @cached_property
    def _photographs(self) -> dict[str, _Photograph]:
        return _parsed(_PHOTOGRAPHS, self._one("*metadata*.json"))

    @cached_property
    def _centres(self) -> dict[str, tuple[int, int]]:
        """Row and column of each patch's centre in the images of its area."""
        return _parsed(_CENTRES, self._one("*centroids*.json"))

    @cached_property
    def _areas(self) -> dict[tuple[str, str], Path]:
        return {_area(path): path for path in sorted(self._folder.rglob("*data.npy"))}

    def _one(self, pattern: str) -> Path:
        found = sorted(self._folder.rglob(pattern))
        if len(found) != 1:
            raise ParameterInvalid(
                f"{self._folder.name} holds {len(found)} files {pattern}: this model needs one of them, as IGN "
                "publishes it with the data set",
                "flair",
            )
        return found[0]


def _area(path: Path) -> tuple[str, str]:
    """Domain and zone among the folders of a file, "" where there is none."""
    folders = path.parent.parts[::-1]
    domain, zone = (next((part.upper() for part in folders if name.fullmatch(part)), "") for name in (_DOMAIN, _ZONE))
    return domain, zone


def _parsed(adapter: TypeAdapter[dict[str, T]], path: Path) -> dict[str, T]:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise ParameterInvalid(f"{path.name}: {place}: {first['msg']}", "flair") from error


def _days(products: Path) -> list[datetime.date]:
    """Day of each date of a series, from names like S2A_MSIL2A_20190715T105031_..."""
    try:
        names = products.read_text().split()
        days = [datetime.datetime.strptime(_DAY.findall(name)[0], "%Y%m%d").date() for name in names]
    except (OSError, IndexError, ValueError) as error:
        raise RasterRefused(f"{products.name} is not a list of Sentinel-2 products, one name a line") from error
    if not days:
        raise RasterRefused(f"{products.name} names no product")
    return days


def _window(file: Path, shape: tuple[int, int], centre: tuple[int, int]) -> np.ndarray:
    """The pixels around a centre (row, column) of an array file. shape: its dates and bands."""
    try:
        pixels = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise RasterRefused(f"{file.name} is missing, damaged or no array of numbers") from error
    if pixels.ndim != 4 or pixels.shape[:2] != shape:
        raise RasterRefused(
            f"{file.name} is an array of {pixels.shape}: expected {shape[0]} dates of {shape[1]} bands, as many dates "
            "as products"
        )
    top, left = (middle - SIDE_PX // 2 for middle in centre)
    if min(top, left) < 0 or top + SIDE_PX > pixels.shape[2] or left + SIDE_PX > pixels.shape[3]:
        raise RasterRefused(f"{file.name} does not cover the {SIDE_PX} px around row and column {centre}")
    return np.asarray(pixels[:, :, top : top + SIDE_PX, left : left + SIDE_PX])
