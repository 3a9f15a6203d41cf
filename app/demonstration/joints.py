"""Joints of laid ground: what tells setts and slabs from gravel and bare soil of the same colour."""

import numpy as np

from app.demonstration.canvas import PX_PER_M, Canvas
from app.demonstration.materials import Material

_JOINT_M = 0.24
_JOINT_TONE = 0.78
_STONES = 64  # stones that differ in tone before the pattern repeats
_STANDING_M = 0.3  # what is higher is a car


def lay_joints(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draws the joints of all paving and concrete of a scene, in one direction; no two stones have quite one tone."""
    angle = rng.uniform(0, np.pi / 2)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    for material, length_m, uneven in (
        (Material.PAVING, rng.uniform(0.8, 1.6), 0.03),
        (Material.CONCRETE, rng.uniform(2.5, 5.0), 0.02),
    ):
        rows, columns = np.nonzero((canvas.material == material) & (canvas.height < _STANDING_M))
        x, y = columns.astype(np.float32) / np.float32(PX_PER_M), rows.astype(np.float32) / np.float32(PX_PER_M)
        along, across = x * cosine + y * sine, y * cosine - x * sine
        stones = 1 + rng.normal(0, uneven, (_STONES, _STONES)).astype(np.float32)
        length = np.float32(length_m)
        tone = stones[(along // length).astype(int) % _STONES, (across // length).astype(int) % _STONES]
        tone[np.minimum(np.mod(along, length), np.mod(across, length)) < _JOINT_M] *= _JOINT_TONE
        laid = canvas.albedo[rows, columns] * tone[:, None]
        canvas.albedo[rows, columns] = np.minimum(laid, 255).astype(np.uint8)
