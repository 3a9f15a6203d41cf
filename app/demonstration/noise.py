"""Seeded noise, aligned with the scene so that any window of it can be drawn alone."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]

_GRAIN_PX = 1024


@dataclass(frozen=True)
class Window:
    """A pixel rectangle of the scene; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """(rows, columns) to index an array of the whole scene."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, outer: "Window") -> tuple[slice, slice]:
        """(rows, columns) of this window in an array of `outer`."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return rows, slice(self.left - outer.left, self.right - outer.left)


class Noise:
    """Random fields over one scene; the same seed and name give the same field in every window."""

    def __init__(self, seed: int, size_px: int) -> None:
        self._seed = seed
        self._size_px = size_px
        self._lattices: dict[tuple[int, float], FloatImage] = {}
        self._grains: dict[int, FloatImage] = {}

    def prepare(self, fields: list[tuple[int, float]], grains: list[int]) -> None:
        """Draws the lattices beforehand, so that threads only read them."""
        for name, period_px in fields:
            self._lattice(name, period_px)
        for name in grains:
            self._grain(name)

    def smooth(self, name: int, period_px: float, window: Window) -> FloatImage:
        """(height, width) float32, about -1..1, varying over `period_px` pixels."""
        lattice = self._lattice(name, period_px)
        step = 1.0 / period_px
        matrix = np.array([[step, 0, window.left * step + 1], [0, step, window.top * step + 1]], np.float64)
        return np.asarray(
            cv2.warpAffine(
                lattice,
                matrix,
                (window.width, window.height),
                # The facets of linear interpolation show in wide fields only, and cubic costs twice the time.
                flags=(cv2.INTER_CUBIC if period_px > 8 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            ),
            np.float32,
        )

    def fractal(self, name: int, period_px: float, octaves: int, window: Window) -> FloatImage:
        """Sum of `octaves` smooth fields of halving period and amplitude."""
        total = self.smooth(name, period_px, window)
        for octave in range(1, octaves):
            total += self.smooth(name + octave, period_px / 2**octave, window) * np.float32(0.5**octave)
        return total

    def grain(self, name: int, window: Window) -> FloatImage:
        """White noise of unit variance, one value per pixel."""
        tile = self._grain(name)
        rows = np.arange(window.top, window.bottom) % _GRAIN_PX
        columns = np.arange(window.left, window.right) % _GRAIN_PX
        return tile[rows[:, None], columns[None, :]]

    def _lattice(self, name: int, period_px: float) -> FloatImage:
        key = (name, period_px)
        if key not in self._lattices:
            count = int(np.ceil(self._size_px / period_px)) + 4
            rng = np.random.default_rng([self._seed, name])
            self._lattices[key] = rng.uniform(-1.3, 1.3, (count, count)).astype(np.float32)
        return self._lattices[key]

    def _grain(self, name: int) -> FloatImage:
        if name not in self._grains:
            rng = np.random.default_rng([self._seed, name, 7])
            self._grains[name] = rng.standard_normal((_GRAIN_PX, _GRAIN_PX), np.float32)
        return self._grains[name]
