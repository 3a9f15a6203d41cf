"""The map in a browser: imagery, classes, legend, and what is under the pointer."""

from __future__ import annotations

import re
from collections import Counter

from playwright.sync_api import expect

from tests.page.visit import Visit, rgb

CLASSES_ONLY = "opacity=100&background=none"


def test_the_page_shows_imagery_classes_and_legend(visit: Visit) -> None:
    visit.open()

    assert any("/imagery/" in url for url in visit.requests)
    assert any(re.search(r"/tiles/[^/]+/\d+/\d+/\d+\.png", url) for url in visit.requests)
    expect(visit.page.locator("#legend li")).to_have_count(16)
    expect(visit.legend_row("Building")).to_be_checked()
    # Classes over a picture have many more shades than the sixteen of the palette.
    assert len(visit.colours()) > 200


def test_classes_are_drawn_in_the_colours_of_the_legend_without_interpolation(visit: Visit) -> None:
    visit.open(CLASSES_ONLY)

    palette = {rgb(entry["colour"]) for entry in visit.legend()}
    colours = visit.colours()
    assert len(colours.keys() & palette) > 1
    assert colours.keys() <= palette


def test_hiding_a_class_changes_the_map_without_a_request(visit: Visit) -> None:
    visit.open(CLASSES_ONLY)
    before = visit.colours()
    main_class = max(visit.legend(), key=lambda entry: before[rgb(entry["colour"])])
    visit.requests.clear()

    visit.legend_row(main_class["title_en"].capitalize()).uncheck()
    expect(visit.page.locator("#legend-all")).to_have_text("Show all")
    hidden = visit.colours()
    visit.legend_row(main_class["title_en"].capitalize()).check()
    shown = visit.colours()

    assert hidden[rgb(main_class["colour"])] == 0
    assert shown == before
    assert visit.requests == []


def test_the_class_under_the_pointer_is_named(visit: Visit) -> None:
    visit.open(CLASSES_ONLY)
    x, y = visit.map_centre()
    (colour,) = visit.colours(half_px=1).most_common(1)[0][:1]
    expected = next(entry for entry in visit.legend() if rgb(entry["colour"]) == colour)

    visit.page.mouse.move(x, y)

    expect(visit.page.locator("#readout-class")).to_have_text(expected["title_en"].capitalize())


def test_a_link_restores_what_it_shows(visit: Visit) -> None:
    visit.open("opacity=30&background=infrared&hidden=1.8")

    expect(visit.page.locator("#opacity")).to_have_value("30")
    expect(visit.page.get_by_label("Infrared")).to_be_checked()
    expect(visit.legend_row("Building")).not_to_be_checked()
    assert any("style=infrared" in url for url in visit.requests)


def test_the_page_speaks_french_when_asked(visit: Visit) -> None:
    visit.open()

    visit.page.get_by_role("button", name="Français").click()

    expect(visit.page.get_by_role("tab", name="Carte")).to_be_visible()
    expect(visit.legend_row("Bâtiment")).to_be_checked()


def test_nothing_is_asked_of_third_parties_and_the_console_stays_clean(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_label("Infrared").check(force=True)
    visit.page.get_by_role("tab", name="Predict").click()
    visit.page.locator("#zoom-in").click()
    visit.page.wait_for_load_state("networkidle")

    own = (f"{visit.server}/", "blob:", "data:")
    assert [url for url in visit.requests if not url.startswith(own)] == []
    assert visit.errors == []


def test_tiles_that_did_not_come_are_asked_for_again_at_once(visit: Visit) -> None:
    visit.page.route("**/*.png?*", lambda route: route.abort())
    visit.page.goto(f"{visit.server}/#{CLASSES_ONLY}")
    retry = visit.page.locator("#map-retry")
    expect(retry).to_be_visible()

    visit.page.unroute("**/*.png?*")
    retry.click()
    visit.settle()

    assert len(visit.colours() & Counter(dict.fromkeys((rgb(entry["colour"]) for entry in visit.legend()), 1))) > 1
