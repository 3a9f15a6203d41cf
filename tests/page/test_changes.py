"""What changed between two vintages: sentences, matrix and file, the changed pixels on the map, one passage alone."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from app.demo import LAYER
from tests.page.vintages import LATER, TITLE, WATER, later_vintage
from tests.page.visit import Colour, Visit, rgb
from tests.page.zones import ZONE, choose_zone, square_metres, wkt
from tests.service import Service

# 0.2 m of ground are a pixel of level 19, nearly.
VIEW = f"view=19.00/43.55990/3.26160&layer={LAYER}&opacity=100&background=none"
PAIR = f"changes={LAYER}/{LATER}"
GROUND: Colour = (243, 242, 236)  # of the page, where the map draws nothing


@pytest.fixture(scope="module", autouse=True)
def two_vintages(running_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The later one is water all over: whatever was not water has become it."""
    with later_vintage(running_service, tmp_path_factory.mktemp("later")):
        yield


def water(visit: Visit) -> Colour:
    return next(rgb(entry["colour"]) for entry in visit.legend() if entry["value"] == WATER)


def names(visit: Visit) -> dict[int, str]:
    entries: list[dict[str, Any]] = list(visit.legend())
    return {int(entry["value"]): entry["title_en"] for entry in entries}


def test_sentences_matrix_and_file_tell_what_the_pixels_say(
    visit: Visit, running_service: Service, tmp_path: Path
) -> None:
    visit.open(VIEW)
    choose_zone(visit, wkt(ZONE))
    before = square_metres(running_service.folder)
    changed = {value: area_m2 for value, area_m2 in before.items() if value != WATER}
    titles = names(visit)
    most = max(changed, key=lambda value: changed[value])

    text = visit.page.locator("#changes-text")
    expect(text).to_contain_text(f"Between 2021 and 2024, land cover changed on {sum(changed.values()) / 1e4:.2f} ha")
    expect(text).to_contain_text(f"mostly from {titles[most]} to {titles[WATER]} ({changed[most] / 1e4:.2f} ha)")
    expect(text).to_contain_text(f"What gained most: {titles[WATER]} (+ ")
    expect(visit.page.locator("#changes-cautions")).to_contain_text("not from one known model")
    expect(visit.page.locator("#changes-matrix button")).to_have_count(len(changed))
    with visit.page.expect_download() as saved:
        visit.page.locator("#changes-takeaway").get_by_role("button", name="Download (CSV)").press("Enter")
    saved.value.save_as(tmp_path / "changes.csv")
    lines = list(csv.reader((tmp_path / "changes.csv").read_text("utf-8-sig").splitlines()))
    column = lines[0].index(titles[WATER].capitalize())
    written = {line[0]: float(line[column]) for line in lines[1 : lines.index([])]}
    for value, area_m2 in changed.items():
        assert written[titles[value].capitalize()] == pytest.approx(area_m2, abs=0.5)
    assert visit.errors == []


def test_the_map_shows_what_changed_then_one_passage_without_a_request_and_the_link_keeps_it(visit: Visit) -> None:
    visit.open(f"{VIEW}&tab=zone")
    classes = visit.colours()
    became = water(visit)
    values = {rgb(entry["colour"]): entry["value"] for entry in visit.legend()}
    most = max(values.keys() - {became}, key=lambda colour: classes[colour])
    visit.page.get_by_role("button", name="Find the changes").click()
    passage = visit.page.locator(f'[data-passage="{values[most]}-{WATER}"]')
    expect(passage).to_be_attached()

    visit.page.get_by_label("See the changes on the map").check()
    visit.settle()
    everything = visit.colours()
    assert everything.keys() <= {became, GROUND}
    assert everything[GROUND] == classes[became]
    visit.requests.clear()
    passage.press("Enter")
    expect(passage).to_be_focused()
    assert visit.colours()[became] == classes[most]
    assert visit.requests == []
    expect(visit.page).to_have_url(re.compile(f"changes={LAYER}/{LATER}/{values[most]}-{WATER}"))

    visit.page.reload()
    visit.settle()
    assert visit.colours()[became] == classes[most]
    visit.page.get_by_role("tab", name="Map").click()
    visit.page.get_by_role("button", name="Back to the classes").click()
    visit.settle()
    assert visit.colours() == classes
    assert visit.errors == []


def test_from_afar_and_on_paper_the_changes_are_said_to_be_what_they_are_and_sides_change_places(visit: Visit) -> None:
    visit.open(f"{VIEW.replace('19.00', '15.00')}&tab=zone&{PAIR}/all")
    expect(visit.page.locator("#changes-map-note")).to_contain_text(re.compile(r"Estimated: one pixel here is \d"))

    visit.page.locator("#changes-from").select_option(label=TITLE)
    expect(visit.page).to_have_url(re.compile(f"changes={LATER}/{LAYER}/all"))
    expect(visit.page.locator("#changes-to")).to_have_value(LAYER)
    assert len(visit.colours()) > 3

    visit.page.get_by_role("tab", name="Share").click()
    visit.page.evaluate("() => { window.print = () => {}; }")
    visit.page.get_by_role("button", name="Print or PDF").click()
    expect(visit.page.locator("#paper-under")).to_contain_text(f"{TITLE} → ")
    expect(visit.page.locator("#paper-under")).to_contain_text("Each pixel that changed has the colour of its class")
