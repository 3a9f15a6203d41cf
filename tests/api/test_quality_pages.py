"""The language of a report's page: what the reader says, else what the browser prefers, else French."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.api.languages import language_of
from app.database import LayerRow, sessions
from app.definitions import Language
from app.quality import publish_report
from tests.conftest import forget_settings
from tests.quality.reports import report_of

PAGE = "/api/collections/town/quality.html"


@pytest.fixture
def evaluated(published_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The service over layers of its own, the town with a report."""
    monkeypatch.setenv("COSIA_DATA", str(shutil.copytree(published_folder, tmp_path / "evaluated")))
    forget_settings()
    with sessions().read() as session:
        version = session.scalars(select(LayerRow.version).where(LayerRow.id == "town")).one()
    publish_report(sessions(), report_of("town", version, "Town"))
    from app.main import create_app

    with TestClient(create_app(), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, Language.FRENCH),
        ("de-DE,de;q=0.9", Language.FRENCH),
        ("*", Language.FRENCH),
        ("en-GB,en;q=0.9,fr;q=0.8", Language.ENGLISH),
        ("de, fr;q=0.5, EN;q=0.7", Language.ENGLISH),
        ("en;q=0, fr;q=0.1", Language.FRENCH),
        ("en;q=much, fr;q=0.1", Language.FRENCH),
        ("en;q=nan, fr;q=0.1", Language.FRENCH),
        ("fr;level=1, en;q=0.9", Language.FRENCH),
        (",;q=,en", Language.ENGLISH),
    ],
)
def test_the_language_is_the_first_of_the_browsers_that_we_speak(accepted: str | None, language: Language) -> None:
    headers = [(b"accept-language", accepted.encode())] if accepted else []

    assert language_of(Request({"type": "http", "headers": headers}), None) is language


def test_page_is_in_the_language_of_its_reader_and_kept_apart_from_the_other(evaluated: TestClient) -> None:
    preferred = evaluated.get(PAGE, headers={"Accept-Language": "en"})
    asked = evaluated.get(f"{PAGE}?lang=fr", headers={"Accept-Language": "en"})
    again = evaluated.get(f"{PAGE}?lang=fr", headers={"If-None-Match": asked.headers["etag"]})
    other = evaluated.get(f"{PAGE}?lang=en", headers={"If-None-Match": asked.headers["etag"]})

    assert '<html lang="en">' in preferred.text
    assert '<html lang="fr">' in asked.text
    assert [each.headers["content-language"] for each in (preferred, asked)] == ["en", "fr"]
    assert {each.headers["vary"] for each in (preferred, asked, again)} == {"Accept-Language"}
    assert (again.status_code, other.status_code) == (304, 200)


@pytest.mark.parametrize("query", ["?lang=de", "?lang=", "?language=fr", "?lang=fr&lang=en"])
def test_another_language_or_parameter_is_refused(published: TestClient, query: str) -> None:
    answer = published.get(PAGE + query)

    assert answer.status_code == 400
    assert "lang" in answer.json()["detail"]
