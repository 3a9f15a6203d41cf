"""Zones made on the map: freehand, of the view, brought back, kept in the link; drawings that cross themselves."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from playwright.sync_api import Browser, Page, Request, expect
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tests.page.finger import Finger
from tests.page.visit import Visit

RADIUS_PX = 90
CIRCLE = [(RADIUS_PX * math.cos(i / 6), RADIUS_PX * math.sin(i / 6)) for i in range(37)]
EIGHT = [(120 * math.sin(i / 5), 60 * math.sin(i / 2.5)) for i in range(31)]


def asked_aoi(request: Request) -> BaseGeometry:
    return shape(json.loads(request.post_data or "")["inputs"]["aoi"])


def view_of(url: str) -> tuple[float, float, float]:
    """Level, latitude and longitude in an address."""
    found = re.search(r"view=([\d.]+)/([\d.]+)/([\d.]+)", url)
    assert found
    return float(found[1]), float(found[2]), float(found[3])


def metres_per_pixel(visit: Visit) -> float:
    """On the ground; 156 543 m is a pixel of level 0 at the equator."""
    level, latitude, _ = view_of(visit.page.url)
    return 156_543.034 * math.cos(math.radians(latitude)) / 2**level


def stroke(page: Page, places: Sequence[tuple[float, float]]) -> None:
    """By mouse, the button still held at the end."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places:
        page.mouse.move(*place)


def test_a_freehand_stroke_by_mouse_becomes_a_zone_of_few_vertices(visit: Visit) -> None:
    visit.open("tab=zone")
    before = visit.page.url
    visit.page.get_by_role("button", name="Freehand").click()
    x, y = visit.map_centre()
    stroke(visit.page, [(x + dx, y + dy) for dx, dy in EIGHT])
    visit.page.mouse.up()
    finish = visit.page.get_by_role("button", name="Finish")
    # It crosses itself: said, never finished, and taken back as one.
    expect(visit.page.locator("#draw-error")).to_contain_text("the polygon is not valid")
    finish.click()
    expect(visit.page.locator("#drawbar")).to_be_visible()
    visit.page.get_by_role("button", name="Undo").click()
    expect(visit.page.locator("#draw-error")).to_be_hidden()
    expect(finish).to_be_disabled()

    stroke(visit.page, [(x + dx, y + dy) for dx, dy in CIRCLE])
    with visit.page.expect_request("**/estimate") as asked:
        visit.page.mouse.up()

    aoi = asked_aoi(asked.value)
    assert aoi.is_valid
    assert 8 < len(aoi.exterior.coords) < len(CIRCLE)
    _, south, _, north = aoi.bounds
    height_px = (north - south) * 111_100 / metres_per_pixel(visit)
    assert abs(height_px / (2 * RADIUS_PX) - 1) < 0.05
    assert view_of(visit.page.url) == view_of(before)  # the map stayed where it was
    assert visit.errors == []


def test_a_freehand_stroke_by_finger_becomes_a_zone(phone: Visit) -> None:
    phone.open("tab=zone")
    phone.page.get_by_role("button", name="Freehand").tap()
    x, y = phone.map_centre()
    finger = Finger(phone.page)
    finger.press(x + CIRCLE[0][0], y + CIRCLE[0][1])
    for dx, dy in CIRCLE[1:]:
        finger.move(x + dx, y + dy)
    with phone.page.expect_request("**/estimate") as asked:
        finger.lift()

    aoi = asked_aoi(asked.value)
    assert aoi.is_valid
    assert 8 < len(aoi.exterior.coords) < len(CIRCLE)
    assert phone.errors == []


