"""Comparing over a movable divider: vintages, imagery; by mouse, keyboard, finger and link."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from app.demo import LAYER
from tests.page.vintages import LATER, TITLE, WATER, later_vintage
from tests.page.visit import Visit, rgb
from tests.service import Service

VIEW = "view=17.00/43.55920/3.26360&opacity=100&background=none"
COMPARED = f"{VIEW}&layer={LAYER}&compare=layer:{LATER}"
ROW_ABOVE_CENTRE_PX = 100


@pytest.fixture(scope="module", autouse=True)
def two_vintages(running_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with later_vintage(running_service, tmp_path_factory.mktemp("later")):
        yield


def water_begins(visit: Visit) -> float:
    """Where, in percent of the map's width, everything to the right is water; 100 where nothing is."""
    box = visit.page.locator("#map").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2 - ROW_ABOVE_CENTRE_PX
    clip = {"x": box["x"], "y": y, "width": box["width"], "height": 1}
    visit.page.mouse.move(5, 5)
    row = Image.open(io.BytesIO(visit.page.screenshot(clip=clip))).convert("RGB")
    water = next(rgb(entry["colour"]) for entry in visit.legend() if entry["value"] == WATER)
    # Not the last tenth: there are the map's buttons.
    pixels = list(row.get_flattened_data())[: int(row.width * 0.9)]
    dry = [x for x, colour in enumerate(pixels) if colour != water]
    last = max(dry, default=0)
    return 100 if last == len(pixels) - 1 else 100 * last / row.width


def test_a_vintage_is_compared_with_another_over_a_divider(visit: Visit) -> None:
    visit.open(f"{VIEW}&layer={LAYER}")
    expect(visit.page.locator("#swipe")).to_be_hidden()
    assert water_begins(visit) == 100

    visit.page.get_by_label("Compare", exact=True).select_option(label=TITLE)
    visit.settle()

    expect(visit.page.locator("#swipe-right")).to_have_text(TITLE)
    assert abs(water_begins(visit) - 50) < 1
    assert f"compare=layer:{LATER}" in visit.page.url
    visit.page.get_by_label("Compare", exact=True).select_option(label="Nothing")
    expect(visit.page.locator("#swipe")).to_be_hidden()
    assert water_begins(visit) == 100
    assert visit.errors == []


def test_the_divider_is_dragged_without_a_request_and_stays_in_the_link(visit: Visit) -> None:
    visit.open(COMPARED)
    visit.requests.clear()
    x, y = handle_centre(visit)
    width = map_width(visit)

    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x - width / 4, y, steps=5)
    visit.page.mouse.up()

    assert abs(water_begins(visit) - 25) < 1.5
    expect(visit.page).to_have_url(re.compile(r"swipe=2[456]\b"))
    assert visit.requests == []
    visit.page.reload()
    visit.settle()
    assert abs(water_begins(visit) - 25) < 1.5


def test_the_divider_moves_by_keyboard(visit: Visit) -> None:
    visit.open(COMPARED)
    handle = visit.page.get_by_role("slider", name="Divider of the comparison")

    handle.press("Home")
    assert water_begins(visit) < 1
    handle.press("ArrowRight")
    expect(handle).to_have_value("1")
    handle.press("End")
    assert water_begins(visit) == 100
    expect(handle).to_have_attribute("aria-valuetext", re.compile(f"100 %. Left: .*2021. Right: {TITLE}."))


def test_the_divider_moves_under_a_finger_and_the_rest_of_it_lets_the_map_be_moved(
    browser: Browser, running_server: str
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True, is_mobile=True
    )
    visit = Visit(context.new_page(), running_server)
    visit.open(COMPARED)
    x, y = handle_centre(visit)
    width = map_width(visit)
    finger = context.new_cdp_session(visit.page)

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start[0], "y": start[1]}]})
        for step in (0.25, 0.5, 0.75, 1.0):
            point = {"x": start[0] + (end[0] - start[0]) * step, "y": start[1] + (end[1] - start[1]) * step}
            finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    drag((x, y), (x + width / 4, y))
    expect(visit.page).to_have_url(re.compile(r"swipe=7[456]\b"))
    drag((x - width / 4, y), (x - width / 4, y - 60))

    expect(visit.page).to_have_url(re.compile(r"view=17.00/43\.558"))
    expect(visit.page).to_have_url(re.compile(r"swipe=7[456]\b"))
    strip = visit.page.locator(".strip").bounding_box()
    handle = visit.page.locator("#swipe-handle").bounding_box()
    assert strip is not None
    assert handle is not None
    assert handle["y"] + handle["height"] <= strip["y"]
    assert handle["height"] >= 24
    context.close()


def test_imagery_alone_is_compared_with_the_classes(visit: Visit) -> None:
    visit.open(f"{VIEW}&layer={LAYER}")
    palette = {rgb(entry["colour"]) for entry in visit.legend()}
    assert visit.colours().keys() <= palette

    visit.page.get_by_label("Compare", exact=True).select_option(label="Orthophoto de démonstration 2024, infrared")
    visit.settle()

    assert any("/imagery/demo-2024/" in url and "style=infrared" in url for url in visit.requests)
    assert len(visit.colours()) > 200
    assert "compare=infrared:demo-2024" in visit.page.url


def test_what_is_read_under_the_pointer_is_what_is_drawn_there(visit: Visit) -> None:
    visit.open(COMPARED)
    x, y = visit.map_centre()

    visit.page.mouse.move(x + 60, y)
    expect(visit.page.locator("#readout-class")).to_have_text("Water")
    visit.page.mouse.move(x - 60, y)
    expect(visit.page.locator("#readout-class")).not_to_have_text("Water")


def test_a_link_that_compares_with_what_is_not_there_compares_with_nothing(visit: Visit) -> None:
    visit.open(f"{VIEW}&layer={LAYER}&compare=layer:gone")

    expect(visit.page.locator("#swipe")).to_be_hidden()
    expect(visit.page.get_by_label("Compare", exact=True)).to_have_value("")
    assert visit.errors == []


def handle_centre(visit: Visit) -> tuple[float, float]:
    """In the middle of the map, at the height of the handle."""
    box = visit.page.locator("#swipe-handle").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def map_width(visit: Visit) -> float:
    box = visit.page.locator("#map").bounding_box()
    assert box is not None
    return box["width"]
