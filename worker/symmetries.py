"""The symmetries of a square, by which patches are turned before a network sees them and its scores turned back."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from torch import Tensor

from app.definitions import Augmentation


class Symmetry(NamedTuple):
    """Rows and columns exchanged first, then each mirrored."""

    transposed: bool
    mirrored_rows: bool
    mirrored_columns: bool

    def turn(self, x: Tensor) -> Tensor:
        """(..., height, width), or (..., width, height) where transposed."""
        return self._mirror(x.transpose(-2, -1) if self.transposed else x)

    def turn_back(self, x: Tensor) -> Tensor:
        """What `turn` made of a tensor, as it was."""
        mirrored = self._mirror(x)
        return mirrored.transpose(-2, -1) if self.transposed else mirrored

    def _mirror(self, x: Tensor) -> Tensor:
        axes = [axis for axis, mirrored in ((-2, self.mirrored_rows), (-1, self.mirrored_columns)) if mirrored]
        return x.flip(axes) if axes else x


AS_IT_IS = Symmetry(transposed=False, mirrored_rows=False, mirrored_columns=False)

_FLIPS = tuple(Symmetry(False, rows, columns) for rows, columns in product((False, True), repeat=2))


def symmetries(augmentation: Augmentation) -> tuple[Symmetry, ...]:
    """As many as the augmentation has passes; the first leaves everything as it is."""
    match augmentation:
        case Augmentation.NONE:
            return (AS_IT_IS,)
        case Augmentation.FLIPS:
            return _FLIPS
        case Augmentation.D4:
            return (*_FLIPS, *(each._replace(transposed=True) for each in _FLIPS))
