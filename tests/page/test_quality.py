"""How good a layer is, on the page: its figures beside it, and the way to the report."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, select, update

from app.database import LayerQualityRow, LayerRow, Sessions, now_s
from app.database.engine import connect
from app.demo import LAYER
from app.quality import publish_report
from tests.page.visit import Visit
from tests.quality.reports import report_of
from tests.service import Service

SEEN_WITHIN_S = 20


@pytest.fixture
def evaluated(running_service: Service) -> Iterator[None]:
    """The demonstration layer with a report for as long as the test lasts; others find it as it was."""
    engine = connect(f"sqlite:///{running_service.folder / 'cosia.sqlite'}")
    sessions = Sessions(engine)
    with sessions.read() as session:
        version = session.scalars(select(LayerRow.version).where(LayerRow.id == LAYER)).one()
    publish_report(sessions, report_of(LAYER, version, "Demonstration"))
    yield
    with sessions.write() as session:
        session.execute(delete(LayerQualityRow))
        session.execute(update(LayerRow).where(LayerRow.id == LAYER).values(published_at=now_s()))
    engine.dispose()


def test_figures_stand_beside_the_layer_and_lead_to_the_report_in_the_language_of_the_page(
    evaluated: None, visit: Visit
) -> None:
    wait_for_figures(visit)
    visit.open()
    quality = visit.page.locator("#quality")

    expect(quality).to_contain_text("Overall accuracy 75.0%, mean IoU 38.8%.")  # (10/15 + 5/10 + 0) / 3
    assert not [url for url in visit.requests if "quality" in url]
    with visit.page.context.expect_page() as opened:
        quality.get_by_role("link", name="Quality report").click()
    expect(opened.value.locator("h1")).to_have_text("Quality of Demonstration")
    assert opened.value.locator("svg").count() == 3

    visit.page.get_by_role("button", name="Français").click()
    expect(quality).to_contain_text("Exactitude globale 75,0")
    with visit.page.context.expect_page() as opened:
        quality.get_by_role("link", name="Rapport de qualité").click()
    expect(opened.value.locator("h1")).to_have_text("Qualité : Demonstration")
    assert visit.errors == []


def test_a_layer_that_nobody_evaluated_shows_no_figures(visit: Visit) -> None:
    wait_for_figures(visit, there=False)
    visit.open()

    expect(visit.page.locator("#quality")).to_be_hidden()


def wait_for_figures(visit: Visit, *, there: bool = True) -> None:
    """Until the service, which looks every two seconds, says what is in its database."""
    deadline = time.monotonic() + SEEN_WITHIN_S
    address = f"{visit.server}/api/collections/{LAYER}"
    while bool(visit.page.request.get(address).json()["cosia:quality"]) != there:
        assert time.monotonic() < deadline, "the service does not see the report"
        visit.page.wait_for_timeout(200)
