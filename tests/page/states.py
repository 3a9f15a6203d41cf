"""The main states of the page, one after another in one visit, for checks that every state must pass.

Tabs, `<details>` and dialogs are found in the page: new ones join by themselves.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import expect

from tests.page.visit import Visit

TRIANGLE = "POLYGON((3.2600 43.5580, 3.2608 43.5580, 3.2604 43.5586, 3.2600 43.5580))"
BOW_TIE = "POLYGON((3.2600 43.5580, 3.2608 43.5586, 3.2608 43.5580, 3.2600 43.5586, 3.2600 43.5580))"
_VIEW = "view=16.00/43.55920/3.26360"
_JOB_WITHIN_S = 120


def main_states(visit: Visit, job_id: str) -> Iterator[str]:
    """Brings the page into one state after another, and gives the name of each. job_id: of one that succeeded."""
    page = visit.page
    visit.open(_VIEW)
    page.mouse.move(*visit.map_centre())  # what is read there is shown from now on
    for tab in page.get_by_role("tab").all():
        tab.click()
        open_details(visit)
        yield f"tab {tab.inner_text()}"
        yield from _dialogs(visit)

    page.locator("#tab-map").click()
    page.locator("#legend-definitions").click()
    page.locator("#look").select_option("patterns")
    page.locator("#compare").select_option(index=1)
    expect(page.locator("#swipe")).to_be_visible()
    visit.settle()
    yield "divider, patterns, definitions"

    page.locator("#look").select_option("confidence")
    page.route("**/tiles/**", lambda route: route.abort())
    for _ in range(2):
        page.locator("#zoom-in").click()
    expect(page.locator("#map-notice")).to_be_visible()
    yield "confidence, tiles that do not come"
    page.unroute("**/tiles/**")
    page.locator("#map-retry").click()

    yield from _searches(visit)

    visit.open(f"{_VIEW}&tab=predict")
    page.locator("#draw-polygon").click()
    x, y = visit.map_centre()
    for dx, dy in ((-20, -60), (30, -50), (0, -20)):
        page.mouse.click(x + dx, y + dy)
    yield "drawing"
    page.keyboard.press("Escape")

    for state, zone, slot in (("zone refused", BOW_TIE, "#zone-error"), ("estimate", TRIANGLE, "#estimate")):
        page.locator("#tab-predict").click()
        page.locator("#paste-zone").evaluate("details => { details.open = true }")
        page.locator("#pasted").fill(zone)
        page.locator("#use-pasted").click()
        expect(page.locator(slot)).to_have_text(re.compile("[^…]$"))
        yield state

    page.locator("#edit-zone").click()
    expect(page.locator("#drawbar")).to_be_visible()
    yield "zone being changed"
    page.keyboard.press("Escape")

    running = _running(page.request.get(f"{visit.server}/api/jobs/{job_id}").json())
    page.route(f"**/api/jobs/{job_id}*", lambda route: route.fulfill(json=running))
    page.route(f"**/api/jobs/{job_id}/events*", lambda route: route.abort())
    visit.open(f"job={job_id}&tab=predict")
    expect(page.locator("#job-bar")).to_be_visible()
    yield "job that runs"
    page.unroute_all(behavior="ignoreErrors")

    visit.open("view=10.00/45.00/5.00")
    expect(page.locator("#unmapped")).to_be_visible()
    yield "view that is not mapped"
    visit.open(f"job={job_id}&tab=predict")
    expect(page.locator("#areas-body tr").first).to_be_visible()
    yield "results"


def predicted(visit: Visit) -> str:
    """The id of a small job of the visitor's that has succeeded."""
    corners = [[3.2600, 43.5580], [3.2608, 43.5580], [3.2604, 43.5586], [3.2600, 43.5580]]
    inputs = {"inputs": {"aoi": {"type": "Polygon", "coordinates": [corners]}}}
    request = visit.page.request
    answer = request.post(f"{visit.server}/api/processes/predict-land-cover/execution", data=inputs)
    job: dict[str, Any] = answer.json()
    deadline = time.monotonic() + _JOB_WITHIN_S
    while job["status"] != "successful":
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
        job = request.get(f"{visit.server}/api/jobs/{job['jobID']}").json()
    return str(job["jobID"])


def open_details(visit: Visit) -> None:
    """Opens everything that is folded away on the tab that is shown."""
    for summary in visit.page.locator("details:not([open]) > summary").all():
        if summary.is_visible():
            summary.click()


def _dialogs(visit: Visit) -> Iterator[str]:
    for button in visit.page.locator("[aria-haspopup=dialog]").all():
        if button.is_visible():
            button.click()
            yield f"dialog {button.inner_text()}"
            visit.page.keyboard.press("Escape")


def _searches(visit: Visit) -> Iterator[str]:
    field = visit.page.locator("#search-text")
    if not field.is_visible():
        visit.page.locator("#search-open").click()
    field.fill("saint")
    expect(visit.page.locator("#search-list [role=option]").first).to_be_visible()
    field.press("ArrowDown")
    yield "places found"
    field.fill("200 300")
    expect(visit.page.locator("#search-error")).to_be_visible()
    yield "coordinates that are not possible"


def _running(job: dict[str, Any]) -> dict[str, Any]:
    """The job as it may have been a moment before its end."""
    blocks = {"total": 8, "done": 3, "failed": 0, "reused": 0}
    return {**job, "status": "running", "message": "", "blocks": blocks, "seconds_left": 40}
