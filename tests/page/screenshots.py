"""Pictures of the page's main states for the documentation: `python -m tests.page.screenshots http://127.0.0.1:8000`.

Each state is reached as a visitor reaches it, in a service with its demonstration; docs/screenshots is written anew.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.components import require
from tests.page.browser import chromium
from tests.page.states import BOW_TIE
from tests.page.visit import Visit

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
VILLAGE = "view=17.20/43.55960/3.26360"
ZONE = "POLYGON((3.2612 43.5579, 3.2659 43.5582, 3.2655 43.5609, 3.2617 43.5606, 3.2612 43.5579))"
FIELDS = "view=17.20/43.55500/3.26900"
FIELDS_ZONE = "POLYGON((3.2668 43.5536, 3.2712 43.5533, 3.2716 43.5562, 3.2672 43.5566, 3.2668 43.5536))"
JOB_MS = 300_000
# WebP: PNGs of a map full of photographs would be a megabyte each.
QUALITY = 82


def main(server: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    with chromium(require("chromium")) as browser:
        _looks(browser, server)
        _zone(browser, server)
        _screens(browser, server)


def _visit(browser: Browser, server: str, **screen: Any) -> Visit:
    context = browser.new_context(locale="en-GB", **{**DESKTOP, **screen})
    return Visit(context.new_page(), server)


def _save(visit: Visit, name: str) -> None:
    visit.settle()
    picture = Image.open(io.BytesIO(visit.page.screenshot())).convert("RGB")
    picture.save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)


def _looks(browser: Browser, server: str) -> None:
    """What the Map tab can show."""
    visit = _visit(browser, server)
    visit.open()
    visit.page.mouse.move(*visit.map_centre())
    _save(visit, "map")
    visit.open(f"{VILLAGE}&look=patterns&families=yes&opacity=80")
    _save(visit, "patterns-of-families")
    visit.open(f"{VILLAGE}&look=confidence&opacity=100")
    _save(visit, "confidence")
    visit.open(f"{VILLAGE}&opacity=75&compare=infrared:demo-2024")
    _save(visit, "divider")


def _zone(browser: Browser, server: str) -> None:
    """An area from text: its figures, its prediction, its results."""
    visit = _visit(browser, server)
    page = visit.page
    visit.open(f"{VILLAGE}&opacity=50&tab=zone")
    _paste(visit, ZONE)
    expect(page.locator("#zone-areas tbody tr").first).to_be_visible()
    page.locator("#paste-zone").evaluate("details => { details.open = false }")
    _save(visit, "area")

    fresh = _visit(browser, server)
    page = fresh.page
    fresh.open(f"{FIELDS}&opacity=50&tab=predict")
    _paste(fresh, FIELDS_ZONE)
    expect(page.locator("#estimate")).to_contain_text(re.compile("block|computed"))
    page.locator("#launch").click()
    expect(page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    expect(page.locator("#areas-body tr").first).to_be_visible()
    _save(fresh, "results")
    page.locator("#tab-share").click()
    page.mouse.move(*fresh.map_centre())
    _save(fresh, "share")


def _paste(visit: Visit, text: str) -> None:
    visit.page.locator("#paste-zone").evaluate("details => { details.open = true }")
    visit.page.locator("#pasted").fill(text)
    visit.page.locator("#use-pasted").click()


def _screens(browser: Browser, server: str) -> None:
    """The same page on other screens."""
    dark = _visit(browser, server, color_scheme="dark")
    dark.open(f"{VILLAGE}&background=infrared&opacity=35&tab=zone")
    _paste(dark, BOW_TIE)
    expect(dark.page.locator("#zone-error")).to_be_visible()
    _save(dark, "refusal-in-the-dark")
    forced = _visit(browser, server, color_scheme="dark", forced_colors="active")
    forced.open(f"{VILLAGE}&tab=predict")
    _save(forced, "forced-colours")
    phone = _visit(browser, server, **PHONE)
    phone.open("view=16.20/43.55960/3.26360")
    phone.page.touchscreen.tap(*phone.map_centre())
    _save(phone, "phone")


if __name__ == "__main__":
    main(sys.argv[1])
