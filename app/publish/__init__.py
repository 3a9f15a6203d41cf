"""Class rasters in, a layer out: checked, written as COGs, and visible all at once."""

from __future__ import annotations

from app.publish.layers import publish, unpublish

__all__ = ["publish", "unpublish"]
