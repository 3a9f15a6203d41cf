"""FLAIR folders: aerial patches and their masks, as IGN publishes them or an agency lays out its own.

Files are found by name at any depth: `IMG_000826.tif` (bands R, G, B, NIR, E; 0.2 m) and `MSK_000826.tif` (one band
of codes 1-19) belong together by their number, wherever the two lie. The domain of a patch is the folder `D004_2021`
(département and year) somewhere above it. Source: IGNF/FLAIR-1 and FLAIR-2, data sets IGNF/FLAIR.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import rasterio
from rasterio.errors import RasterioError

from app.definitions import Nomenclature
from app.definitions.coding import Coding, coding_table
from app.definitions.roles import Band
from app.errors import ParameterInvalid, RasterRefused

FLAIR_BANDS: Final = (Band.R, Band.G, Band.B, Band.NIR, Band.E)
_NAME = re.compile(r"(IMG|MSK)_(\d+)\.tif", re.IGNORECASE)
_DOMAIN = re.compile(r"D(\d{3})_\d{4}", re.IGNORECASE)
_NAMED_IN_A_MESSAGE = 8


class Split(StrEnum):
    """A part of the published data set, by département."""

    ALL = "all"
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


# Validation: data set card of IGNF/FLAIR. Test: domains of flair#1-test and flair#2-test.
_VALIDATION = frozenset(["004", "014", "029", "031", "058", "066", "067", "077"])
_TEST = frozenset(
    ["012", "015", "022", "026", "036", "061", "064", "068", "069", "071", "075", "076", "083", "084", "085"]
)


class FlairPatch(NamedTuple):
    """An image and its mask. domain: `D004_2021`, or "" where no folder names one."""

    number: int
    domain: str
    image: Path
    mask: Path

    @property
    def split(self) -> Split:
        """Of the published data set. Raises ParameterInvalid where the patch has no domain."""
        if not self.domain:
            raise ParameterInvalid(
                f"{self.image.name} lies in no folder named like D004_2021, so that it belongs to no split", "split"
            )
        departement = self.domain[1:4]
        if departement in _TEST:
            return Split.TEST
        return Split.VAL if departement in _VALIDATION else Split.TRAIN


def find_patches(folder: Path) -> list[FlairPatch]:
    """All patches of a folder, by number.

    Raises ParameterInvalid where there are none, where a number occurs twice, or where one of a pair is missing.
    """
    found: dict[str, dict[int, Path]] = {"IMG": {}, "MSK": {}}
    for path in sorted(folder.rglob("*.[tT][iI][fF]")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            continue
        kind, number = named[1].upper(), int(named[2])
        if number in found[kind]:
            raise ParameterInvalid(f"{folder.name} holds {path.name} twice: numbers of patches are unique", "flair")
        found[kind][number] = path
    images, masks = found["IMG"], found["MSK"]
    if not images or not masks:
        raise ParameterInvalid(
            f"{folder.name} holds {len(images)} images and {len(masks)} masks: expected files named like "
            "IMG_000826.tif and MSK_000826.tif, at any depth",
            "flair",
        )
    alone = sorted(images.keys() ^ masks.keys())
    if alone:
        number = alone[0]
        there, lacking = ("IMG", "MSK") if number in images else ("MSK", "IMG")
        raise ParameterInvalid(
            f"{len(alone)} patches are not whole: {found[there][number].name} has no {lacking}_ file of its number",
            "flair",
        )
    return [FlairPatch(number, _domain(images[number]), images[number], masks[number]) for number in sorted(images)]


def of_split(patches: Sequence[FlairPatch], split: Split) -> list[FlairPatch]:
    """Raises ParameterInvalid where there is none."""
    chosen = [patch for patch in patches if split is Split.ALL or patch.split is split]
    if not chosen:
        raise ParameterInvalid(
            f"none of the {len(patches)} patches belongs to split {split}; domains there: {_listed(patches)}", "split"
        )
    return chosen


def of_domains(patches: Sequence[FlairPatch], domains: Collection[str]) -> list[FlairPatch]:
    """Raises ParameterInvalid for a domain of which there is no patch."""
    lacking = sorted(set(domains) - {patch.domain for patch in patches})
    if lacking:
        raise ParameterInvalid(f"there is no patch of domain {lacking[0]}; domains there: {_listed(patches)}", "domain")
    return [patch for patch in patches if patch.domain in domains]


def read_image(patch: FlairPatch, bands: Sequence[Band]) -> np.ndarray:
    """(bands, height, width) uint8. Raises RasterRefused where the image is damaged or has not five bands of bytes."""
    with _opened(patch.image) as dataset:
        if dataset.count != len(FLAIR_BANDS) or set(dataset.dtypes) != {"uint8"}:
            raise RasterRefused(
                f"{patch.image.name} has {dataset.count} bands of {dataset.dtypes[0]}: expected five of bytes "
                "(R, G, B, NIR, E)"
            )
        return _read(dataset, [FLAIR_BANDS.index(band) + 1 for band in bands], patch.image)


def read_mask(patch: FlairPatch) -> np.ndarray:
    """(height, width) uint8 codes as the file has them. Raises RasterRefused."""
    with _opened(patch.mask) as dataset:
        if dataset.count != 1 or dataset.dtypes[0] != "uint8":
            raise RasterRefused(
                f"{patch.mask.name} has {dataset.count} bands of {dataset.dtypes[0]}: expected one of bytes, codes 1-19"
            )
        mask: np.ndarray = _read(dataset, [1], patch.mask)[0]
        return mask


def read_pair(patch: FlairPatch, bands: Sequence[Band]) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask. Raises RasterRefused, also where their sizes differ."""
    image, mask = read_image(patch, bands), read_mask(patch)
    if image.shape[1:] != mask.shape:
        raise RasterRefused(
            f"{patch.image.name} is {image.shape[2]} × {image.shape[1]} px and {patch.mask.name} {mask.shape[1]} × "
            f"{mask.shape[0]}: a mask covers its image pixel by pixel"
        )
    return image, mask


