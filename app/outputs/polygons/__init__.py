"""Class polygons of a prediction: a coverage without gaps or overlaps, in the schema of the official product.

The blocks are read twice. First patches are found in each and joined where blocks meet; then, with the regions known,
the boundaries between them are followed, simplified and put together (decision 0016). Memory grows with the number of
patches and of corners that are left, not with pixels.
"""

from __future__ import annotations

from app.outputs.polygons.writing import TOLERANCE_PX, class_polygons, write_polygons

__all__ = ["TOLERANCE_PX", "class_polygons", "write_polygons"]
