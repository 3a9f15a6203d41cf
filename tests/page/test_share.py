"""What is taken away from the page: links, addresses for other software, a frame in another site."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pypdf
from PIL import Image
from playwright.sync_api import Browser, expect

from app.demo import LAYER
from tests.page.visit import Visit, rgb
from tests.service import EMBEDDING_SITE

VIEW = "view=17.00/43.55920/3.26360"
PICTURE_MS = 60_000
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


def picture_of(visit: Visit) -> Image.Image:
    """The picture that the tab makes."""
    with visit.page.expect_download(timeout=PICTURE_MS) as download:
        visit.page.get_by_role("button", name="Picture (PNG)").click()
    assert re.fullmatch(rf"cosia-{LAYER}-\d{{4}}-\d\d-\d\d\.png", download.value.suggested_filename)
    return Image.open(download.value.path()).convert("RGB")


def test_the_picture_has_the_very_pixels_of_the_classes_and_their_legend(visit: Visit) -> None:
    visit.open(f"{VIEW}&opacity=100&background=none&tab=share")
    palette = {rgb(entry["colour"]): entry for entry in visit.legend()}
    box = visit.page.locator("#map").bounding_box()
    assert box is not None
    width, height = int(box["width"]), int(box["height"])
    address = visit.page.url
    sizes = {}
    for detail, factor in (("As on the screen", 1), ("Twice, for paper", 2)):
        visit.page.get_by_label("Detail").select_option(label=detail)
        picture = picture_of(visit)
        sizes[factor] = picture.size
        left, top = map_corner(picture)
        shown = picture.crop((left, top, left + width * factor, top + height * factor))
        colours = {colour for _, colour in shown.getcolors(1 << 24)}
        assert len(colours) > 3
        assert colours <= palette.keys()  # whole classes, none mixed, nothing written over them
        # Right of the map, a swatch of each class that is there and of no other.
        beside = picture.crop((left + width * factor + 2, top, picture.width, top + height * factor))
        assert {colour for _, colour in beside.getcolors(1 << 24)} & palette.keys() == colours
    assert sizes[2][0] > 1.9 * sizes[1][0]
    assert visit.page.url == address
    expect(visit.page.locator(".still")).to_have_count(0)
    assert visit.errors == []


def map_corner(picture: Image.Image) -> tuple[int, int]:
    """Upper left pixel of the map: the first that lies inside two lines of its outline."""
    outline = (107, 116, 113)
    pixels = picture.load()
    assert pixels is not None
    for y in range(picture.height - 50):
        for x in range(60):
            if all(pixels[x + step, y] == outline and pixels[x, y + step] == outline for step in range(50)):
                return x + 1, y + 1
    raise AssertionError("the picture has no outlined map")


def test_a_page_is_printed_with_map_legend_and_sources_on_one_sheet(visit: Visit, tmp_path: Path) -> None:
    visit.open(f"{VIEW}&opacity=100&background=none&look=patterns&tab=share")
    visit.page.get_by_label("Title").fill("Plan of the village")
    for landscape in (True, False):
        path = tmp_path / f"{landscape}.pdf"
        visit.page.pdf(path=path, format="A4", landscape=landscape)

        (sheet,) = pypdf.PdfReader(path).pages
        text = " ".join(sheet.extract_text().split())
        for words in ("Plan of the village", "Demonstration data", "Building", "Lambert-93", "Licence Ouverte"):
            assert words in text
        assert f"{visit.server}/#{VIEW}" in text.replace(" ", "")
        assert "Share" not in text
        assert (sheet.mediabox.width > sheet.mediabox.height) == landscape


def test_a_picture_of_the_area_has_nothing_around_it_and_its_square_metres(visit: Visit) -> None:
    visit.open(f"{VIEW}&opacity=100&background=none")
    visit.draw([(-150, -100), (150, -100), (150, 100), (-150, 100)])
    visit.page.get_by_role("tab", name="Share").click()
    visit.page.locator("#picture-what").select_option("zone")
    visit.page.evaluate("() => { window.print = () => {}; }")

    visit.page.get_by_role("button", name="Print or PDF").click()
    expect(visit.page.locator("#paper-rows tr").first).to_be_attached(timeout=PICTURE_MS)

    # What the service counts in the zone that the page sent it.
    zone = visit.page.evaluate("sessionStorage.getItem('cosia.zone')")
    counted = visit.page.request.post(
        f"{visit.server}/api/collections/{LAYER}/areas",
        data=zone,
        headers={"Content-Type": "application/geo+json"},
    ).json()
    largest = max(counted["classes"], key=lambda row: row["area_m2"])
    visit.page.emulate_media(media="print")
    row = visit.page.locator("#paper-rows tr").first
    expect(row.get_by_role("rowheader")).to_have_text(largest["title_en"].capitalize())
    expect(row).to_contain_text(f"{100 * largest['share']:.1f}%")
    expect(visit.page.locator("#paper-under")).to_contain_text(re.compile(r"Area: \d.* ha\."))
    expect(visit.page.locator("#app")).to_be_hidden()


def test_a_picture_that_lacks_tiles_says_so(visit: Visit) -> None:
    visit.open(f"{VIEW}&tab=share")
    visit.page.route("**/tiles/**", lambda route: route.abort())
    visit.page.get_by_label("Detail").select_option(label="Twice, for paper")

    picture_of(visit)

    expect(visit.page.locator("#picture-error")).to_have_text("A part of the map could not be loaded.")
    expect(visit.page.get_by_role("button", name="Picture (PNG)")).to_be_enabled()


def test_all_there_is_to_know_of_a_layer_is_one_click_away(visit: Visit) -> None:
    visit.open()
    button = visit.page.get_by_role("button", name="About this layer")
    button.focus()
    visit.page.keyboard.press("Enter")

    card = visit.page.get_by_role("dialog")
    expect(card).to_contain_text("Demonstration data")
    expect(card).to_contain_text("Orthophoto de démonstration 2021")
    expect(card).to_contain_text("not compared with references")
    expect(card.get_by_role("heading", name="Known weaknesses")).to_be_visible()
    assert card.get_by_role("listitem").count() > 3
    expect(card.get_by_role("link", name="Licence Ouverte")).to_have_attribute("rel", "noopener")
    data = card.get_by_role("link", name="GeoTIFF").get_attribute("href")
    assert data is not None
    assert visit.page.request.get(data).json()["id"] == LAYER

    visit.page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(button).to_be_focused()
