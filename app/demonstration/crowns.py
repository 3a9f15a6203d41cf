"""Shapes of single crowns: domes, cones, shrubs and palms."""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from app.demonstration.noise import FloatImage

RADII_PX = (3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27)
VARIANTS = 5


class Kind(StrEnum):
    DECIDUOUS = "deciduous"
    CONIFER = "conifer"
    SHRUB = "shrub"


@dataclass(frozen=True)
class Crown:
    """profile: (2r+1, 2r+1) float32, 1 at the top, 0 outside; the canopy surface is a share of the tree's height."""

    profile: FloatImage
    radius_px: int


def turned(profile: FloatImage, way: int) -> FloatImage:
    """One of the eight rotations and reflections of a square profile, `way` 0..7."""
    flipped = profile[::-1] if way & 1 else profile
    flipped = flipped[:, ::-1] if way & 2 else flipped
    return flipped.T if way & 4 else flipped


def make_crown(kind: Kind, radius_px: int, rng: np.random.Generator) -> Crown:
    """A random crown of that kind; its outline stays within the radius."""
    side = 2 * radius_px + 1
    y, x = np.mgrid[-radius_px : radius_px + 1, -radius_px : radius_px + 1].astype(np.float32)
    distance, bearing = np.hypot(x, y) / (radius_px + 0.3), np.arctan2(y, x)
    outline = np.full_like(distance, 0.86)
    for lobes in range(2, 7):
        outline += rng.normal(0, 0.09 / np.sqrt(lobes)) * np.cos(lobes * bearing + rng.uniform(0, 6.3))
    share = distance / np.clip(outline, 0.5, 1.0)
    if kind is Kind.CONIFER:
        star = 1 + 0.12 * np.cos(int(rng.integers(6, 10)) * bearing + rng.uniform(0, 6.3))
        profile = np.clip(1 - (share / star) ** 1.15, 0, None)
    elif kind is Kind.DECIDUOUS and radius_px <= 12 and rng.random() < 0.12:  # the fronds of a palm
        fronds = 0.72 + 0.34 * np.cos(int(rng.integers(9, 13)) * bearing + rng.uniform(0, 6.3))
        profile = np.clip(1 - (distance / fronds) ** 2, 0, None) * (1 - 0.5 * distance)
    else:
        profile = np.sqrt(np.clip(1 - share**2, 0, None))
    clumps = max(3, int(radius_px / 1.6))
    lumps = cv2.resize(
        rng.uniform(-1, 1, (clumps, clumps)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    profile = np.where(profile > 0, np.clip(profile * (1 + 0.22 * lumps), 0.02, 1.2), 0)
    return Crown(profile.astype(np.float32), radius_px)
