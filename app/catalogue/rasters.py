"""The rasters of a layer by name, a page at a time: from the database, because tiles need no names in memory."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database import RasterRow
from app.errors import Unknown


def raster(session: Session, layer_id: str, name: str) -> RasterRow:
    """Raises Unknown where the layer has none of that name."""
    row = session.scalar(select(RasterRow).where(RasterRow.layer_id == layer_id, RasterRow.name == name))
    if row is None:
        raise Unknown(f"layer {layer_id} has no raster of that name", "name")
    return row


def rasters_after(session: Session, layer_id: str, name: str, limit: int) -> Sequence[RasterRow]:
    """Those whose names come after that one ('' for the first of all), in the order of their names."""
    return session.scalars(
        select(RasterRow)
        .where(RasterRow.layer_id == layer_id, RasterRow.name > name)
        .order_by(RasterRow.name)
        .limit(limit)
    ).all()


def count_rasters(session: Session, layer_id: str) -> int:
    return session.scalar(select(func.count()).where(RasterRow.layer_id == layer_id)) or 0