def class_values(mask: np.ndarray, nomenclature: Nomenclature) -> np.ndarray:
    """(height, width) uint8 class values of a mask; 0 for codes without a class, and for numbers that are no code."""
    table = coding_table(Coding.FLAIR, nomenclature)
    values: np.ndarray = cv2.LUT(mask, table.values)
    return values


def marks(mask: np.ndarray, nomenclature: Nomenclature) -> np.ndarray:
    """As `class_values`, with codes that have no class of the nomenclature marked as one class of their own, the
    value after the largest (see `worker.evaluation.counts`). Numbers that are no code stay 0: nothing is known."""
    table = coding_table(Coding.FLAIR, nomenclature)
    other = max(nomenclature.by_value) + 1
    found: np.ndarray = cv2.LUT(mask, np.where(table.classless, other, table.values).astype(np.uint8))
    return found


def _domain(path: Path) -> str:
    return next((part.upper() for part in reversed(path.parts) if _DOMAIN.fullmatch(part)), "")


def _listed(patches: Iterable[FlairPatch]) -> str:
    domains = sorted({patch.domain or "(none)" for patch in patches})
    more = len(domains) - _NAMED_IN_A_MESSAGE
    return ", ".join(domains[:_NAMED_IN_A_MESSAGE]) + (f" and {more} more" if more > 0 else "")


def _opened(path: Path) -> rasterio.DatasetReader:
    try:
        return rasterio.open(path, driver="GTiff")
    except RasterioError as error:
        raise RasterRefused(f"{path.name} cannot be read as a GeoTIFF: it is damaged or cut short") from error


def _read(dataset: rasterio.DatasetReader, bands: list[int], path: Path) -> np.ndarray:
    try:
        pixels: np.ndarray = dataset.read(bands)
    except RasterioError as error:
        raise RasterRefused(f"{path.name} cannot be read: it is damaged or cut short") from error
    return pixels
