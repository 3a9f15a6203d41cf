"""What camera and laser make of the lit scene: texture, blur, radiometry, noise; and the height model."""

import cv2
import numpy as np
import numpy.typing as npt

from app.demonstration.canvas import Canvas
from app.demonstration.conditions import Conditions
from app.demonstration.light import illuminate
from app.demonstration.materials import Material, table
from app.demonstration.noise import FloatImage, Noise, Window

_HEIGHT_COUNT_M = 0.2
_FIELDS: list[tuple[int, float]] = [(11, 21), (12, 4.5), (14, 2.2), (15, 900), (16, 420), (20, 3), (21, 3)]
_FIELDS += [(40 + octave, 150 / 2**octave) for octave in range(4)]
_FIELDS += [(50 + octave, 60 / 2**octave) for octave in range(3)]
_TEXTURES = np.stack([table(each) for each in ("patch", "medium", "fine", "grain")], -1)  # (256, 4)
_DRIFT = table("drift")
_BUMP_M = table("bump_m")
_CROWNS = (Material.CONIFER, Material.DECIDUOUS, Material.BRUSH)


def prepare(noise: Noise) -> None:
    """Draws every random field the camera needs, before threads share them."""
    noise.prepare(_FIELDS, [30, 31, 32, 33, 34])


def photograph(
    canvas: Canvas, sunlit: FloatImage, window: Window, noise: Noise, conditions: Conditions, relief_m: float
) -> npt.NDArray[np.uint8]:
    """(5, rows, columns) uint8 of one window: R, G, B, NIR, E. sunlit: (rows, columns) float32, 0 in cast shadow."""
    material, height = canvas.material[window.slices], canvas.height[window.slices]
    layers = cv2.merge([material] * 4)
    textures = cv2.LUT(layers, _TEXTURES[None])
    fine, grain = noise.smooth(12, 4.5, window), noise.grain(30, window)
    patches = noise.fractal(40, 150, 4, window)
    tone = 1 + textures[..., 0] * patches
    tone += textures[..., 1] * noise.smooth(11, 21, window)
    tone += textures[..., 2] * fine
    tone += textures[..., 3] * grain
    colour = canvas.albedo[window.slices].astype(np.float32)
    vigour = noise.fractal(50, 60, 3, window) * np.float32(0.45) + patches * np.float32(0.2)
    drift = cv2.LUT(layers, _DRIFT[None])
    colour += drift * vigour[..., None]
    rough = _BUMP_M[material] * (fine * np.float32(0.7) + noise.smooth(14, 2.2, window) * np.float32(0.5))
    relief = (noise.smooth(15, 900, window) + noise.smooth(16, 420, window) * np.float32(0.4)) * np.float32(relief_m)
    colour *= tone[..., None]
    direct, diffuse = illuminate(sunlit, height, height + rough + relief, conditions)
    for band, sky in enumerate(conditions.sky):
        colour[..., band] *= direct * np.float32(1 - sky) + diffuse * np.float32(sky)
    bands = _expose(colour, window, noise, conditions)
    out = np.empty((5, window.height, window.width), np.uint8)
    out[:4] = bands.transpose(2, 0, 1)
    out[4] = measure_height(canvas, window, noise, conditions)
    return out


def _expose(colour: FloatImage, window: Window, noise: Noise, conditions: Conditions) -> npt.NDArray[np.uint8]:
    """Blur of the optics, sharpening of the producer, radiometry and noise of the sensor."""
    seen = cv2.GaussianBlur(colour, (0, 0), conditions.blur_px)
    if conditions.sharpness > 0.05:
        soft = cv2.GaussianBlur(seen, (0, 0), 1.2)
        seen = cv2.addWeighted(seen, 1 + conditions.sharpness, soft, -conditions.sharpness, 0)
    seen = np.maximum(seen, 0)
    if abs(conditions.gamma - 1) > 0.01:
        seen = cv2.pow(seen * np.float32(1 / 255), conditions.gamma) * np.float32(255)
    seen *= np.asarray(conditions.gain, np.float32)
    seen += np.asarray(conditions.offset, np.float32)
    speckle = cv2.merge([noise.grain(name, window) for name in (31, 32, 33, 34)])
    seen = cv2.scaleAdd(speckle, conditions.sensor_noise, seen)
    seen = np.minimum(seen, 225 + (seen - 225) * np.float32(0.4))  # the film curve bends before it saturates
    return np.asarray(np.clip(seen + 0.5, 0, 255), np.uint8)


def measure_height(canvas: Canvas, window: Window, noise: Noise, conditions: Conditions) -> npt.NDArray[np.uint8]:
    """(rows, columns) uint8 height above ground, 0.2 m a count, saturating at 51 m, with the faults of real models."""
    y, x = np.mgrid[0 : window.height, 0 : window.width].astype(np.float32)
    jitter = np.float32(conditions.height_jitter_px)
    x += noise.smooth(20, 3, window) * jitter + np.float32(conditions.height_shift_px[0])
    y += noise.smooth(21, 3, window) * jitter + np.float32(conditions.height_shift_px[1])
    truth = canvas.height[window.slices]
    seen = cv2.remap(truth, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    if conditions.height_smoothing_px > 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), conditions.height_smoothing_px)
    if conditions.height_holes > 0:
        crown = np.isin(canvas.material[window.slices], _CROWNS)
        through = noise.smooth(14, 2.2, window) + noise.smooth(12, 4.5, window) * np.float32(0.5)
        seen[crown & (through > np.float32(1.1 - 1.6 * conditions.height_holes))] = 0
    seen[seen < conditions.height_floor_m] = 0
    seen = seen + noise.grain(32, window) * np.float32(conditions.height_noise_m)
    return np.asarray(np.clip(seen / _HEIGHT_COUNT_M + 0.5, 0, 255), np.uint8)
