"""The page in French: what the service says is told in French too, and told again when the language changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.database import JobRow, Sessions, connect
from tests.page.test_prediction import JOB_MS, ZONE
from tests.page.visit import Visit
from tests.service import Service

BOW_TIE = [(-60, -50), (60, 50), (60, -50), (-60, 50)]
BESIDE_THE_ZONE = "#zone-field #zone-error"


@pytest.fixture
def visit(browser: Browser, running_server: str) -> Iterator[Visit]:
    """A new visitor, in French."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="fr-FR")
    yield Visit(context.new_page(), running_server)
    context.close()


def change_language(visit: Visit) -> None:
    visit.page.locator("#language").click()


def test_a_zone_that_crosses_itself_is_refused_in_the_language_of_the_page(visit: Visit) -> None:
    visit.open()
    visit.draw(BOW_TIE)
    refusal = visit.page.locator("#draw-error")  # of the page itself
    french = re.compile(
        r"^le polygone n’est pas valide\s: le contour se croise à la longitude \d,\d+, latitude \d\d,\d+"
    )
    expect(refusal).to_have_text(french)
    change_language(visit)
    expect(refusal).to_have_text(re.compile(r"^the polygon is not valid: self-intersection at longitude"))
    change_language(visit)
    expect(refusal).to_have_text(french)

    visit.page.keyboard.press("Escape")
    visit.page.get_by_text("Coller une géométrie").click()
    visit.page.locator("#pasted").fill("POLYGON ((3.2 43.5, 3.21 43.51, 3.21 43.5, 3.2 43.51, 3.2 43.5))")
    visit.page.locator("#use-pasted").click()
    refusal = visit.page.locator(BESIDE_THE_ZONE)  # of the service, in the same words
    expect(refusal).to_have_text(french)
    change_language(visit)
    expect(refusal).to_have_text(re.compile(r"^the polygon is not valid: self-intersection at longitude"))


def test_a_zone_that_is_too_large_is_refused_with_its_area_in_french(visit: Visit) -> None:
    visit.open("view=11.00/43.55/3.26")
    visit.draw([(-200, -200), (200, -200), (200, 200), (-200, 200)])

    expect(visit.page.locator(BESIDE_THE_ZONE)).to_have_text(
        re.compile(r"^la zone fait \d+,\d\d\skm², la limite est de 25\skm²\s: dessinez-en une plus petite")
    )


def test_a_job_that_failed_says_why_in_the_language_of_the_page(visit: Visit, running_service: Service) -> None:
    visit.open()
    visit.draw(ZONE)
    visit.page.get_by_role("button", name="Lancer la prédiction").click()
    expect(visit.page.locator("#job-status")).to_have_text("Terminée", timeout=JOB_MS)
    job_id = visit.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('job')")
    # What workers that were lost leave.
    reason = "1 of 1 blocks failed: the worker was lost 3 times while it computed this block"
    engine = connect(f"sqlite:///{running_service.folder / 'cosia.sqlite'}")
    with Sessions(engine).write() as session:
        session.execute(update(JobRow).where(JobRow.id == job_id).values(status="failed", message=reason))
    engine.dispose()

    visit.page.reload()

    why = visit.page.locator("#job-error")
    expect(why).to_have_text(
        re.compile(r"^blocs en échec\s: 1 sur 1\s; le calculateur a été perdu 3 fois pendant le calcul de ce bloc$")
    )
    change_language(visit)
    expect(why).to_have_text(reason)
