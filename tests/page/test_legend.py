"""The legend: isolating, families, shares of the view, looks, definitions, confidence."""

from __future__ import annotations

import io
import re
from collections import Counter

from PIL import Image
from playwright.sync_api import expect

from app.demo import LAYER
from tests.page.visit import Colour, Visit, rgb

# 0.2 m of ground are a pixel of level 19, nearly.
CLASSES_ONLY = f"layer={LAYER}&opacity=100&background=none"
NEAR = f"view=19.00/43.55920/3.26360&{CLASSES_ONLY}"
FAR = f"view=16.00/43.55920/3.26360&{CLASSES_ONLY}"
FAMILIES = 7


def shown(visit: Visit) -> set[Colour]:
    return set(visit.colours())


def official(visit: Visit) -> dict[str, Colour]:
    return {entry["title_en"].capitalize(): rgb(entry["colour"]) for entry in visit.legend()}


def test_a_class_is_isolated_by_mouse_and_by_keyboard_without_a_request(visit: Visit) -> None:
    visit.open(FAR)
    colours = official(visit)
    everything = shown(visit)
    visit.requests.clear()
    only = visit.page.get_by_role("button", name="Only Building")

    only.click()
    expect(only).to_have_attribute("aria-pressed", "true")
    assert shown(visit) & set(colours.values()) == {colours["Building"]}
    expect(visit.page).to_have_url(re.compile(r"hidden=2\.3\.4\.5\.6\.7\.8\.9\.10\.11\.12\.13\.14\.15\.16"))
    only.press("Enter")
    expect(only).to_have_attribute("aria-pressed", "false")
    expect(only).to_be_focused()
    assert shown(visit) == everything
    assert visit.requests == []


def test_families_are_seven_rows_with_colours_of_their_own_that_switch_their_classes(visit: Visit) -> None:
    visit.open(FAR)
    visit.page.get_by_label("Families").check(force=True)

    expect(visit.page.locator("#legend li")).to_have_count(FAMILIES)
    assert len(shown(visit) & set(official(visit).values())) <= FAMILIES
    water = visit.legend_row("Water, pool, snow")
    water.uncheck()
    expect(visit.page).to_have_url(re.compile(r"families=yes&hidden=4\.6\.7$"))
    visit.page.get_by_label("Classes", exact=True).check(force=True)
    expect(visit.legend_row("Swimming pool")).not_to_be_checked()
    visit.legend_row("Swimming pool").check()
    visit.page.get_by_label("Families").check(force=True)
    assert water.evaluate("box => box.indeterminate")


def map_colours(visit: Visit) -> Counter[Colour]:
    """Of the whole map, without the field that lies over it."""
    visit.page.mouse.move(5, 5)
    visit.page.locator("#search").evaluate("search => { search.hidden = true; }")
    image = Image.open(io.BytesIO(visit.page.locator("#map").screenshot())).convert("RGB")
    return Counter(image.get_flattened_data())


def share_texts(visit: Visit) -> dict[str, str]:
    rows = visit.page.locator("#legend li").all()
    return {row.locator("label").inner_text(): row.locator(".number").inner_text() for row in rows}


def test_shares_are_those_of_the_pixels_in_view_and_follow_it_without_a_request_of_their_own(visit: Visit) -> None:
    visit.open(NEAR)
    visit.page.wait_for_timeout(300)
    pixels = {name: map_colours(visit)[colour] for name, colour in official(visit).items()}
    before = share_texts(visit)

    for name, text in before.items():
        percent = float(re.sub(r"[<> %]", "", text))
        assert abs(percent - 100 * pixels[name] / sum(pixels.values())) < 1, (name, text)
    expect(visit.page.locator("#shares-note")).to_contain_text("counted pixel by pixel")
    expect(visit.page.locator("#map")).to_have_accessible_description(re.compile(r"^[A-Z][a-z ]+ \d+\.\d%, "))

    visit.requests.clear()
    visit.page.locator("#map").focus()
    visit.page.keyboard.press("ArrowRight")
    visit.settle()
    visit.page.wait_for_timeout(300)
    assert share_texts(visit) != before
    assert all("/tiles/" in url or "/point" in url for url in visit.requests)


def test_shares_of_an_overview_are_said_to_be_estimated_and_gaps_are_told(visit: Visit) -> None:
    visit.open("view=14.00/43.55920/3.26360")

    note = visit.page.locator("#shares-note")
    expect(note).to_contain_text(re.compile(r"estimated: one pixel here is \d+(\.\d)? m wide"))
    expect(note).to_contain_text(re.compile(r"\d% of the view is mapped"))


def test_colours_for_every_eye_and_patterns_are_painted_without_a_request_and_kept_in_the_link(visit: Visit) -> None:
    visit.open(FAR)
    before = shown(visit)
    safe = {rgb(entry["colour_blind"]) for entry in visit.legend()}
    visit.requests.clear()
    look = visit.page.get_by_label("Colours")

    look.select_option(label="For every eye")
    assert shown(visit) <= safe
    look.select_option(label="Official, with patterns")
    patterned = shown(visit)
    assert before < patterned
    assert visit.requests == []

    visit.page.reload()
    visit.settle()
    expect(look).to_have_value("patterns")
    assert shown(visit) == patterned


def test_definitions_are_told_in_the_language_of_the_page(visit: Visit) -> None:
    visit.open(FAR)
    expect(visit.page.get_by_text("Broad-leaved trees")).to_be_hidden()

    visit.page.get_by_role("button", name="Definitions").click()
    expect(visit.page.get_by_text("Broad-leaved trees")).to_be_visible()
    visit.page.get_by_role("button", name="Français").click()
    expect(visit.page.get_by_text("Arbre à feuilles larges")).to_be_visible()


def test_confidence_is_a_look_with_a_legend_of_its_own(visit: Visit) -> None:
    visit.open(FAR)
    visit.page.get_by_label("Colours").select_option(label="Confidence")
    visit.settle()

    assert any("/tiles/" in url and "style=confidence" in url for url in visit.requests)
    expect(visit.page.locator("#legend")).to_be_hidden()
    expect(visit.page.locator("#ramp")).to_contain_text("Uncertain")
    expect(visit.page.locator("#shares-note")).to_contain_text(
        re.compile(r"\d% of what is mapped in view is below 50 %")
    )
    # A grade has many more colours than a palette, yet no more than a byte has values.
    assert 16 < len(shown(visit)) <= 256
    assert "look=confidence" in visit.page.url
    visit.page.get_by_label("Colours").select_option(label="Official")
    visit.settle()
    assert shown(visit) & set(official(visit).values())
    assert visit.errors == []
