"""Colours of styles, and what readers without red or green cones see of them."""

from __future__ import annotations

import numpy as np
import pytest

from app.definitions import nomenclature
from app.tiling import Look, Style
from app.tiling.styles import palette_of

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
# IEEE Transactions on Visualization and Computer Graphics 15(6), severity 1.0; on linear RGB.
SIGHT = {
    "every cone": np.eye(3),
    "no red cones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green cones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
# IEC 61966-2-1: linear sRGB to CIE XYZ, and its white.
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
CLASSES = slice(1, 17)
CONIFER, DECIDUOUS = 8, 9


def _lab(rgb: np.ndarray, sight: np.ndarray) -> np.ndarray:
    """CIELAB of (n, 3) uint8 sRGB colours as such an eye sees them."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ sight.T, 0, 1) @ TO_XYZ.T / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def _least_distance(style: Style, sight: np.ndarray) -> float:
    """CIE 1976 colour difference of the two classes that look most alike."""
    lab = _lab(palette_of(Look(style), "cosia")[CLASSES, :3].astype(float), sight)
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return float(distances[np.triu_indices(len(lab), 1)].min())


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_colours_are_further_apart_than_the_official_ones(sight: str) -> None:
    least = _least_distance(Style.COLOUR_BLIND, SIGHT[sight])

    assert least > 20  # about ten just noticeable differences
    assert least > _least_distance(Style.NORMAL, SIGHT[sight])


def test_the_official_colours_are_those_of_the_nomenclature() -> None:
    assert palette_of(Look(), "cosia")[9].tolist() == [76, 145, 41, 255]  # facts: #4c9129
    assert palette_of(Look(), "cosia")[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("style", [Style.NORMAL, Style.COLOUR_BLIND])
def test_an_isolated_class_keeps_its_colour_and_the_others_are_one_pale_grey(style: Style) -> None:
    palette = palette_of(Look(style, isolate=DECIDUOUS), "cosia")
    others = [value for value in range(1, 17) if value != DECIDUOUS]

    assert palette[DECIDUOUS].tolist() == palette_of(Look(style), "cosia")[DECIDUOUS].tolist()
    assert np.unique(palette[others], axis=0).tolist() == [[224, 224, 224, 255]]
    assert palette[0, 3] == 0


def test_opacity_applies_to_all_that_shows_and_to_nothing_else() -> None:
    palette = palette_of(Look(classes=frozenset({CONIFER}), opacity_percent=40), "cosia")

    assert palette[CONIFER, 3] == 102  # 0.4 of 255
    assert palette[DECIDUOUS, 3] == 0
    assert palette[0, 3] == 0


def test_confidence_grows_lighter_step_by_step() -> None:
    palette = palette_of(Look(Style.CONFIDENCE), "cosia")
    lightness = _lab(palette[1:, :3].astype(float), SIGHT["every cone"])[:, 0]

    assert (np.diff(lightness) > -0.5).all()  # colours are rounded to bytes
    assert palette[0, 3] == 0


def test_every_class_has_a_colour_for_colour_blind_readers() -> None:
    assert nomenclature().has_colour_blind_palette
