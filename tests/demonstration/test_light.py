"""Shadows and shading on surfaces simple enough to work out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from app.demonstration.conditions import draw_conditions
from app.demonstration.light import facing, sun_direction, sunlit_share

SOUTH = replace(draw_conditions(np.random.default_rng(0)), sun_azimuth_deg=180.0, sun_elevation_deg=45.0)


def test_sun_in_the_south_shines_from_below_in_the_picture() -> None:
    assert sun_direction(SOUTH) == pytest.approx((0.0, 0.7071, 0.7071), abs=1e-4)


def test_wall_of_four_metres_throws_four_metres_of_shadow_at_45_degrees() -> None:
    height = np.zeros((100, 60), np.float32)
    height[60:64] = 4.0  # an east-west wall; 4 m are 20 px

    column = sunlit_share(height, SOUTH)[:, 30]

    assert (column[44:59] < 0.2).all()
    assert (column[:38] == 1).all()
    assert (column[70:] == 1).all()


def test_slope_towards_the_sun_is_brighter_than_level_ground() -> None:
    rows = np.arange(50, dtype=np.float32)[:, None] * np.ones((1, 50), np.float32) * 0.2
    towards, away = -rows * 0.3, rows * 0.3  # falling to the south faces the sun

    assert facing(np.zeros((50, 50), np.float32), SOUTH)[25, 25] == pytest.approx(1.0)
    assert facing(towards, SOUTH)[25, 25] == pytest.approx(1.3 / np.sqrt(1.09), rel=1e-4)
    assert facing(away, SOUTH)[25, 25] == pytest.approx(0.7 / np.sqrt(1.09), rel=1e-4)
