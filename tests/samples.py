"""Small valid things that tests vary: a source, a card, a request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import shapely

from app import aoi
from app.definitions import Augmentation, Band, BlockCell, Ensemble, ImagerySource, Member, ModelCard, prediction_grid
from app.jobs import MEASURE_AREAS, Count, Limits, Request

GRID = prediction_grid(2154)
CELL = BlockCell(1760, 13980)
WEIGHTS_SHA256 = "a" * 64
LIMITS = Limits(active_jobs=3, queue_length=50)


def source(**changes: Any) -> ImagerySource:
    west, south, east, north = lonlat_box(BlockCell(1760, 13980), BlockCell(1762, 13982)).bounds
    fields: dict[str, Any] = {
        "id": "ortho-2021",
        "title": "Ortho 2021",
        "version": "v1",
        "year": 2021,
        "epsg": 2154,
        "bands": tuple(Band),
        "bbox": (west, south, east, north),
    }
    return ImagerySource(**(fields | changes))


def card(**changes: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "id": "tiny",
        "title": "Tiny",
        "description": "for tests",
        "architecture": "unet-resnet",
        "bands": tuple(Band),
        "mean": (100.0,) * 5,
        "std": (50.0,) * 5,
        "values": tuple(range(1, 17)),
        "margin_px": 64,
        "training": "none",
        "licence": "MIT",
    }
    return ModelCard(**(fields | changes))


def lonlat_box(first: BlockCell, last: BlockCell, *, inset_m: float = 1.0) -> shapely.Polygon:
    """The lon/lat outline of a rectangle of blocks, a little inside them."""
    left, _, _, top = GRID.block(first).bounds
    _, bottom, right, _ = GRID.block(last).bounds
    box = shapely.box(left + inset_m, bottom + inset_m, right - inset_m, top - inset_m)
    return aoi.from_grid_crs(box, 2154)


def ensemble(*cards: ModelCard, augmentation: Augmentation = Augmentation.NONE) -> Ensemble:
    """Of these cards, or of `card()` alone; all with the same weights."""
    return Ensemble(tuple(Member(each, WEIGHTS_SHA256) for each in cards or (card(),)), augmentation)


def request(*, columns: int = 1, rows: int = 1, **changes: Any) -> Request:
    """A request for `columns` × `rows` blocks from CELL on."""
    last = BlockCell(CELL.column + columns - 1, CELL.row + rows - 1)
    area = lonlat_box(CELL, last)
    made = Request(
        aoi=area,
        area_m2=aoi.area_m2(area, 2154),
        cells=aoi.covering_cells(area, GRID),
        grid=GRID,
        source=source(),
        ensemble=ensemble(),
        outputs=("classes", "areas"),
        owner="address:127.0.0.1",
        idempotency_key=None,
        sha256="b" * 64,
    )
    return replace(made, **changes)


def count(**changes: Any) -> Count:
    """A job that measures the areas of layer `town` in the block of CELL."""
    area = lonlat_box(CELL, CELL)
    made = Count(
        process=MEASURE_AREAS,
        inputs={"layer": "town"},
        output="areas",
        aoi=area,
        area_m2=aoi.area_m2(area, 2154),
        epsg=2154,
        owner="address:127.0.0.1",
        idempotency_key=None,
        sha256="c" * 64,
    )
    return replace(made, **changes)
