"""A prediction asked for in a browser: drawing, area, launch, result, refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, Route, expect
from pyproj import Transformer
from shapely import segmentize, transform
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tests.page.visit import Visit

ZONE = [(-60, -50), (70, -40), (60, 60), (-50, 40)]
JOB_MS = 120_000


def test_a_zone_drawn_by_mouse_shows_its_area_and_is_predicted(visit: Visit) -> None:
    visit.open()
    with visit.page.expect_request("**/estimate") as asked:
        visit.draw(ZONE)

    aoi = shape(json.loads(asked.value.post_data or "")["inputs"]["aoi"])
    assert len(aoi.exterior.coords) == len(ZONE) + 1  # the double click placed its vertex once
    area_m2 = planar_m2(aoi)
    assert shows_area(visit, area_m2)  # before the service has answered
    expect(visit.page.locator("#estimate")).to_contain_text("block")
    assert shows_area(visit, area_m2)
    expect(visit.page.locator("#quota")).to_contain_text("Predictions under way: 0 of")

    # A double click makes one job.
    visit.page.get_by_role("button", name="Launch").dblclick()

    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    assert len([url for url in visit.requests if url.endswith("/execution")]) == 1
    rows = visit.page.locator("#areas-body tr")
    expect(rows.first).to_be_visible()
    assert abs(sum(table_areas_m2(visit)) / area_m2 - 1) < 0.01
    classes = visit.page.get_by_role("link", name="Land cover classes (COG)")
    with visit.page.expect_download() as download:
        classes.click()
    assert download.value.suggested_filename.endswith(".tif")
    assert visit.errors == []

    visit.page.reload()
    expect(visit.page.locator("#job-status")).to_have_text("Finished")
    expect(rows.first).to_be_visible()


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


@pytest.fixture
def guest(browser: Browser, running_server: str) -> Iterator[Visit]:
    """Another visitor."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield Visit(context.new_page(), running_server)
    context.close()


def predict(visit: Visit) -> None:
    """Draws the zone and launches."""
    visit.open()
    visit.draw(ZONE)
    expect(visit.page.locator("#estimate")).not_to_have_text(re.compile("Estimating|^$"))
    visit.page.get_by_role("button", name="Launch").click()
    expect(visit.page.locator("#job-status")).to_have_text(re.compile("Waiting|Running|Finished"))


def test_a_prediction_is_shared_by_its_link_to_be_looked_at(visit: Visit, guest: Visit) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    predict(visit)
    own_id = re.search(r"job=(\w+)", visit.page.url)
    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    visit.page.get_by_label("Opacity of the prediction").fill("30")
    visit.page.locator("#job").get_by_role("button", name="Share").click()
    expect(visit.page.get_by_role("tab", name="Share")).to_be_focused()
    visit.page.locator("#share-link").get_by_role("button").click()
    expect(visit.page.locator("#share-link button")).to_have_text("Copied")
    link = visit.page.evaluate("navigator.clipboard.readText()")

    guest.open(link.partition("#")[2])

    assert own_id is not None
    assert own_id[1] not in link
    require_addresses_of_the_job(visit)
    expect(guest.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    expect(guest.page.locator("#job-notes")).to_contain_text("Shared with you")
    expect(guest.page.get_by_role("button", name="Cancel the prediction")).to_be_hidden()
    expect(guest.page.locator("#areas-body tr").first).to_be_visible()
    expect(guest.page.get_by_label("Opacity of the prediction")).to_have_value("30")
    assert own_id[1] not in " ".join(guest.requests)


def require_addresses_of_the_job(visit: Visit) -> None:
    """What other software is given of the prediction answers whoever asks, and never names its own id."""
    visit.page.locator("#software-of").select_option("job")
    for name in ("tilejson", "stac"):
        visit.page.locator(f"details:has(#software-{name}) > summary").click()
        field = visit.page.locator(f"#software-{name} input")
        expect(field).to_have_value(re.compile(r"/api/jobs/\w+/"))
        assert visit.page.request.get(field.input_value()).ok
        assert re.search(r"job=(\w+)", visit.page.url)[1] not in field.input_value()  # type: ignore[index]
    visit.page.get_by_text("QGIS", exact=True).click()
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Layer definition").click()
    assert "/vsicurl/" in download.value.path().read_text()


def test_without_events_a_prediction_is_followed_by_asking(visit: Visit) -> None:
    asked: list[Request] = []
    visit.page.on("request", lambda request: asked.append(request) if "/api/jobs/" in request.url else None)
    visit.page.route("**/api/jobs/*/events*", lambda route: route.abort())
    predict(visit)

    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    statuses = [request for request in asked if re.search(r"/api/jobs/\w+$", request.url)]
    assert all("if-none-match" in request.headers for request in statuses[1:])


def test_a_launch_waits_as_long_as_the_service_asks(visit: Visit) -> None:
    def refuse(route: Route) -> None:
        problem = {
            "type": "urn:cosia:problem:limit-reached",
            "status": 429,
            "detail": "you have 3 jobs, the limit is 3.",
        }
        headers = {"Retry-After": "30", "Content-Type": "application/problem+json"}
        route.fulfill(status=429, headers=headers, body=json.dumps(problem))

    visit.page.route("**/execution", refuse)
    visit.open()
    visit.draw(ZONE)
    launch = visit.page.get_by_role("button", name="Launch")
    expect(visit.page.locator("#estimate")).to_contain_text(re.compile("block|computed"))
    launch.click()

    expect(visit.page.locator("#launch-error")).to_have_text(
        "you have 3 jobs, the limit is 3. To be tried again in 30 s."
    )
    expect(launch).to_have_attribute("aria-disabled", "true")
    launch.click(force=True)
    assert len([url for url in visit.requests if url.endswith("/execution")]) == 1


def planar_m2(aoi: BaseGeometry) -> float:
    """In Lambert-93, edges straight in longitude and latitude."""
    to_lambert93 = Transformer.from_crs(4326, 2154, always_xy=True)
    cut = segmentize(aoi, 0.0001)
    return float(transform(cut, lambda x, y: to_lambert93.transform(x, y), interleaved=False).area)


def shows_area(visit: Visit, area_m2: float) -> bool:
    """Whether the area beside the zone, `12.95 ha of 25 km² allowed`, is this one, to the digits shown."""
    text = visit.page.locator("#zone-gauge").inner_text()
    found = re.match(r"([\d.,]+) (m²|ha|km²) of", text)
    assert found, text
    unit_m2, last_digit = {"m²": (1, 1.0), "ha": (10_000, 0.01), "km²": (1_000_000, 0.01)}[found[2]]
    return abs(float(found[1].replace(",", "")) - area_m2 / unit_m2) <= 0.51 * last_digit


def table_areas_m2(visit: Visit) -> list[float]:
    """The second column of the class table."""
    return [float(text.replace(",", "")) for text in visit.page.locator("#areas-body td.number").all_inner_texts()]
