"""What a zone, or the view, is made of: the table, its file, the legend's shares; asked, given up, refused."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from app.demo import LAYER
from tests.page.visit import Visit
from tests.page.zones import ZONE, choose_zone, square_metres, wkt
from tests.service import Service

VIEW = f"view=17.00/43.55990/3.26160&layer={LAYER}"


def rows(visit: Visit) -> Locator:
    return visit.page.locator("#zone-areas-table tbody tr")


def test_a_zone_is_measured_by_itself_exactly_and_taken_away_as_a_file(
    visit: Visit, running_service: Service, tmp_path: Path
) -> None:
    visit.open(VIEW)
    choose_zone(visit, wkt(ZONE))
    expected = square_metres(running_service.folder)
    titles = {int(entry["value"]): entry["title_en"].capitalize() for entry in visit.legend()}
    largest_first = sorted(expected, key=lambda value: -expected[value])

    expect(rows(visit)).to_have_count(len(expected))
    assert [row.locator("th").inner_text() for row in rows(visit).all()] == [titles[value] for value in largest_first]
    expect(visit.page.locator("#zone-areas-note")).to_contain_text("mapped entirely. Counted pixel by pixel")
    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="Download (CSV)").first.click()
    saved.value.save_as(tmp_path / "areas.csv")
    lines = list(csv.reader((tmp_path / "areas.csv").read_text("utf-8-sig").splitlines()))
    assert saved.value.suggested_filename == f"{LAYER}-areas.csv"
    assert lines[0] == ["Class", "Code", "Size (m²)", "Size (ha)", "Share (%)"]
    written = {line[0]: float(line[2]) for line in lines[1 : lines.index([])]}
    # A dozen pixels of those whose centre lies on the outline, to a millimetre.
    assert written == {titles[value]: pytest.approx(area_m2, abs=0.5) for value, area_m2 in expected.items()}
    assert ["Vintage", "2021"] in lines
    assert visit.errors == []


def test_in_french_the_file_has_decimal_commas_and_the_copied_table_tabs(visit: Visit, tmp_path: Path) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open(VIEW)
    visit.page.get_by_role("button", name="Français").click()
    choose_zone(visit, wkt(ZONE))

    with visit.page.expect_download() as saved:
        visit.page.get_by_role("button", name="Télécharger (CSV)").first.click()
    saved.value.save_as(tmp_path / "superficies.csv")
    first = (tmp_path / "superficies.csv").read_bytes().decode().split("\r\n")[1]
    assert re.fullmatch(r"[^;]+;[^;]+;\d+(,\d+)?;\d+(,\d+)?;\d+(,\d+)?", first)
    visit.page.get_by_role("button", name="Copier le tableau").first.press("Enter")
    expect(visit.page.get_by_role("button", name="Tableau copié").first).to_be_focused()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied.split("\n")[1].split("\t") == first.split(";")


def test_the_view_is_measured_when_asked_and_families_come_without_another_request(visit: Visit) -> None:
    visit.open(f"{VIEW}&tab=zone")
    expect(visit.page.get_by_role("radio", name="The view")).to_be_checked()
    expect(visit.page.get_by_role("radio", name="The area")).to_be_disabled()
    assert not asked(visit)

    visit.page.get_by_role("button", name="Measure", exact=True).click()
    expect(rows(visit).first).to_be_visible()
    classes = rows(visit).count()
    visit.page.get_by_label("By family").check(force=True)
    assert rows(visit).count() < classes
    assert len(asked(visit)) == 1

    visit.page.locator("#map").focus()
    visit.page.keyboard.press("ArrowRight")
    expect(visit.page.locator("#measure-what")).to_contain_text("The map has moved")
    assert len(asked(visit)) == 1
    expect(visit.page.get_by_role("button", name="Measure again")).to_be_visible()


def test_the_legend_shows_shares_of_the_zone_where_one_is_set_and_the_link_keeps_that(
    visit: Visit, running_service: Service
) -> None:
    visit.open(VIEW)
    expect(visit.page.locator("#shares-of")).to_be_hidden()
    choose_zone(visit, wkt(ZONE))
    visit.page.get_by_role("tab", name="Map").click()
    expected = square_metres(running_service.folder)
    percent = {value: 100 * area_m2 / sum(expected.values()) for value, area_m2 in expected.items()}

    visit.page.get_by_label("Shares of the area").check(force=True)
    expect(visit.page.locator("#shares-note")).to_contain_text("mapped in the area, counted pixel by pixel")
    for i, entry in enumerate(visit.legend()):
        text = visit.page.locator("#legend li").nth(i).locator(".number").inner_text()
        assert abs(float(re.sub(r"[<>% ]", "", text)) - percent.get(int(entry["value"]), 0)) <= 0.1, entry
    expect(visit.page).to_have_url(re.compile("shares=zone"))

    visit.page.get_by_label("Shares of the view").check(force=True)
    expect(visit.page.locator("#shares-note")).to_contain_text("in view")


def test_a_measure_is_given_up_and_a_refused_one_says_why_beside_its_button(visit: Visit) -> None:
    held: list[Route] = []
    visit.page.route("**/areas", lambda route: held.append(route))
    visit.open(VIEW)
    choose_zone(visit, wkt(ZONE))

    give_up = visit.page.get_by_role("button", name="Give up")
    give_up.press("Enter")
    measure = visit.page.get_by_role("button", name="Measure", exact=True)
    expect(measure).to_be_focused()
    visit.page.unroute("**/areas")
    visit.page.route("**/areas", refusing("the area is 30000.00 km², the limit is 20000 km²: draw a smaller one"))
    measure.press("Enter")
    expect(visit.page.locator("#zone-areas-asking-error")).to_have_text(re.compile("30000.00 km²"))
    expect(rows(visit)).to_have_count(0)

    visit.page.unroute("**/areas")
    visit.page.get_by_role("button", name="Try again").press("Enter")
    expect(rows(visit).first).to_be_visible()
    expect(visit.page.locator("#zone-areas-asking-error")).to_be_hidden()


def refusing(detail: str) -> Callable[[Route], None]:
    problem = json.dumps({"type": "aoi-too-large", "title": "Too large", "status": 422, "detail": detail})
    return lambda route: route.fulfill(status=422, content_type="application/problem+json", body=problem)


def asked(visit: Visit) -> list[str]:
    return [url for url in visit.requests if url.endswith("/areas")]
