"""Scenes as other cameras, seasons, atmospheres and height models would show them.

The generator's pictures are all of one making. What a network must not rely on (absolute colours, sharpness,
clean heights) is varied here beyond it in a part of the crops, so that it finds its way in real imagery.
"""

from __future__ import annotations

import cv2
import numpy as np

_COLOURS = 4  # bands before E
_NOISE_PX = 1536
# The generator varies sun, air, camera and height model itself. More of it, or more often, and the network gives up
# what only fine texture tells: crops from meadows, clear cuts from bare soil.
_SHARE_OF_CHANGED_COLOURS = 0.5
_GREATEST_STRENGTH = 0.6
_SHARE_OF_CHANGED_HEIGHTS = 0.45
_SHARE_WITHOUT_HEIGHTS = 0.22  # sources without a surface model have E = 0 everywhere

Generator = np.random.Generator


def augment(imagery: np.ndarray, rng: Generator, noise: np.ndarray) -> np.ndarray:
    """One crop in other light and from other sensors.

    imagery: (5, height, width) uint8, bands R, G, B, NIR, E. noise: of `noise_bank`. Returns the same shape.
    """
    colours = np.ascontiguousarray(imagery[:_COLOURS].transpose(1, 2, 0))
    if _happens(_SHARE_OF_CHANGED_COLOURS, rng):
        changed = _texture(_radiometry(_sharpness(colours, rng), rng), rng, noise)
        strength = rng.uniform(0, _GREATEST_STRENGTH)
        colours = cv2.addWeighted(changed, strength, colours, 1 - strength, 0)
    height = np.ascontiguousarray(imagery[_COLOURS])
    if _happens(_SHARE_WITHOUT_HEIGHTS, rng):
        height = np.zeros_like(height)
    elif _happens(_SHARE_OF_CHANGED_HEIGHTS, rng):
        height = _height(height, rng, noise)
    return np.concatenate([colours.transpose(2, 0, 1), height[np.newaxis]])


def noise_bank(rng: Generator) -> np.ndarray:
    """(1536, 1536, 4) int16 normal noise of standard deviation 32, common to the bands by one half: crops of it are
    cheaper than new random numbers."""
    common = rng.standard_normal((_NOISE_PX, _NOISE_PX, 1), np.float32)
    own = rng.standard_normal((_NOISE_PX, _NOISE_PX, _COLOURS), np.float32)
    return np.asarray((common + own) * (32 / np.sqrt(2)), np.int16)


def _happens(share: float, rng: Generator) -> bool:
    return bool(rng.random() < share)


def _sharpness(colours: np.ndarray, rng: Generator) -> np.ndarray:
    """Blurred or sharpened, by another lens or mosaicking."""
    if not _happens(0.55, rng):
        return colours
    blurred = cv2.GaussianBlur(colours, (0, 0), rng.uniform(0.4, 1.6))
    towards = rng.uniform(-1.2, 1.0)  # below 0 sharpens, 1 is the blurred picture
    return np.asarray(cv2.addWeighted(colours, 1 - towards, blurred, towards, 0))


def _radiometry(colours: np.ndarray, rng: Generator) -> np.ndarray:
    """Gamma, then one affine mixture of the bands: saturation, white balance, the near infrared's own gain,
    exposure, contrast and haze."""
    steps = np.linspace(0, 1, 256)[:, np.newaxis] ** np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.05, _COLOURS))
    x = cv2.LUT(colours, np.asarray(steps * 255, np.uint8)[np.newaxis])
    saturation = rng.uniform(0.3, 1.3)
    mixture = np.zeros((_COLOURS, _COLOURS))
    mixture[:3, :3] = (1 - saturation) / 3
    mixture += np.diag([saturation, saturation, saturation, 1.0])
    mixture += rng.normal(0, 0.02, mixture.shape)
    balance = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.07, _COLOURS) + np.array([0, 0, 0, rng.normal(0, 0.2)]))
    gain = balance[:, np.newaxis] * mixture
    mean = gain @ np.asarray(cv2.mean(x))
    contrast = rng.uniform(0.6, 1.3)
    haze = rng.uniform(0, 0.4) if _happens(0.4, rng) else 0.0
    offset = mean * (1 - contrast) + rng.normal(0, 8, _COLOURS)
    offset = offset * (1 - haze) + haze * rng.uniform(150, 240) + rng.normal(0, 2, _COLOURS)
    return np.asarray(cv2.transform(x, np.column_stack([gain * contrast * (1 - haze), offset])))


def _texture(colours: np.ndarray, rng: Generator, noise: np.ndarray) -> np.ndarray:
    """Light that changes slowly over the picture, and sensor noise."""
    side = colours.shape[:2]
    if _happens(0.4, rng):
        coarse = (1 + rng.normal(0, 0.12, (4, 4))).astype(np.float32)
        light = cv2.resize(coarse, side[::-1], interpolation=cv2.INTER_CUBIC)
        colours = cv2.multiply(colours, cv2.merge([light] * _COLOURS), dtype=cv2.CV_8U)
    if _happens(0.6, rng):
        grain = _crop(noise, side, rng)
        colours = cv2.scaleAdd(grain, rng.uniform(0, 8) / 32, colours.astype(np.int16))
        colours = np.clip(colours, 0, 255).astype(np.uint8)
    return np.asarray(colours)


def _crop(noise: np.ndarray, shape: tuple[int, ...], rng: Generator) -> np.ndarray:
    row = int(rng.integers(noise.shape[0] - shape[0] + 1))
    column = int(rng.integers(noise.shape[1] - shape[1] + 1))
    return np.ascontiguousarray(noise[row : row + shape[0], column : column + shape[1]])


def _height(height: np.ndarray, rng: Generator, noise: np.ndarray) -> np.ndarray:
    """Heights as surface models give them: swollen, smeared, coarse, displaced, with holes and noise."""
    rows, columns = height.shape
    x = height
    if _happens(0.3, rng):  # image matching widens what stands: crowns become discs, eaves reach over the pavement
        side = int(rng.integers(3, 12))
        x = cv2.dilate(x, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    if _happens(0.3, rng):
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 2.5))
    if _happens(0.25, rng):
        cell = int(rng.integers(2, 6))
        x = cv2.resize(x, (columns // cell, rows // cell), interpolation=cv2.INTER_NEAREST)
        x = cv2.resize(x, (columns, rows), interpolation=cv2.INTER_NEAREST)
    if _happens(0.4, rng):
        shift = rng.uniform(-3, 3, 2)
        moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        x = cv2.warpAffine(x, moved, (columns, rows), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    x = x * np.float32(np.exp(rng.normal(0, 0.12)))
    if _happens(0.35, rng):
        x = np.where(_crop(noise[..., 0], (rows, columns), rng) > rng.uniform(25, 90), 0, x)
    if _happens(0.5, rng):
        x = x + _crop(noise[..., 1], (rows, columns), rng) * np.float32(rng.uniform(0, 3) / 32) + rng.uniform(0, 4)
    return np.asarray(np.clip(x, 0, 255), np.uint8)
