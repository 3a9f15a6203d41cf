"""What every main state of the page must keep to: axe-core's rules, reflow, keyboard, nothing from elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser

from tests.page.axe import violations
from tests.page.keyboard import walk
from tests.page.reflow import cut_off, enlarge_text, space_text
from tests.page.states import main_states, open_details, predicted
from tests.page.visit import Visit

# So high that little has to be scrolled to: of what is out of sight axe tells neither contrast nor size.
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 2200}}
# As narrow as WCAG 2.2, 1.4.10 says: 1280 pixels enlarged four times.
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 1800}, "has_touch": True, "is_mobile": True}


class Seen(NamedTuple):
    """What is wrong, one line each, with the state it was seen in. By the look of the page."""

    axe: dict[str, list[str]]
    reflow: dict[str, list[str]]
    requests: list[str]
    console: list[str]


# One walk for all tests: reaching the states takes longer than looking at them.
@pytest.fixture(scope="module")
def seen(browser: Browser, running_server: str) -> Seen:
    found = Seen({}, {}, [], [])

    def note(kind: dict[str, list[str]], look: str, state: str, faults: list[str]) -> None:
        kind.setdefault(look, []).extend(f"{state}: {fault}" for fault in faults)

    context = browser.new_context(locale="en-GB", **DESKTOP)
    visit = Visit(context.new_page(), running_server)
    page = visit.page
    for state in main_states(visit, predicted(visit)):
        note(found.axe, "light", state, violations(page))
        page.emulate_media(color_scheme="dark")
        note(found.axe, "dark", state, violations(page))
        page.emulate_media(color_scheme="light", forced_colors="active")
        note(found.axe, "forced colours", state, violations(page))
        page.emulate_media(forced_colors="none")
        with enlarge_text(page):
            note(found.reflow, "text of 200 %", state, cut_off(page))
    found.requests.extend(visit.requests)
    found.console.extend(visit.errors)
    context.close()

    context = browser.new_context(locale="fr-FR", **PHONE)  # French words are longer
    visit = Visit(context.new_page(), running_server)
    for state in main_states(visit, predicted(visit)):
        note(found.axe, "phone", state, violations(visit.page))
        note(found.reflow, "320 px", state, cut_off(visit.page))
        with space_text(visit.page):
            note(found.reflow, "text spacing", state, cut_off(visit.page))
    context.close()
    return found


@pytest.mark.parametrize("look", ["light", "dark", "forced colours", "phone"])
def test_axe_finds_nothing_in_any_main_state(look: str, seen: Seen) -> None:
    assert seen.axe[look] == []


@pytest.mark.parametrize("look", ["320 px", "text spacing", "text of 200 %"])
def test_nothing_is_cut_off_when_there_is_less_room(look: str, seen: Seen) -> None:
    assert seen.reflow[look] == []


def test_no_state_asks_anything_of_another_origin_or_breaks_the_security_policy(
    seen: Seen, running_server: str
) -> None:
    assert len(seen.requests) > 100
    assert [url for url in seen.requests if not url.startswith((f"{running_server}/", "blob:", "data:"))] == []
    assert [line for line in seen.console if "Content Security Policy" in line] == []


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_tab_comes_to_every_control_in_order_and_its_focus_is_seen(
    size: tuple[int, int], browser: Browser, running_server: str
) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": size[0], "height": size[1]})
    visit = Visit(context.new_page(), running_server)
    visit.open("compare=natural:demo-2024")

    faults = []
    for tab in visit.page.get_by_role("tab").all():
        tab.click()
        open_details(visit)
        faults += [f"{tab.inner_text()}: {fault}" for fault in walk(visit.page)]

    assert faults == []
    context.close()
