"""Which theme reigns where: a few at random for training, all of them for a commune."""

import numpy as np

from app.demonstration.layout import Zone
from app.demonstration.themes import Theme

COMMUNE_PX = 3072  # from here on a scene is a whole commune with every theme
_OFTEN = {
    Theme.VILLAGE: 1.6,
    Theme.SUBURB: 1.8,
    Theme.FARMLAND: 1.5,
    Theme.VINEYARDS: 1.3,
    Theme.INDUSTRY: 1.3,
    Theme.FOREST: 1.4,
    Theme.QUARRY: 0.7,
}


def draw_zones(rng: np.random.Generator, size_px: int) -> list[Zone]:
    """One to three themes for a training scene, every theme for a commune."""
    size_m = size_px / 5.0
    if size_px >= COMMUNE_PX:
        return commune(size_m)
    count = int(rng.choice([1, 2, 3], p=[0.2, 0.4, 0.4])) if size_px >= 512 else 1
    weights = np.array([_OFTEN.get(theme, 1.0) for theme in Theme])
    themes = rng.choice(np.array(list(Theme)), count, replace=False, p=weights / weights.sum())
    spots = rng.uniform(0.05, 0.95, (count, 2)) * size_m
    return [Zone((float(x), float(y)), Theme(theme)) for (x, y), theme in zip(spots, themes, strict=True)]


def commune(size_m: float) -> list[Zone]:
    """A village with its estates at the middle, works along the railway, country around, a mountain in one corner."""
    spots = [
        (0.46, 0.50, Theme.VILLAGE),
        (0.33, 0.42, Theme.SUBURB),
        (0.58, 0.38, Theme.SUBURB),
        (0.62, 0.62, Theme.SUBURB),
        (0.36, 0.66, Theme.INDUSTRY),
        (0.16, 0.60, Theme.VINEYARDS),
        (0.14, 0.30, Theme.VINEYARDS),
        (0.10, 0.88, Theme.FARMLAND),
        (0.45, 0.88, Theme.FARMLAND),
        (0.86, 0.62, Theme.FARMLAND),
        (0.72, 0.86, Theme.RIVERSIDE),
        (0.60, 0.14, Theme.FOREST),
        (0.36, 0.14, Theme.FARMLAND),
        (0.80, 0.34, Theme.FOREST),
        (0.12, 0.08, Theme.QUARRY),
        (0.94, 0.06, Theme.MOUNTAIN),
        (0.84, 0.12, Theme.MOUNTAIN),
        (0.95, 0.20, Theme.MOUNTAIN),
    ]
    return [Zone((x * size_m, y * size_m), theme) for x, y, theme in spots]
