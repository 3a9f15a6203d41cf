"""What is taken away from the page: links, addresses for other software, a frame in another site."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Browser, expect

from app.demo import LAYER
from tests.page.visit import Visit
from tests.service import EMBEDDING_SITE

VIEW = "view=17.00/43.55920/3.26360"
SEEN = f"{VIEW}&opacity=100&background=none&look=distinguishable&families=yes&hidden=9"


def shared(visit: Visit, field: str) -> str:
    """The text of a field of the tab."""
    return visit.page.locator(f"{field} :is(input, textarea)").input_value()


def test_the_link_shows_others_what_is_seen(visit: Visit, browser: Browser) -> None:
    visit.open(SEEN)
    colours = visit.colours()
    visit.page.get_by_role("tab", name="Share").click()

    link = shared(visit, "#share-link")
    address, fields = link.split("#")
    assert address == f"{visit.server}/"
    assert fields.split("&") == [VIEW, f"layer={LAYER}", *SEEN.removeprefix(f"{VIEW}&").split("&")]

    other = Visit(browser.new_context(viewport={"width": 1280, "height": 800}, locale="fr-FR").new_page(), visit.server)
    other.open(fields)
    assert other.page.locator("#tab-map").get_attribute("aria-selected") == "true"
    assert other.colours() == colours
    other.page.context.close()


def test_every_address_is_copied_by_its_button_and_answers(visit: Visit) -> None:
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.open("tab=share")
    expected = {
        "wmts": "application/xml",
        "tilejson": "application/json",
        "ogc": "application/json",
        "stac": "application/json",
    }
    for name, media_type in expected.items():
        visit.page.locator(f"details:has(#software-{name}) > summary").click()
        visit.page.locator(f"#software-{name}").get_by_role("button", name="Copy").click()
        expect(visit.page.locator(f"#software-{name} button")).to_have_text("Copied")
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        answer = visit.page.request.get(copied)
        assert answer.ok, copied
        assert answer.headers["content-type"].startswith(media_type)

    assert f"<ows:Identifier>{LAYER}<" in visit.page.request.get(shared(visit, "#software-wmts")).text()
    assert shared(visit, "#software-name") == LAYER
    tiles = json.loads(visit.page.request.get(shared(visit, "#software-tilejson")).body())["tiles"]
    assert tiles == [shared(visit, "#software-xyz")]
    visit.page.get_by_text("QGIS", exact=True).click()
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Layer definition").click()
    assert "<!DOCTYPE qgis-layer-definition>" in download.value.path().read_text()
    assert visit.errors == []


def test_a_site_that_the_operator_named_shows_the_map_in_a_frame_and_no_other_does(
    visit: Visit,
) -> None:
    # Chromium asks before what seems to come from elsewhere looks at this machine.
    visit.page.context.grant_permissions(["local-network-access"])
    visit.open(f"{SEEN}&tab=share")
    snippet = shared(visit, "#share-embed")
    assert f'src="{visit.server}/embed#{VIEW.split("&")[0]}' in snippet
    expect(visit.page.locator("#share-embed-note")).to_contain_text(EMBEDDING_SITE)

    def open_in(site: str) -> None:
        visit.page.route(f"{site}/", lambda route: route.fulfill(body=snippet, content_type="text/html"))
        visit.page.goto(f"{site}/")

    open_in(EMBEDDING_SITE)
    frame = visit.page.frame_locator("iframe")
    legend = frame.get_by_role("button", name="Legend")
    legend.wait_for()
    expect(frame.locator("#panel")).to_be_hidden()
    expect(frame.get_by_label("Building")).to_be_hidden()
    legend.click()
    expect(frame.locator("#legend li").first).to_be_visible()
    legend.press("Escape")
    expect(frame.locator("#legend li").first).to_be_hidden()
    link = frame.get_by_role("link", name="Open in CoSIA Map").get_attribute("href")
    assert link is not None
    assert re.match(re.escape(f"{visit.server}/#{VIEW}&layer={LAYER}&opacity=100"), link)

    visit.errors.clear()
    open_in("http://elsewhere.localhost:8199")
    expect(visit.page.frame_locator("iframe").locator("#map")).to_have_count(0)
    assert any("frame-ancestors" in line for line in visit.errors)
