"""In which language an answer's sentences are told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app import jobs
from app.database import sessions
from tests.api.test_processes import AREA, BOW_TIE, LARGE, PROCESS, execute

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}

PYDANTIC = re.compile(r"\b(Input|String|Unable|Field|Value|List) ")
"""How its sentences begin."""


@pytest.fixture
def job_id(service: TestClient) -> str:
    job_id: str = execute(service, {"aoi": AREA, "model": "tiny"}).json()["jobID"]
    return job_id


def test_a_problem_is_told_in_the_language_that_the_request_accepts(service: TestClient) -> None:
    asked = {"json": {"inputs": {"aoi": BOW_TIE}}}
    english = service.post(f"{PROCESS}/estimate", **asked)
    french = service.post(f"{PROCESS}/estimate", **asked, headers=FRENCH)

    assert (english.status_code, english.json()["title"]) == (400, "The request cannot be used")
    assert english.json()["detail"].startswith("the polygon is not valid: self-intersection")
    assert english.headers["Content-Language"] == "en"
    assert (french.status_code, french.json()["title"]) == (400, "La requête n’est pas utilisable")
    assert french.json()["detail"].startswith("le polygone n’est pas valide\N{NO-BREAK SPACE}: le contour se croise")
    assert french.headers["Content-Language"] == "fr"
    assert {answer.headers["Vary"] for answer in (english, french)} == {"Accept-Language"}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("fr", "fr"), ("de, en;q=0.3, fr;q=0.8", "fr"), ("en-GB, fr;q=0.9", "en"), ("de", "en"), ("*", "en"), ("", "en")],
)
def test_english_is_told_where_no_language_of_ours_is_accepted(
    service: TestClient, accepted: str, language: str
) -> None:
    answer = service.get("/api/jobs/unknown", headers={"Accept-Language": accepted})

    assert answer.headers["Content-Language"] == language
    assert answer.json()["title"] == {"fr": "Introuvable", "en": "Not found"}[language]


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/nothing", 404, "introuvable"),
        ("/tiles/nothing/1/2/3.png", 404, "cette couche n’existe pas ; aucune n’est encore publiée"),
        ("/api/point?lon=200&lat=0", 400, "lon : la valeur doit être inférieure ou égale à 180"),
        ("/api/jobs?limit=x", 400, "limit : la valeur doit être un nombre entier"),
    ],
)
def test_every_door_of_problems_speaks_french(service: TestClient, path: str, status: int, detail: str) -> None:
    answer = service.get(path, headers=FRENCH)

    assert answer.status_code == status
    assert answer.json()["detail"].replace("\N{NO-BREAK SPACE}", " ") == detail


def test_why_an_execution_would_be_refused_is_told_in_french(service: TestClient) -> None:
    answer = service.post(f"{PROCESS}/estimate", json={"inputs": {"aoi": LARGE}}, headers=FRENCH)

    refusal = answer.json()["would_be_refused"]
    assert (
        refusal["detail"]
        .replace("\N{NO-BREAK SPACE}", " ")
        .endswith("la limite est de 1 km² : dessinez-en une plus petite ou découpez-la")
    )
    assert answer.headers["Content-Language"] == "fr"


def test_a_status_has_its_own_tag_in_each_language(service: TestClient, job_id: str) -> None:
    path = f"/api/jobs/{job_id}"
    english, french = service.get(path), service.get(path, headers=FRENCH)

    assert (english.json()["message"], french.json()["message"]) == (
        "no worker is at work",
        "aucun calculateur n’est au travail",
    )
    assert english.headers["ETag"] != french.headers["ETag"]
    assert french.headers["Vary"] == "Accept-Language"
    again = {"If-None-Match": french.headers["ETag"]}
    assert service.get(path, headers={**FRENCH, **again}).status_code == 304
    assert service.get(path, headers=again).status_code == 200


def test_a_job_is_told_of_in_french_wherever_it_is_told_of(service: TestClient, job_id: str) -> None:
    with sessions().write() as session:
        jobs.postponed(session, job_id, "the storage cannot be written: it is full, or fails")
    reason = "le stockage ne peut pas être écrit\N{NO-BREAK SPACE}: il est plein, ou en panne"
    (listed,) = service.get("/api/jobs", headers=FRENCH).json()["jobs"]
    status = service.get(f"/api/jobs/{job_id}", headers=FRENCH).json()

    assert listed["message"] == status["message"] == f"remise à plus tard\N{NO-BREAK SPACE}: {reason}"
    assert status["postponed"] == reason
    dismissed = service.delete(f"/api/jobs/{job_id}", headers=FRENCH).json()
    assert dismissed["message"] == "annulée à la demande"
    assert "postponed" not in dismissed
    refused = service.get(f"/api/jobs/{job_id}/results", headers=FRENCH).json()
    assert refused["detail"] == "la demande a été annulée\N{NO-BREAK SPACE}: elle n’a pas de résultats"


@pytest.mark.parametrize(
    ("query", "headers", "message"),
    [
        ("?lang=fr", {}, "annulée à la demande"),
        ("?lang=en", FRENCH, "dismissed on request"),
        ("", FRENCH, "annulée à la demande"),
    ],
)
def test_events_are_told_in_the_language_of_their_address(
    service: TestClient, job_id: str, query: str, headers: dict[str, str], message: str
) -> None:
    jobs.dismiss(sessions(), job_id)

    answer = service.get(f"/api/jobs/{job_id}/events{query}", headers=headers)

    (data,) = (line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: "))
    assert json.loads(data)["message"] == message


def test_events_in_another_language_are_refused(service: TestClient, job_id: str) -> None:
    answer = service.get(f"/api/jobs/{job_id}/events?lang=de", headers=FRENCH)

    assert (answer.status_code, answer.json()["detail"]) == (400, "lang vaut fr ou en")


def test_readiness_says_in_french_what_is_missing(service: TestClient) -> None:
    answer = service.get("/readyz", headers=FRENCH).json()

    assert answer["status"] == "degraded"
    assert answer["components"]["workers"] == "aucun au travail"
    assert answer["components"]["database"] == "ok"


FAULTY = {
    "integer": ("x", "-9", "9" * 12, "9" * 5000),
    "number": ("x", "nan", "1e9", "-1e9"),
    "string": ("9" * 400,),
}
"""Values that a parameter of a type may refuse."""


def test_whatever_is_wrong_with_a_query_is_told_in_french(service: TestClient) -> None:
    """Asked of every parameter of every route that is read."""
    paths = service.get("/api/openapi.json").json()["paths"]
    told = {
        (path, name, text[:20]): service.get(re.sub(r"\{\w+\}", "1", path), params={name: text}, headers=FRENCH)
        for path, operations in paths.items()
        for name, types in queries(operations.get("get", {}))
        for type_ in types
        for text in FAULTY.get(type_, ())
    }
    problems = {asked: answer.json()["detail"] for asked, answer in told.items() if is_refused(answer)}

    assert len(problems) >= 10
    assert {asked: detail for asked, detail in problems.items() if PYDANTIC.search(detail)} == {}


def queries(operation: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The parameters of a query, with the types of their values."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            schemas = parameter["schema"].get("anyOf", [parameter["schema"]])
            yield parameter["name"], [schema.get("items", schema).get("type", "") for schema in schemas]


def is_refused(answer: httpx.Response) -> bool:
    """As a problem, and not as an exception report of the OGC."""
    return answer.status_code == 400 and "json" in answer.headers["Content-Type"]
