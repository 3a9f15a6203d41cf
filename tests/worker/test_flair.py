"""FLAIR folders: which files are a patch, which split it is of, and what its codes mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.definitions import Band, nomenclature
from app.errors import ParameterInvalid, RasterRefused
from tests.flair_files import SIDE_PX, write, write_patch
from worker.flair import Split, class_values, find_patches, marks, of_domains, of_split, read_image, read_pair


def test_images_and_masks_belong_together_by_number_wherever_they_lie(tmp_path: Path) -> None:
    write_patch(tmp_path, 826)
    write_patch(tmp_path, 7, "D091_2019")

    found = find_patches(tmp_path)

    assert [(patch.number, patch.domain) for patch in found] == [(7, "D091_2019"), (826, "D004_2021")]
    assert (found[1].image.name, found[1].mask.name) == ("IMG_000826.tif", "MSK_000826.tif")


@pytest.mark.parametrize(
    ("domain", "split"),
    [("D004_2021", Split.VAL), ("D012_2019", Split.TEST), ("D015_2020", Split.TEST), ("D091_2021", Split.TRAIN)],
)
def test_split_follows_from_the_departement(tmp_path: Path, domain: str, split: Split) -> None:
    write_patch(tmp_path, 1, domain)

    assert find_patches(tmp_path)[0].split is split


def test_split_without_patches_and_patches_without_domain_are_refused(tmp_path: Path) -> None:
    write_patch(tmp_path / "published", 1, "D091_2021")
    write_patch(tmp_path / "own", 1, "town")

    with pytest.raises(ParameterInvalid, match="none of the 1 patches belongs to split val; domains there: D091_2021"):
        of_split(find_patches(tmp_path / "published"), Split.VAL)
    with pytest.raises(ParameterInvalid, match="no folder named like D004_2021"):
        of_split(find_patches(tmp_path / "own"), Split.TRAIN)
    assert len(of_split(find_patches(tmp_path / "own"), Split.ALL)) == 1
    with pytest.raises(ParameterInvalid, match="there is no patch of domain D001_2020; domains there: D091_2021"):
        of_domains(find_patches(tmp_path / "published"), {"D001_2020"})


def test_folders_without_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterInvalid, match="0 images and 0 masks: expected files named like IMG_000826"):
        find_patches(tmp_path)
    write_patch(tmp_path, 1)
    write(tmp_path / "IMG_000002.tif", np.zeros((5, 4, 4), np.uint8))
    with pytest.raises(ParameterInvalid, match=r"1 patches are not whole: IMG_000002\.tif has no MSK_"):
        find_patches(tmp_path)
    write(tmp_path / "again/IMG_000001.tif", np.zeros((5, 4, 4), np.uint8))
    with pytest.raises(ParameterInvalid, match=r"IMG_000001\.tif twice"):
        find_patches(tmp_path)


def test_bands_are_taken_by_name(tmp_path: Path) -> None:
    write_patch(tmp_path, 1)
    (patch,) = find_patches(tmp_path)
    pixels = np.arange(5 * SIDE_PX**2, dtype=np.uint32).reshape(5, SIDE_PX, SIDE_PX).astype(np.uint8)
    write(patch.image, pixels)

    assert np.array_equal(read_image(patch, (Band.NIR, Band.R)), pixels[[3, 0]])


def test_codes_become_class_values_and_numbers_that_are_no_code_are_unknown() -> None:
    mask = np.array([[1, 13, 18, 15], [16, 19, 0, 77]], np.uint8)

    assert class_values(mask, nomenclature()).tolist() == [[1, 4, 15, 16], [0, 0, 0, 0]]
    assert marks(mask, nomenclature()).tolist() == [[1, 4, 15, 16], [17, 17, 0, 0]]


def test_files_of_another_form_are_refused_by_name(tmp_path: Path) -> None:
    write_patch(tmp_path, 1)
    (patch,) = find_patches(tmp_path)

    write(patch.mask, np.ones((1, 10, 10), np.uint8))
    with pytest.raises(RasterRefused, match=r"IMG_000001\.tif is 64 × 64 px and MSK_000001\.tif 10 × 10"):
        read_pair(patch, tuple(Band))
    write(patch.mask, np.ones((1, SIDE_PX, SIDE_PX), np.uint16))
    with pytest.raises(RasterRefused, match=r"MSK_000001\.tif has 1 bands of uint16"):
        read_pair(patch, tuple(Band))
    write(patch.image, np.ones((3, SIDE_PX, SIDE_PX), np.uint8))
    with pytest.raises(RasterRefused, match="3 bands of uint8: expected five"):
        read_pair(patch, tuple(Band))
    patch.image.write_bytes(b"II*\0 torn")
    with pytest.raises(RasterRefused, match=r"IMG_000001\.tif cannot be read"):
        read_pair(patch, tuple(Band))
