"""Sun, sky and shadow over the painted surface."""

import cv2
import numpy as np

from app.demonstration.canvas import PX_PER_M
from app.demonstration.conditions import Conditions
from app.demonstration.noise import FloatImage

SHADOW_REACH_PX = 256  # 51 m: no shadow is looked for further away
_TALLEST_M = 36.0


def sun_direction(conditions: Conditions) -> tuple[float, float, float]:
    """Unit vector towards the sun: x right (east), y down (south), z up."""
    azimuth, elevation = np.deg2rad(conditions.sun_azimuth_deg), np.deg2rad(conditions.sun_elevation_deg)
    flat = np.cos(elevation)
    return float(np.sin(azimuth) * flat), float(-np.cos(azimuth) * flat), float(np.sin(elevation))


def sunlit_share(height: FloatImage, conditions: Conditions) -> FloatImage:
    """0 in cast shadow, 1 in the sun, between in the penumbra. height: (rows, columns) metres.

    The horizon towards the sun is built by doubling: after step j each pixel knows the highest obstacle within
    2^j pixels, lowered by the sun's slope on the way.
    """
    x, y, z = sun_direction(conditions)
    flat = np.hypot(x, y)
    drop_per_px = z / flat / PX_PER_M
    horizon = height
    step = 1.0
    while step * drop_per_px < _TALLEST_M and step < SHADOW_REACH_PX:
        matrix = np.array([[1, 0, step * x / flat], [0, 1, step * y / flat]])
        size = (height.shape[1], height.shape[0])
        moved = cv2.warpAffine(
            horizon,
            matrix,
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        horizon = np.maximum(horizon, moved - np.float32(step * drop_per_px))
        step *= 2
    blocked = np.clip((horizon - height - np.float32(0.12)) * np.float32(1.6), 0, 1)
    return np.asarray(1 - blocked, np.float32)


def facing(surface: FloatImage, conditions: Conditions) -> FloatImage:
    """Light of the sun on the surface relative to level ground: 1 level, more towards the sun, 0 turned away."""
    x, y, z = sun_direction(conditions)
    kernel = np.array([[-0.5, 0, 0.5]], np.float32) * np.float32(PX_PER_M)
    east = np.clip(cv2.filter2D(surface, cv2.CV_32F, kernel), -1.3, 1.3)
    south = np.clip(cv2.filter2D(surface, cv2.CV_32F, kernel.T), -1.3, 1.3)
    steep = np.sqrt(1 + east * east + south * south)
    return np.asarray(np.clip((z - x * east - y * south) / (z * steep), 0, 1.6), np.float32)


def sky_view(height: FloatImage) -> FloatImage:
    """Share of the sky seen, by how far the neighbourhood (about 5 m) rises above each pixel."""
    small = cv2.resize(height, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    around = cv2.resize(cv2.GaussianBlur(small, (0, 0), 5), (height.shape[1], height.shape[0]))
    return np.asarray(1 / (1 + np.float32(0.14) * np.clip(around - height, 0, None)), np.float32)


def illuminate(
    sunlit: FloatImage, height: FloatImage, surface: FloatImage, conditions: Conditions
) -> tuple[FloatImage, FloatImage]:
    """(direct, diffuse), each (rows, columns) float32 and 1 on open level ground in the sun.

    sunlit: from `sunlit_share`. surface: the height with relief and roughness, which the sun shades.
    """
    return sunlit * facing(surface, conditions), sky_view(height)
