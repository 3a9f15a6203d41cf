"""What the page keeps in memory after a long walk over the map: as much as it says, however far one goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.page.kept import kept_bytes
from tests.page.visit import Visit

KEPT_TILES = 96
TILE_PX = 256**2
# Of level 19 it shows 6 by 5 tiles, and 7 by 6 at most: twice as many are fewer than those kept.
WINDOW: ViewportSize = {"width": 1900, "height": 1300}
PLACES = [(latitude, longitude) for latitude in (43.5578, 43.5606) for longitude in (3.2596, 3.2636, 3.2676)]


@pytest.fixture
def wanderer(browser: Browser, running_server: str) -> Iterator[Visit]:
    context = browser.new_context(viewport=WINDOW, locale="en-GB")
    yield Visit(context.new_page(), running_server)
    context.close()


def test_tiles_kept_stay_within_their_bound_after_a_long_walk(wanderer: Visit) -> None:
    for latitude, longitude in PLACES:
        wanderer.open(f"view=19.00/{latitude:.5f}/{longitude:.5f}&compare=infrared:demo-2024")
    asked = {url for url in wanderer.requests if "/tiles/" in url}
    kept = kept_bytes(wanderer.page)

    assert len(asked) > 1.3 * KEPT_TILES
    # Of classes, and of the pictures on both sides of the divider.
    assert all(size > 0 for size in kept.values())
    assert sum(kept.values()) <= 3 * KEPT_TILES * 4 * TILE_PX
