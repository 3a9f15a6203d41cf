"""What is read at a place: by mouse, finger and keyboard; of every vintage; and where nothing is mapped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from pyproj import Transformer

from app.demo import LAYER
from tests.page.vintages import later_vintage
from tests.page.visit import Visit
from tests.service import Service

VIEW = f"view=18.00/43.55920/3.26360&opacity=100&background=none&layer={LAYER}"
NOWHERE = f"view=16.00/43.70000/3.40000&layer={LAYER}"


@pytest.fixture(scope="module", autouse=True)
def two_vintages(running_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with later_vintage(running_service, tmp_path_factory.mktemp("later")):
        yield


def points(visit: Visit) -> list[tuple[float, float]]:
    """Places that the service was asked about."""
    queries = [parse_qs(urlsplit(url).query) for url in visit.requests if "/api/point?" in url]
    return [(float(query["lon"][0]), float(query["lat"][0])) for query in queries]


def test_class_confidence_vintages_and_coordinates_are_read_under_the_pointer_by_one_request(visit: Visit) -> None:
    visit.open(VIEW)
    x, y = visit.map_centre()
    visit.requests.clear()

    visit.page.mouse.move(x - 90, y - 60)
    visit.page.mouse.move(x + 90, y + 60, steps=12)
    expect(visit.page.locator("#readout-others")).to_have_text("2024 Water")

    ((lon, lat),) = points(visit)
    there = visit.page.request.get(f"{visit.server}/api/collections/{LAYER}/point?lon={lon}&lat={lat}").json()
    expect(visit.page.locator("#readout-class")).to_have_text(there["title_en"].capitalize())
    percent = int(there["confidence"] * 100)
    expect(visit.page.locator("#readout-confidence")).to_have_text(re.compile(rf"^(uncertain, )?{percent}% sure$"))
    easting, northing = Transformer.from_crs(4326, 2154, always_xy=True).transform(lon, lat)
    expect(visit.page.locator("#readout-grid")).to_have_text(f"Lambert-93 {round(easting):,} {round(northing):,}")
    expect(visit.page.locator("#readout-position")).to_have_text(re.compile(rf"^{lat:.5f}° N\s+{lon:.5f}° E$"))


def test_the_keyboard_reads_the_centre_under_a_cross_and_hears_it(visit: Visit) -> None:
    visit.open(VIEW)
    expect(visit.page.locator(".crosshair")).to_be_hidden()
    visit.page.locator("#skip").press("Enter")
    expect(visit.page.locator(".crosshair")).to_be_visible()

    visit.page.keyboard.press("ArrowRight")

    expect(visit.page.locator("#live")).to_have_text(re.compile(r"^[A-Z][a-z ]+, (uncertain, )?\d+% sure, 2024 Water$"))
    lon, lat = points(visit)[-1]
    expect(visit.page).to_have_url(re.compile(rf"view=18\.00/{lat:.5f}/{lon:.5f}"))


def test_a_tap_marks_the_place_that_is_read(browser: Browser, running_server: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True, is_mobile=True
    )
    visit = Visit(context.new_page(), running_server)
    visit.open(VIEW)
    expect(visit.page.locator("#marker")).to_be_hidden()

    visit.page.touchscreen.tap(100, 150)

    marker = visit.page.locator("#marker")
    expect(marker).to_be_visible()
    box = marker.bounding_box()
    assert box is not None
    assert abs(box["x"] + box["width"] / 2 - 100) < 2
    assert abs(box["y"] + box["height"] / 2 - 150) < 2
    expect(visit.page.locator("#readout-others")).to_have_text("2024 Water")
    expect(visit.page.locator("#readout-grid")).to_be_visible()
    context.close()


def test_where_nothing_is_mapped_the_view_can_be_predicted(visit: Visit) -> None:
    visit.open(NOWHERE)

    expect(visit.page.locator("#readout-class")).to_have_text("Not mapped")
    offer = visit.page.get_by_role("button", name="Predict it")
    expect(visit.page.locator("#unmapped")).to_contain_text("not mapped")
    with visit.page.expect_request("**/estimate"):
        offer.press("Enter")
    expect(visit.page.get_by_role("tab", name="Predict")).to_be_focused()
    expect(visit.page.locator("#zone-gauge")).to_contain_text("km²")
    expect(offer).to_be_hidden()


def test_a_mapped_view_offers_nothing(visit: Visit) -> None:
    visit.open(VIEW)
    expect(visit.page.locator("#shares-note")).not_to_be_empty()

    expect(visit.page.locator("#unmapped")).to_be_hidden()
    assert visit.errors == []
