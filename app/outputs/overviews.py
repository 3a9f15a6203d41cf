"""Which overviews a raster gets."""

from __future__ import annotations

_SMALLEST_PX = 256


def overview_factors(width: int, height: int) -> list[int]:
    """Halvings 2, 4, 8 … until the larger side fits in one tile."""
    factors: list[int] = []
    while max(width, height) > _SMALLEST_PX * (factors[-1] if factors else 1):
        factors.append(2 * factors[-1] if factors else 2)
    return factors
