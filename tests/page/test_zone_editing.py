"""A zone changed on the map: by mouse, by keyboard, by finger; nothing lost by Escape or a reload."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import numpy as np
from playwright.sync_api import Request, expect

from tests.page.finger import Finger
from tests.page.visit import Visit

Place = tuple[float, float]
CORNERS: list[Place] = [(-100, -60), (100, 60)]


def pixels(visit: Visit, request: Request) -> np.ndarray:
    """(n, 2) vertices of the polygon asked for, each once, as pixels right of and below the centre of the map."""
    found = re.search(r"view=([\d.]+)/([\d.]+)/([\d.]+)", visit.page.url)
    assert found
    zoom, *centre = map(float, found.groups())
    (ring,) = json.loads(request.post_data or "")["inputs"]["aoi"]["coordinates"]
    world_px = 256 * 2**zoom

    def pixel(lon: float, lat: float) -> Place:
        return lon / 360 * world_px, -math.asinh(math.tan(math.radians(lat))) / (2 * math.pi) * world_px

    return np.array([pixel(*place) for place in ring[:-1]]) - pixel(centre[1], centre[0])


def same_places(vertices: np.ndarray, expected: list[Place], within_px: float = 3) -> bool:
    """Whether these are the vertices, in any order."""
    if len(vertices) != len(expected):
        return False
    distances = np.linalg.norm(vertices[:, None] - np.array(expected)[None], axis=2)
    return bool((distances.min(axis=0) < within_px).all() and (distances.min(axis=1) < within_px).all())


def rectangle(visit: Visit, tap: Callable[[float, float], None]) -> Callable[[Place], Place]:
    """Draws one around the centre; gives what tells the place in the window of a place relative to the centre."""
    visit.page.get_by_role("button", name="Rectangle").click()
    x, y = visit.map_centre()
    with visit.page.expect_request("**/estimate"):
        for dx, dy in CORNERS:
            tap(x + dx, y + dy)
    return lambda offset: (x + offset[0], y + offset[1])


def drag(visit: Visit, start: Place, end: Place) -> None:
    visit.page.mouse.move(*start)
    visit.page.mouse.down()
    visit.page.mouse.move(*end, steps=3)
    visit.page.mouse.up()


def test_vertices_are_moved_added_and_deleted_by_mouse(visit: Visit) -> None:
    visit.open("tab=zone")
    at = rectangle(visit, visit.page.mouse.click)
    visit.page.get_by_role("button", name="Change the area").click()
    drag(visit, at((100, 60)), at((140, 90)))
    drag(visit, at((-100, 0)), at((-150, 10)))  # the middle of an edge
    error = visit.page.locator("#drawbar #draw-error")
    expect(error).to_be_hidden()

    drag(visit, at((100, -60)), at((-200, 80)))
    expect(error).to_contain_text("self-intersection at longitude, latitude")
    visit.page.keyboard.press("Control+Enter")
    expect(visit.page.locator("#drawbar")).to_be_visible()
    visit.page.keyboard.press("Control+z")
    expect(error).to_be_hidden()

    visit.page.mouse.click(*at((-100, -60)))
    visit.page.get_by_role("button", name="Delete the vertex").click()
    visit.page.get_by_role("button", name="Move the whole").click()
    drag(visit, at((0, 0)), at((20, -30)))
    with visit.page.expect_request("**/estimate") as asked:
        visit.page.get_by_role("button", name="Finish").click()

    expected: list[Place] = [(160, 60), (-130, -20), (120, -90), (-80, 30)]
    assert same_places(pixels(visit, asked.value), expected)
    assert visit.errors == []


def test_a_zone_is_changed_by_keyboard_and_the_change_outlives_a_reload(visit: Visit) -> None:
    visit.open("tab=zone")
    rectangle(visit, visit.page.mouse.click)
    visit.page.mouse.move(5, 5)
    gauge = visit.page.locator("#zone-gauge p")
    before = gauge.inner_text()
    visit.page.get_by_role("button", name="Change the area").press("Enter")
    hint = visit.page.locator("#draw-hint")
    visit.page.keyboard.press("p")
    expect(hint).to_have_text("Vertex 1 of 4.")
    visit.page.keyboard.press("p")
    expect(hint).to_have_text("Vertex 4 of 4.")
    visit.page.keyboard.press("Enter")
    expect(hint).to_contain_text("Move the map under the cross")
    for key in ("ArrowLeft", "Enter"):
        visit.page.keyboard.press(key)
        visit.page.wait_for_timeout(200)  # an arrow key's move is animated
    visit.page.keyboard.press("Insert")
    expect(hint).to_contain_text("of 5.")
    visit.page.keyboard.press("n")
    visit.page.keyboard.press("Delete")
    visit.page.keyboard.press("m")
    visit.page.keyboard.press("ArrowUp")
    changed = visit.page.locator("#draw-gauge p").inner_text()
    assert changed != before

    visit.page.reload()
    visit.settle()
    expect(gauge).to_have_text(before)
    go_on = visit.page.get_by_role("button", name="Go on drawing")
    go_on.press("Enter")
    expect(visit.page.locator("#draw-gauge p")).to_have_text(changed)
    visit.page.keyboard.press("Escape")
    expect(gauge).to_have_text(before)
    go_on.press("Enter")
    visit.page.keyboard.press("Control+Enter")

    expect(gauge).to_have_text(changed)
    visit.page.get_by_role("button", name="Bring back the one before").press("Enter")
    expect(gauge).to_have_text(before)
    assert visit.errors == []


def test_a_vertex_is_dragged_by_finger_or_taken_to_the_cross(phone: Visit) -> None:
    phone.open("tab=zone")
    at = rectangle(phone, phone.page.touchscreen.tap)
    phone.page.get_by_role("button", name="Change the area").tap()
    phone.settle()
    finger = Finger(phone.page)
    pull(phone, finger, at((100, -60)), at((120, -90)))
    phone.settle()
    phone.page.touchscreen.tap(*at((-100, -60)))
    phone.page.get_by_role("button", name="Take the vertex").tap()
    pull(phone, finger, at((0, 0)), at((30, 20)))  # the map, under the cross
    phone.page.get_by_role("button", name="Put it down").tap()
    phone.settle()
    with phone.page.expect_request("**/estimate") as asked:
        phone.page.get_by_role("button", name="Finish").tap()

    # The cross is where the vertex is now: 30 pixels left of and 20 above where it was.
    assert same_places(pixels(phone, asked.value), [(0, 0), (250, -10), (230, 140), (30, 140)])
    assert phone.errors == []


def pull(visit: Visit, finger: Finger, start: Place, end: Place) -> None:
    """Slowly, so that the map does not roll on; it follows from the second move on."""
    finger.press(*start)
    for share in (0.05, 0.4, 0.8, 1):
        finger.move(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
    visit.page.wait_for_timeout(300)
    finger.lift()
