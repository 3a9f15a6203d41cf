"""A prediction asked for in a browser: drawing, area, launch, result, refusal."""

from __future__ import annotations

import json
import re

from playwright.sync_api import expect
from pyproj import Geod
from shapely.geometry import shape

from tests.page.visit import Visit

ZONE = [(-60, -50), (70, -40), (60, 60), (-50, 40)]
BOW_TIE = [(-60, -50), (60, 50), (60, -50), (-60, 50)]
JOB_MS = 120_000


def test_a_zone_drawn_by_mouse_shows_its_area_and_is_predicted(visit: Visit) -> None:
    visit.open()
    with visit.page.expect_request("**/estimate") as asked:
        visit.draw(ZONE)

    aoi = shape(json.loads(asked.value.post_data or "")["inputs"]["aoi"])
    assert len(aoi.exterior.coords) == len(ZONE) + 1  # the double click placed its vertex once
    area_m2 = abs(Geod(ellps="GRS80").geometry_area_perimeter(aoi)[0])
    expect(visit.page.locator("#estimate")).to_contain_text("block")
    assert abs(shown_area_m2(visit) / area_m2 - 1) < 0.01

    # A double click makes one job.
    visit.page.get_by_role("button", name="Launch").dblclick()

    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    assert len([url for url in visit.requests if url.endswith("/execution")]) == 1
    rows = visit.page.locator("#areas-body tr")
    expect(rows.first).to_be_visible()
    assert abs(sum(table_areas_m2(visit)) / area_m2 - 1) < 0.01
    classes = visit.page.get_by_role("link", name="Classes (GeoTIFF)")
    with visit.page.expect_download() as download:
        classes.click()
    assert download.value.suggested_filename.endswith(".tif")
    assert visit.errors == []

    visit.page.reload()
    expect(visit.page.locator("#job-status")).to_have_text("Finished")
    expect(rows.first).to_be_visible()


def test_a_zone_that_crosses_itself_is_refused_beside_its_control(visit: Visit) -> None:
    visit.open()
    with visit.page.expect_response("**/estimate") as answer:
        visit.draw(BOW_TIE)

    assert 400 <= answer.value.status < 500
    expect(visit.page.locator("#zone-field #zone-error")).to_have_text(answer.value.json()["detail"])
    expect(visit.page.get_by_role("button", name="Launch")).to_have_attribute("aria-disabled", "true")


def test_a_drawing_given_up_leaves_no_zone(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_role("tab", name="Predict").click()
    visit.page.get_by_role("button", name="Rectangle").click()
    x, y = visit.map_centre()
    visit.page.mouse.click(x, y)
    visit.page.keyboard.press("Escape")

    expect(visit.page.locator("#drawbar")).to_be_hidden()
    expect(visit.page.locator("#clear-zone")).to_be_hidden()


def test_a_zone_can_be_drawn_by_keyboard(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_role("tab", name="Predict").click()
    visit.page.get_by_role("button", name="Polygon").press("Enter")
    for key in ("Enter", "ArrowRight", "Enter", "ArrowDown", "Enter"):
        visit.page.keyboard.press(key)
        visit.page.wait_for_timeout(150)  # an arrow key's move is animated
    with visit.page.expect_request("**/estimate"):
        visit.page.keyboard.press("Control+Enter")

    expect(visit.page.locator("#clear-zone")).to_be_visible()


def shown_area_m2(visit: Visit) -> float:
    """The area beside the zone, `12.95 ha of 25 km² allowed`, in m²."""
    text = visit.page.locator("#zone-gauge").inner_text()
    found = re.match(r"([\d.,]+) (m²|ha|km²) of", text)
    assert found, text
    return float(found[1].replace(",", "")) * {"m²": 1, "ha": 10_000, "km²": 1_000_000}[found[2]]


def table_areas_m2(visit: Visit) -> list[float]:
    """The second column of the class table."""
    return [float(text.replace(",", "")) for text in visit.page.locator("#areas-body td.number").all_inner_texts()]
