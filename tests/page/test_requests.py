"""The predictions of a visitor: one for however many tabs, the list of them, and what befalls one that is looked at."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, Response, Route, expect
from sqlalchemy import update

from app.database import JobRow, Sessions, connect
from tests.page.test_prediction import JOB_MS, ZONE
from tests.page.vintages import TITLE, later_vintage
from tests.page.visit import Visit
from tests.service import Service

STATUS = "#job-status"


def launch(visit: Visit, source: str = "demo-2021") -> str:
    """Draws the zone and launches; gives the id of the job. The blocks of 2021 are there: it ends at once."""
    visit.open()
    visit.draw(ZONE)
    visit.page.get_by_label("Imagery to interpret").select_option(source)
    return launched(visit.page)


def launched(page: Page) -> str:
    expect(page.locator("#estimate")).not_to_have_text(re.compile("Estimating|^$"))
    with page.expect_response("**/execution") as answer:
        page.get_by_role("button", name="Launch").click()
    return id_of(answer.value)


def id_of(answer: Response) -> str:
    job_id: str = answer.json()["jobID"]
    return job_id


def test_two_tabs_that_ask_for_the_same_make_one_job(visit: Visit) -> None:
    visit.open()
    visit.draw(ZONE)
    expect(visit.page.locator("#estimate")).not_to_have_text(re.compile("Estimating|^$"))
    held: list[Route] = []
    visit.page.route("**/execution", lambda route: held.append(route))
    with visit.page.expect_request("**/execution"):
        visit.page.get_by_role("button", name="Launch").click()
    other = Visit(visit.page.context.new_page(), visit.server)
    other.page.goto(visit.page.url)
    other.settle()

    job_id = launched(other.page)
    with visit.page.expect_response("**/execution") as answer:
        held[0].continue_()
    assert id_of(answer.value) == job_id
    expect(visit.page).to_have_url(re.compile(f"job={job_id}"))
    expect(visit.page.locator("#requests-count")).to_have_text(re.compile(r"^\(1\b"))


def test_requests_are_listed_opened_and_forgotten(visit: Visit) -> None:
    page = visit.page
    launch(visit)
    expect(page.locator(STATUS)).to_have_text("Finished", timeout=JOB_MS)
    page.get_by_role("button", name="New prediction").click()
    page.reload()
    visit.settle()

    page.locator("#requests summary").click()
    rows = page.locator("#requests-list li")
    expect(rows).to_have_count(1)
    expect(rows.locator(".status")).to_have_text("Finished")
    rows.locator(".request").press("Enter")
    expect(page.locator("#areas-body tr").first).to_be_visible()
    rows.get_by_role("button", name="Forget").click()
    expect(page.locator("#requests")).to_be_hidden()
    expect(page.locator(STATUS)).to_have_text("Finished")  # it is still there, and looked at


def test_a_prediction_that_failed_is_run_again(visit: Visit, running_service: Service) -> None:
    page = visit.page
    job_id = launch(visit)
    expect(page.locator(STATUS)).to_have_text("Finished", timeout=JOB_MS)
    engine = connect(f"sqlite:///{running_service.folder / 'cosia.sqlite'}")
    with Sessions(engine).write() as session:
        lost = "the results could not be written: the storage is full"
        session.execute(update(JobRow).where(JobRow.id == job_id).values(status="failed", message=lost))
    engine.dispose()
    page.reload()
    expect(page.locator("#job-error")).to_have_text(lost)

    with page.expect_response("**/execution") as answer:
        page.get_by_role("button", name="Run again").first.click()

    assert id_of(answer.value) != job_id
    expect(page.locator(STATUS)).to_have_text("Finished", timeout=JOB_MS)
    expect(page.locator("#requests-count")).to_have_text("(2)")


def test_a_service_that_goes_away_is_waited_for_and_a_job_that_is_gone_leaves_the_map(visit: Visit) -> None:
    page = visit.page
    state = "running"
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if state == "away" or "/events" in route.request.url:
            route.abort()
        elif state == "gone":
            problem = {"type": "about:blank", "status": 404, "detail": "there is no job of that id"}
            route.fulfill(status=404, body=json.dumps(problem), content_type="application/problem+json")
        else:
            status = route.fetch().json()
            route.fulfill(json={**status, "status": "running", "progress": 40})

    page.route(re.compile(r"/api/jobs/\w+(/events.*)?$"), answer)
    page.clock.install()
    job_id = launch(visit)
    expect(page.locator(STATUS)).to_have_text("Running")
    visit.settle()
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)

    state = "away"
    asked.clear()
    page.route("**/tiles/**", lambda route: route.abort())
    tiles = [url for url in visit.requests if "/tiles/" in url]
    passed_s = 5
    for pause_s in (5, 10, 20):
        page.clock.run_for(1000 * passed_s)
        expect(page.locator("#job-error")).to_contain_text(f"next try in {pause_s} s")
        passed_s = pause_s
    assert len([url for url in asked if "/events" not in url]) == 3
    assert [url for url in visit.requests if "/tiles/" in url] == tiles
    expect(page.locator(STATUS)).to_have_text("Running")

    state = "running"
    page.clock.run_for(20_000)
    expect(page.locator("#job-error")).to_be_hidden()

    state = "gone"
    page.clock.resume()
    expect(page.locator(STATUS)).to_have_text("Gone")
    expect(page.locator("#job-error")).to_contain_text("does not exist")
    expect(page.locator("#requests-list .status")).to_have_text("Gone")
    assert f"/api/jobs/{job_id}" in asked[0]


def test_what_is_published_meanwhile_is_offered_and_what_is_not_any_more_leaves(
    visit: Visit, running_service: Service, tmp_path: Path
) -> None:
    page = visit.page
    visit.open()
    come_back = "document.dispatchEvent(new Event('visibilitychange'))"
    with later_vintage(running_service, tmp_path):
        page.evaluate(come_back)
        # Whoever looks at a layer goes on looking at it.
        expect(page.locator("#layer option")).to_have_count(2)
        assert page.locator("#layer option:checked").inner_text() != TITLE
        page.locator("#layer").select_option(label=TITLE)
        visit.settle()

    page.evaluate(come_back)

    expect(page.locator("#map-notice-text")).to_contain_text(TITLE)
    expect(page.locator("#layer option")).to_have_count(1)
    expect(page.locator("#layer-error")).to_be_hidden()
