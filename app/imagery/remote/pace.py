"""How long the imagery of a block takes to come from a map server at least: what its definition allows."""

from __future__ import annotations

from collections.abc import Iterable

from app.definitions import Band, ImagerySource, prediction_grid
from app.definitions.roles import roles_of
from app.imagery.remote.cells import Lattice


def requests_per_block(source: ImagerySource, bands: Iterable[Band]) -> float:
    """Of the layers that give these bands; 0 where imagery lies in files.

    Where neighbours are predicted too, cells that two blocks need are asked for once: so many are asked on average. A
    block alone, with its margin, takes some more.
    """
    if source.service is None:
        return 0.0
    there = [layer.role for layer in source.service.layers]
    layers = {role: source.service.layer(role) for band in bands for role in roles_of(band, there)}
    block_m = prediction_grid(source.epsg).block_m
    sides = (layer.cell_px * float(Lattice.of(layer, source.epsg).pixel_m) for layer in layers.values())
    return sum((block_m / side_m) ** 2 for side_m in sides)


def least_seconds_per_block(source: ImagerySource, bands: Iterable[Band]) -> float:
    """At the most requests a second that a process may send; 0 where imagery lies in files."""
    return 0.0 if source.service is None else requests_per_block(source, bands) / source.service.requests_per_s
