"""What a map server's definition lets expect of the time that imagery takes."""

from __future__ import annotations

import pytest

from app.definitions import Band, shipped_imagery_sources
from app.imagery.remote import least_seconds_per_block, requests_per_block
from tests import samples

RGB = (Band.R, Band.G, Band.B)
PICTURE = (409.6 / 204.8) ** 2  # cells of 1024 pixels of 0.2 m
LIDAR = (409.6 / 256.0) ** 2  # 512 pixels of 0.5 m
SURFACE, TERRAIN = (409.6 / 512.0) ** 2, (409.6 / 1024.0) ** 2  # 512 pixels of 1 m, 256 of 4 m


@pytest.mark.parametrize(
    ("source_id", "bands", "expected"),
    [
        ("ign-ortho", RGB, PICTURE),
        ("ign-ortho", (*RGB, Band.NIR), 2 * PICTURE),
        ("ign-ortho", tuple(Band), 2 * PICTURE + SURFACE + TERRAIN),
        ("ign-lidar-ortho", tuple(Band), 2 * PICTURE + LIDAR),
    ],
)
def test_a_block_takes_as_many_requests_as_cells_of_the_layers_it_needs(
    source_id: str, bands: tuple[Band, ...], expected: float
) -> None:
    source = shipped_imagery_sources()[source_id]

    assert requests_per_block(source, bands) == pytest.approx(expected)
    assert least_seconds_per_block(source, bands) == pytest.approx(expected / 10)  # ten a second


def test_files_take_no_request() -> None:
    assert (requests_per_block(samples.source(), RGB), least_seconds_per_block(samples.source(), RGB)) == (0.0, 0.0)