def test_the_view_becomes_the_zone_unless_too_large_and_a_zone_cleared_comes_back(visit: Visit) -> None:
    visit.open()
    _, latitude, longitude = view_of(visit.page.url)
    visit.page.evaluate(f"location.hash = 'tab=zone&view=8.00/{latitude}/{longitude}'")
    visit.settle()
    take_view = visit.page.get_by_role("button", name="Current view")
    clear = visit.page.get_by_role("button", name="Clear the area")
    take_view.click()
    expect(visit.page.locator("#zone-field #zone-error")).to_contain_text("zoom in, or draw a smaller area")
    expect(clear).to_be_hidden()

    visit.page.evaluate(f"location.hash = 'tab=zone&view=18.00/{latitude}/{longitude}'")
    visit.settle()
    with visit.page.expect_request("**/estimate") as asked:
        take_view.click()
    expect(visit.page.locator("#zone-error")).to_be_hidden()
    stage = visit.page.locator("#map").bounding_box()
    assert stage is not None
    half = stage["width"] / 2 * 360 / (256 * 2**18)
    west, _, east, _ = asked_aoi(asked.value).bounds
    assert abs(west - (longitude - half)) < 1e-5
    assert abs(east - (longitude + half)) < 1e-5

    gauge = visit.page.locator("#zone-gauge p")
    area = gauge.inner_text()
    clear.press("Enter")
    expect(gauge).to_have_text("")
    expect(visit.page.get_by_role("button", name="Bring back the one before")).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(gauge).to_have_text(area)


def test_a_drawing_that_crosses_itself_is_kept_over_a_reload_and_mended(visit: Visit) -> None:
    visit.open("tab=zone")
    visit.page.get_by_role("button", name="Polygon").click()
    x, y = visit.map_centre()
    for dx, dy in [(-60, -50), (60, 50), (60, -50)]:
        visit.page.mouse.click(x + dx, y + dy)
    expect(visit.page.locator("#draw-error")).to_be_hidden()
    visit.page.mouse.dblclick(x - 60, y + 50)
    expect(visit.page.locator("#drawbar #draw-error")).to_contain_text("self-intersection at longitude, latitude")
    visit.page.keyboard.press("Control+Enter")
    expect(visit.page.locator("#drawbar")).to_be_visible()
    visit.page.keyboard.press("Escape")
    assert not [url for url in visit.requests if url.endswith("/estimate")]
    go_on = visit.page.get_by_role("button", name="Go on drawing")
    expect(go_on).to_be_visible()

    visit.page.reload()
    visit.settle()
    go_on.click()
    visit.page.get_by_role("button", name="Undo").click()
    with visit.page.expect_request("**/estimate") as asked:
        visit.page.get_by_role("button", name="Finish").click()

    assert len(asked_aoi(asked.value).exterior.coords) == 4
    expect(go_on).to_be_hidden()


def test_a_link_carries_the_zone_and_nonsense_in_it_does_no_harm(visit: Visit, browser: Browser) -> None:
    visit.open("tab=zone")
    with visit.page.expect_request("**/estimate") as asked:
        visit.page.get_by_role("button", name="Current view").click()
    expect(visit.page).to_have_url(re.compile(r"zone=[\w.-]+"))

    other = browser.new_context(locale="en-GB")
    guest = Visit(other.new_page(), visit.server)
    with guest.page.expect_request("**/estimate") as again:
        guest.open(visit.page.url.partition("#")[2])
    assert asked_aoi(again.value).equals(asked_aoi(asked.value))
    guest.page.get_by_role("button", name="Clear the area").click()
    expect(guest.page).not_to_have_url(re.compile("zone="))

    guest.page.evaluate("location.hash = 'tab=zone&zone=AAAAAAAAAAAAAAAA'")
    expect(guest.page).not_to_have_url(re.compile("zone=AAAA"))
    expect(guest.page.locator("#clear-zone")).to_be_hidden()
    assert guest.errors == []

    places = [f"{3.26 + math.cos(i / 100) / 1000:.7f} {43.56 + math.sin(i / 100) / 1000:.7f}" for i in range(628)]
    guest.page.get_by_text("Paste a geometry").click()
    guest.page.get_by_label("GeoJSON, WKT or KML").fill(f"POLYGON (({', '.join([*places, places[0]])}))")
    guest.page.get_by_role("button", name="Make it the area").click()
    guest.page.get_by_role("tab", name="Share").click()
    expect(guest.page.get_by_text("too many vertices to fit into a link")).to_be_visible()
    assert "zone=" not in guest.page.url
    other.close()
