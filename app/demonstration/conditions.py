"""How a scene was photographed: sun, season, air, camera and the quality of its height model."""

from dataclasses import dataclass

import numpy as np

Bands = tuple[float, float, float, float]


@dataclass(frozen=True)
class Conditions:
    """Everything that changes the picture and leaves the land cover alone. Bands are R, G, B, NIR."""

    sun_azimuth_deg: float  # clockwise from north
    sun_elevation_deg: float
    season: float  # -1 late autumn, 0 summer, 1 spring
    dryness: float  # 0 green grass .. 1 burnt
    soil: Bands  # factor on mineral and soil colours
    roof_warmth: float  # 0 slate and grey roofs .. 1 orange tiles
    sky: Bands  # share of diffuse light in a shadow
    gain: Bands
    offset: Bands  # haze, bytes
    gamma: float
    blur_px: float  # sigma of the point spread function
    sharpness: float  # unsharp mask applied by the producer
    sensor_noise: float  # bytes
    height_noise_m: float
    height_smoothing_px: float
    height_shift_px: tuple[float, float]
    height_jitter_px: float  # ragged outlines of a rasterised point cloud
    height_holes: float  # share of crown pixels seen through
    height_floor_m: float  # lower objects are missing from the model


def draw_conditions(rng: np.random.Generator) -> Conditions:
    """Conditions of a random flight, wide enough for real BD ORTHO to lie inside."""
    warm = rng.normal(0, 0.06)
    overexposed = rng.random() < 0.16
    brightness = rng.uniform(1.25, 1.5) if overexposed else rng.uniform(0.78, 1.28)
    casts = rng.normal(0, 0.03, 4)
    infrared = rng.uniform(0.80, 1.12)
    gain = brightness * (1 + casts) * np.array([1 + warm * 0.4, 1, 1 - warm * 0.4, infrared])
    haze = rng.uniform(-8, 22) * np.array([0.8, 0.9, 1.15, 0.5]) + rng.normal(0, 3, 4)
    depth = rng.uniform(0.26, 0.52)
    soil_tone = rng.uniform(0.86, 1.14)
    redness = rng.normal(0, 0.05)
    poor = rng.random() < 0.6
    return Conditions(
        sun_azimuth_deg=rng.uniform(110, 250),
        sun_elevation_deg=rng.uniform(32, 66),
        season=rng.uniform(-0.7, 1.0),
        dryness=float(rng.beta(1.1, 1.3)),
        soil=_bands(soil_tone * np.array([1 + redness, 1, 1 - redness, 1 + 0.5 * redness])),
        roof_warmth=float(rng.beta(1.2, 0.9)),
        sky=_bands(depth * np.array([0.86, 0.98, 1.2, 0.8]) * rng.uniform(0.93, 1.07, 4)),
        gain=_bands(gain),
        offset=_bands(haze),
        gamma=rng.uniform(0.82, 1.22),
        blur_px=rng.uniform(0.45, 1.05),
        sharpness=rng.uniform(0.0, 0.7),
        sensor_noise=rng.uniform(0.8, 4.0),
        height_noise_m=rng.uniform(0.0, 0.15) if poor else 0.04,
        height_smoothing_px=rng.uniform(0.0, 2.5) if rng.random() < 0.5 else 0.0,
        height_shift_px=(rng.normal(0, 1.2), rng.normal(0, 1.2)) if poor else (0.0, 0.0),
        height_jitter_px=rng.uniform(0.3, 2.2),
        height_holes=rng.uniform(0.1, 0.55) if rng.random() < 0.3 else 0.0,
        height_floor_m=rng.choice([0.0, 0.3, 0.6, 1.2, 2.5]),
    )


def _bands(values: np.ndarray) -> Bands:
    red, green, blue, infrared = (float(value) for value in values)
    return red, green, blue, infrared
