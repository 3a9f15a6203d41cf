"""What a visitor does on the page, and what there is to see of it from outside."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence

from PIL import Image
from playwright.sync_api import Locator, Page, Request, expect

QUIET_MS, STEP_MS = 500, 50

Colour = tuple[int, int, int]


class Visit:
    """One visitor. requests: addresses asked for since the start; errors: lines on the console, and exceptions."""

    def __init__(self, page: Page, server: str) -> None:
        self.page = page
        self.server = server.rstrip("/")
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._under_way = 0
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.on("requestfailed", self._end)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None)

    def open(self, state: str = "") -> None:
        """Opens the page on any tab and waits until map and legend are there. state: fields of the hash, without #."""
        self.page.goto(f"{self.server}/#{state}")
        expect(self.page.locator("#legend li").first).to_be_attached()
        self.settle()

    def settle(self) -> None:
        """Waits until nothing is asked for during half a second; "networkidle" knows the first time only."""
        quiet_ms = 0
        while quiet_ms < QUIET_MS:
            asked = len(self.requests)
            self.page.wait_for_timeout(STEP_MS)
            # A page at work may still be about to ask. Chromium may never call one idle under a pointer that rests.
            self.page.evaluate("new Promise((idle) => requestIdleCallback(idle, { timeout: 1000 }))")
            quiet_ms = quiet_ms + STEP_MS if self._under_way == 0 and len(self.requests) == asked else 0

    def _begin(self, request: Request) -> None:
        self.requests.append(request.url)
        self._under_way += _ends(request)

    def _end(self, request: Request) -> None:
        self._under_way -= _ends(request)

    def map_centre(self) -> tuple[float, float]:
        """Pixel position (x, y) of the centre of the map in the window."""
        box = self.page.locator("#map").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def colours(self, half_px: int = 150) -> Counter[Colour]:
        """Pixels per colour in a square around the centre of the map, the pointer being elsewhere."""
        x, y = self.map_centre()
        self.page.mouse.move(5, 5)
        clip = {"x": x - half_px, "y": y - half_px, "width": 2 * half_px, "height": 2 * half_px}
        image = Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")
        return Counter(image.get_flattened_data())

    def legend(self) -> list[dict[str, str]]:
        """Classes of the layer on the map, as the API tells them."""
        layer = self.page.locator("#layer").input_value()
        answer = self.page.request.get(f"{self.server}/api/collections/{layer}/legend.json")
        classes: list[dict[str, str]] = answer.json()["classes"]
        return [entry for entry in classes if entry["value"]]

    def legend_row(self, title: str) -> Locator:
        """The switch of a class."""
        return self.page.locator("#legend").get_by_label(title, exact=True)

    def draw(self, offsets_px: Sequence[tuple[int, int]]) -> None:
        """Draws a polygon by mouse around the centre of the map, ended by a double click; on a page of any language."""
        self.page.locator("#tab-predict").click()
        self.page.locator("#draw-polygon").click()
        x, y = self.map_centre()
        for dx, dy in offsets_px[:-1]:
            self.page.mouse.click(x + dx, y + dy)
        dx, dy = offsets_px[-1]
        self.page.mouse.dblclick(x + dx, y + dy)


def rgb(colour: str) -> Colour:
    """`#rrggbb` as numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _ends(request: Request) -> bool:
    """Whether a request ends by itself: a stream of events does not."""
    return request.resource_type != "eventsource"
