"""The sheet a scene is painted on: colour, material and height, addressed in metres."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from app.demonstration.materials import LOOKS, Material
from app.demonstration.noise import FloatImage, Window

PX_PER_M = 5.0  # 0.2 m, the resolution of BD ORTHO

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Canvas:
    """albedo: (size, size, 4) uint8 R, G, B, NIR in full sun; material: (size, size) uint8;
    height: (size, size) float32, metres above ground; reserved: 1 under roads, railway and river, which
    parcels painted later leave alone. x grows to the right, y downwards."""

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        self.size_m = size_px / PX_PER_M
        self.albedo = np.empty((size_px, size_px, 4), np.uint8)
        self.albedo[:] = np.asarray(LOOKS[Material.MEADOW].colour, np.uint8)
        # One word per pixel: masked copies of whole colours are four times as fast.
        self.packed = self.albedo.view(np.uint32)[..., 0]
        self.material = np.full((size_px, size_px), Material.MEADOW, np.uint8)
        self.height = np.zeros((size_px, size_px), np.float32)
        self.reserved = np.zeros((size_px, size_px), np.uint8)

    def patch(self, outline: Points, *, over_lines: bool = False) -> "Patch | None":
        """The part of the canvas under a polygon (n, 2) in metres; None when it lies outside.

        over_lines: take in roads, railway and river as well."""
        low = np.floor(outline.min(0) * PX_PER_M).astype(int)
        high = np.ceil(outline.max(0) * PX_PER_M).astype(int) + 1
        left, top = np.clip(low, 0, self.size_px)
        right, bottom = np.clip(high, 0, self.size_px)
        if right - left < 1 or bottom - top < 1:
            return None
        window = Window(int(left), int(top), int(right), int(bottom))
        mask = np.zeros((window.height, window.width), np.uint8)
        corners = np.round((outline * PX_PER_M - 0.5 - (left, top)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1, lineType=cv2.LINE_8, shift=4)
        if not over_lines:
            mask[self.reserved[window.slices] > 0] = 0
        return Patch(self, window, mask.view(np.bool_))


@dataclass(frozen=True)
class Patch:
    """A window of the canvas and the pixels of it that belong to one polygon."""

    canvas: Canvas
    window: Window
    mask: Mask

    @property
    def material(self) -> npt.NDArray[np.uint8]:
        return self.canvas.material[self.window.slices]

    @property
    def height(self) -> FloatImage:
        return self.canvas.height[self.window.slices]

    @property
    def albedo(self) -> npt.NDArray[np.uint8]:
        return self.canvas.albedo[self.window.slices]

    @cached_property
    def inside_m(self) -> FloatImage:
        """Distance of each pixel to the border of the polygon, metres, 0 outside."""
        padded = cv2.copyMakeBorder(self.mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1] / PX_PER_M, np.float32)

    def axes(self, origin: Points, angle: float) -> tuple[FloatImage, FloatImage]:
        """Coordinates (along, across) of the pixels in metres, in a frame turned by `angle` radians."""
        x = ((np.arange(self.window.left, self.window.right) + 0.5) / PX_PER_M - origin[0]).astype(np.float32)
        y = ((np.arange(self.window.top, self.window.bottom) + 0.5) / PX_PER_M - origin[1]).astype(np.float32)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return x[None, :] * cosine + y[:, None] * sine, y[:, None] * cosine - x[None, :] * sine

    def paint(
        self,
        material: Material,
        colour: npt.ArrayLike,
        *,
        where: Mask | None = None,
        height: FloatImage | float | None = None,
    ) -> None:
        """Covers the polygon (or `where` within the window). colour: (4,) or (height, width, 4), bytes."""
        mask = self.mask if where is None else where
        paint = np.clip(np.asarray(colour, np.float32), 0, 255).astype(np.uint8)
        np.copyto(self.canvas.packed[self.window.slices], packed(paint), where=mask)
        np.copyto(self.material, np.uint8(material), where=mask)
        if height is not None:
            np.copyto(self.height, np.asarray(height, np.float32), where=mask)


def packed(colour: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """(..., 4) uint8 bytes as (...) words, for `Canvas.packed`."""
    return np.asarray(np.ascontiguousarray(colour).view(np.uint32)[..., 0], np.uint32)


def rectangle(centre: npt.ArrayLike, length: float, width: float, angle: float) -> Points:
    """Corners (4, 2) of a rectangle whose length runs along `angle` radians."""
    half = np.array([[-length, -width], [length, -width], [length, width], [-length, width]]) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(half @ turn + np.asarray(centre), np.float64)
