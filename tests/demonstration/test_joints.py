"""Joints of laid ground: where they run, and what they leave alone."""

import numpy as np
import pytest

from app.demonstration.canvas import Canvas
from app.demonstration.joints import lay_joints
from app.demonstration.materials import Material


def paved(seed: int = 0) -> np.ndarray:
    """Albedo of a sheet whose left half is `Material.PAVING` of 200, with a car on it, and right half gravel of 200."""
    canvas = Canvas(200)
    canvas.albedo[:] = 200
    canvas.material[:, :100], canvas.material[:, 100:] = Material.PAVING, Material.GRAVEL
    canvas.height[80:100, 40:60] = 1.4
    lay_joints(canvas, np.random.default_rng(seed))
    return canvas.albedo


def test_paving_is_divided_by_dark_lines_into_stones() -> None:
    laid = paved()[:, :100, 0]

    # Stones of 0.8-1.6 m between joints of 0.24 m in both directions: 28-51 % of the area are joints.
    assert 0.25 < (laid < 175).mean() < 0.55
    assert len(np.unique(laid[laid > 175])) > 3


def test_gravel_and_what_stands_on_the_paving_have_no_joints() -> None:
    albedo = paved()

    assert (albedo[:, 100:] == 200).all()
    assert (albedo[80:100, 40:60] == 200).all()


@pytest.mark.parametrize("band", range(4))
def test_joints_darken_every_band_alike(band: int) -> None:
    albedo = paved()

    assert np.array_equal(albedo[..., band], albedo[..., 0])


def test_same_generator_lays_the_same_stones() -> None:
    assert np.array_equal(paved(3), paved(3))
    assert not np.array_equal(paved(3), paved(4))
