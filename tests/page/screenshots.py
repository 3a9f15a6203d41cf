"""Pictures of the page's main states for the documentation: `python -m tests.page.screenshots http://127.0.0.1:8000`.

Each state is reached as a visitor reaches it; the pictures are written to docs/screenshots.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize, expect

from tests.components import require
from tests.page.browser import chromium
from tests.page.visit import Visit

FOLDER = Path(__file__).parents[2] / "docs/screenshots"
ZONE = [(-160, -150), (190, -120), (150, 170), (-110, 140)]
JOB_MS = 300_000


def main(server: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium(require("chromium")) as browser:
        _map(browser, server)
        _prediction(browser, server)
        _phone(browser, server)


def _visit(browser: Browser, server: str, width: int, height: int, *, dark: bool = False) -> Visit:
    viewport: ViewportSize = {"width": width, "height": height}
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(viewport=viewport, locale="en-GB", color_scheme=scheme)
    return Visit(context.new_page(), server)


def _save(visit: Visit, name: str) -> None:
    visit.page.wait_for_load_state("networkidle")
    visit.page.screenshot(path=FOLDER / f"{name}.png")


def _map(browser: Browser, server: str) -> None:
    visit = _visit(browser, server, 1440, 900)
    visit.open()
    visit.page.mouse.move(*visit.map_centre())
    _save(visit, "map")
    dark = _visit(browser, server, 1440, 900, dark=True)
    dark.open("background=infrared&opacity=35")
    _save(dark, "infrared-dark")


def _prediction(browser: Browser, server: str) -> None:
    visit = _visit(browser, server, 1440, 900)
    visit.open("opacity=30&tab=predict")
    visit.page.get_by_role("button", name="Polygon").click()
    x, y = visit.map_centre()
    for dx, dy in ZONE[:-1]:
        visit.page.mouse.click(x + dx, y + dy)
    visit.page.mouse.move(x + ZONE[-1][0], y + ZONE[-1][1])
    _save(visit, "drawing")
    visit.page.mouse.dblclick(x + ZONE[-1][0], y + ZONE[-1][1])
    expect(visit.page.locator("#estimate")).to_contain_text("block")
    _save(visit, "estimate")
    visit.page.get_by_role("button", name="Launch").click()
    expect(visit.page.locator("#job-status")).to_have_text(re.compile("Running|Finished"), timeout=JOB_MS)
    visit.page.screenshot(path=FOLDER / "running.png")
    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    expect(visit.page.locator("#areas-body tr").first).to_be_visible()
    _save(visit, "result")


def _phone(browser: Browser, server: str) -> None:
    visit = _visit(browser, server, 390, 844)
    visit.open()
    _save(visit, "phone")


if __name__ == "__main__":
    main(sys.argv[1])
