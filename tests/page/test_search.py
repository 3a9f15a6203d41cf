"""Search of places on the map: by keyboard, mouse and finger, by name and by coordinates, and while nobody answers."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Route, expect
from pyproj import Transformer

from app.demo import LAYER
from tests.page.visit import Visit

VIEW = f"view=17.00/43.55920/3.26360&opacity=0&background=none&layer={LAYER}"
MARK = (15, 59, 53)  # the dark ring of zonestyle.js and placemark.js


def field(visit: Visit) -> Locator:
    return visit.page.get_by_role("combobox", name="Search for a place, an address or coordinates")


def options(visit: Visit) -> Locator:
    return visit.page.get_by_role("listbox", name="Places found").get_by_role("option")


def expect_view(visit: Visit, lon: float, lat: float) -> None:
    def is_there(url: str) -> bool:
        _, there_lat, there_lon = (float(part) for part in parse_qs(urlsplit(url).fragment)["view"][0].split("/"))
        return (there_lat, there_lon) == pytest.approx((lat, lon), abs=2e-5)

    visit.page.wait_for_url(is_there)


def asked(visit: Visit) -> list[str]:
    """Texts that the service was asked for."""
    return [parse_qs(urlsplit(url).query)["q"][0] for url in visit.requests if "/api/places?" in url]


def test_a_place_is_found_by_keyboard_marked_and_forgotten_and_the_zone_stays(visit: Visit) -> None:
    visit.open(VIEW)
    visit.draw([(-60, -60), (60, -60), (60, 60)])
    zone = visit.page.locator("#zone-gauge").inner_text()
    visit.page.locator("#skip").press("Enter")

    visit.page.keyboard.press("/")
    visit.page.keyboard.type("greenh", delay=20)
    expect(options(visit).first).to_have_text("Greenhouses Demonstration territory")
    expect(visit.page.locator("#search-note")).to_contain_text("no real place")
    visit.page.keyboard.press("ArrowDown")
    expect(options(visit).first).to_have_attribute("aria-selected", "true")
    visit.page.keyboard.press("Enter")

    assert asked(visit) == ["greenh"], "one request for what was typed in one go"
    told = visit.page.request.get(f"{visit.server}/api/places?q=greenhouses&lang=en").json()["features"][0]
    expect_view(visit, *told["geometry"]["coordinates"])
    expect(visit.page.locator("#live")).to_have_text("The map shows Greenhouses, Demonstration territory.")
    assert visit.colours(25)[MARK] > 0
    field(visit).press("Escape")
    expect(field(visit)).to_have_value("")
    assert visit.colours(25)[MARK] == 0
    assert visit.page.locator("#zone-gauge").inner_text() == zone
    assert visit.errors == []


def test_a_town_is_chosen_by_mouse_and_the_first_by_enter(visit: Visit) -> None:
    visit.open(VIEW)

    field(visit).fill("saint denis")
    options(visit).filter(has_text="La Réunion").click()
    expect_view(visit, 55.4504, -20.8823)
    expect(field(visit)).to_have_value("Saint-Denis")
    expect(options(visit).first).to_be_hidden()

    field(visit).fill("montpellier")
    field(visit).press("Enter")
    expect_view(visit, 3.8763, 43.6109)


def test_coordinates_are_understood_without_a_request(visit: Visit) -> None:
    visit.open(VIEW)
    lon, lat = Transformer.from_crs(2154, 4326, always_xy=True).transform(721_500, 6_273_200)

    field(visit).fill("721 500 6 273 200")
    expect(options(visit)).to_have_text([re.compile(r"^43\.\d{5}° N 3\.\d{5}° E Lambert-93$")])
    field(visit).press("Enter")
    expect_view(visit, lon, lat)

    field(visit).fill("10.5 20.5")
    expect(options(visit)).to_have_text([re.compile("latitude first$"), re.compile("longitude first$")])
    field(visit).fill("200 300")
    expect(visit.page.locator("#search-error")).to_contain_text("Latitude from -90 to 90")
    assert asked(visit) == []


def test_what_is_not_found_and_who_does_not_answer_is_said(visit: Visit) -> None:
    visit.open(VIEW)
    note, error = visit.page.locator("#search-note"), visit.page.locator("#search-error")

    field(visit).fill("zzyzx")
    expect(note).to_have_text("No place of that name. Only towns are searched here, not addresses.")

    def without_geocoder(route: Route) -> None:
        document = route.fetch().json()
        for source in document["sources"]:
            source["state"] = "unavailable" if source["id"] == "geocoder" else source["state"]
        route.fulfill(json={**document, "complete": False})

    visit.page.route("**/api/places?*", without_geocoder)
    field(visit).fill("montpellier")
    expect(options(visit).first).to_have_text("Montpellier Hérault (34)")
    expect(note).to_contain_text("The national address service does not answer")

    visit.page.unroute_all()
    visit.page.route("**/api/places?*", lambda route: route.abort())
    field(visit).fill("lyon")
    expect(error).to_contain_text("The service does not answer")
    expect(options(visit)).to_have_count(0)


def test_searching_ends_no_drawing(visit: Visit) -> None:
    visit.open(VIEW)
    visit.page.locator("#tab-predict").click()
    visit.page.locator("#draw-polygon").click()
    visit.page.mouse.click(*visit.map_centre())

    visit.page.get_by_role("button", name="Search for a place").click()
    field(visit).fill("village")
    expect(options(visit).first).to_be_visible()
    field(visit).press("Escape")
    field(visit).press("Escape")

    expect(field(visit)).to_be_hidden()
    expect(visit.page.locator("#drawbar")).to_be_visible()
    expect(visit.page.locator("#draw-undo")).to_be_enabled()


@pytest.fixture
def phone(browser: Browser, running_server: str) -> Visit:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en-GB", has_touch=True, is_mobile=True
    )
    return Visit(context.new_page(), running_server)


def test_on_a_phone_a_button_opens_the_search_and_a_tap_chooses(phone: Visit) -> None:
    phone.open(VIEW)
    expect(field(phone)).to_be_hidden()

    phone.page.get_by_role("button", name="Search for a place").tap()
    expect(field(phone)).to_be_focused()
    field(phone).fill("ajaccio")
    option = options(phone).first
    expect(option).to_have_text("Ajaccio Corse-du-Sud (2A)")
    box = option.bounding_box()
    assert box is not None
    assert box["height"] >= 43.5
    option.tap()

    expect_view(phone, 8.7381, 41.9189)
    expect(field(phone)).to_be_hidden()
    phone.page.context.close()
