"""API keys over HTTP, and the addresses of those who have none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from app import access
from app.cli import main
from app.database import sessions
from tests.api.test_processes import AREA, execute
from tests.conftest import forget_settings

ASKED = {"aoi": AREA, "model": "tiny"}


def _key(owner: str = "town", **options: Any) -> str:
    with sessions().write() as session:
        return access.add(session, owner, **options).text


def _refusals(client: TestClient, headers: list[dict[str, str]]) -> list[tuple[int, bytes, dict[str, str]]]:
    answers = [client.get("/api/jobs", headers={**each, "X-Request-ID": "same"}) for each in headers]
    return [(answer.status_code, answer.content, dict(answer.headers)) for answer in answers]


def test_a_key_in_either_header_is_its_owner(service: TestClient) -> None:
    key, other = _key(), _key("other")
    made = execute(service, ASKED, Authorization=f"Bearer {key}").json()["jobID"]

    listed = service.get("/api/jobs", headers={"X-API-Key": key}).json()["jobs"]

    assert [job["jobID"] for job in listed] == [made]
    assert service.get(f"/api/jobs/{made}", headers={"Authorization": f"bearer {key}"}).status_code == 200
    assert service.get(f"/api/jobs/{made}").status_code == 404
    assert service.delete(f"/api/jobs/{made}", headers={"X-API-Key": other}).status_code == 404
    assert service.delete(f"/api/jobs/{made}", headers={"X-API-Key": key}).json()["status"] == "dismissed"


def test_every_key_that_is_not_valid_is_refused_in_the_same_words(service: TestClient) -> None:
    valid, revoked, expired = _key(), _key("gone"), _key("old", expires_days=-1.0)
    with sessions().write() as session:
        access.revoke(session, revoked.split("_")[1])
    wrong = [
        {"Authorization": f"Bearer {valid[:-1]}x"},
        {"Authorization": f"Bearer {revoked}"},
        {"Authorization": f"Bearer {expired}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0."},
        {"Authorization": "Bearer cosia_../../etc/passwd_00"},
        {"Authorization": f"Basic {valid}"},
        {"Authorization": valid},
        {"Authorization": ""},
        {"X-API-Key": ""},
        {"X-API-Key": "cosia_0123456789ab_" + "0" * 64},
        {"X-API-Key": valid, "Authorization": f"Bearer {valid}"},
    ]

    answers = _refusals(service, wrong)

    assert all(answer == answers[0] for answer in answers)
    status, body, headers = answers[0]
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="CoSIA Map"')
    assert b"urn:cosia:problem:unauthorised" in body
    assert headers["content-type"] == "application/problem+json"


def test_a_key_in_the_address_is_not_looked_at(service: TestClient) -> None:
    key = _key()
    made = execute(service, ASKED, Authorization=f"Bearer {key}").json()["jobID"]

    for name in ("key", "api_key", "X-API-Key", "access_token"):
        assert service.get(f"/api/jobs/{made}?{name}={key}").status_code == 404


def test_keys_stand_in_no_log_and_no_answer(
    service: TestClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "httpx2")  # the client of this test writes down whole addresses
    key = _key()
    answers = [
        execute(service, ASKED, Authorization=f"Bearer {key}"),
        execute(service, {"aoi": "x"}, Authorization=f"Bearer {key}"),
        service.get("/api/jobs", headers={"Authorization": f"Bearer {key}x"}),
        service.get("/api/jobs", headers={"X-API-Key": f"{key} "}),
        service.get(f"/api/jobs?limit={key}"),
        service.get(f"/tiles/none/1/1/1.png?key={key}"),
    ]

    secret = key.rpartition("_")[2]
    assert secret not in capfd.readouterr().err
    assert all(secret not in answer.text + str(answer.headers) for answer in answers)


def test_where_keys_are_required_nobody_asks_without_but_permalinks_are_read(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"Authorization": f"Bearer {_key()}"}
    made = execute(service, ASKED, **key).json()
    permalink = next(link["href"] for link in made["links"] if link["rel"] == "bookmark")
    monkeypatch.setenv("COSIA_API_KEYS", "required")
    forget_settings()

    assert execute(service, ASKED).status_code == 401
    estimate = service.post("/api/processes/predict-land-cover/estimate", json={"inputs": ASKED})
    assert estimate.status_code == 401
    assert service.get("/api/jobs").status_code == 401
    assert service.get(permalink).status_code == 200
    assert service.get("/api/collections").status_code == 200
    assert execute(service, ASKED, **key).status_code == 201


def test_an_operator_publishes_what_others_predicted(service: TestClient) -> None:
    made = execute(service, ASKED).json()["jobID"]
    operator = {"X-API-Key": _key("operations", operator=True)}

    assert service.get(f"/api/jobs/{made}", headers=operator).status_code == 200
    assert service.put(f"/api/jobs/{made}/layer", headers=operator).status_code == 409  # it has no result yet


def _application(monkeypatch: pytest.MonkeyPatch, trusted: str) -> Any:
    monkeypatch.setenv("COSIA_TRUSTED_PROXIES", trusted)
    forget_settings()
    from app.main import create_app

    return create_app()


def _owner_of_a_job(application: Any, client_address: str, forwarded_for: str) -> str:
    with TestClient(application, client=(client_address, 50000), raise_server_exceptions=False) as client:
        made = execute(client, ASKED, **{"X-Forwarded-For": forwarded_for})
        assert made.status_code == 201
        from app import jobs

        with sessions().read() as session:
            return jobs.get(session, made.json()["jobID"]).owner


def test_a_trusted_proxy_says_whom_it_speaks_for(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    application = _application(monkeypatch, "10.0.0.0/30, 192.0.2.1")

    assert _owner_of_a_job(application, "10.0.0.2", "203.0.113.9") == "address:203.0.113.9"
    # What the client itself claimed stands further left: the proxy appends whom it saw.
    assert _owner_of_a_job(application, "10.0.0.2", "198.51.100.1, 203.0.113.10") == "address:203.0.113.10"
    assert _owner_of_a_job(application, "10.0.0.2", "198.51.100.1, 203.0.113.11, 192.0.2.1") == "address:203.0.113.11"
    assert _owner_of_a_job(application, "10.0.0.2", "2001:db8::1") == "address:2001:db8::/64"
    assert _owner_of_a_job(application, "10.0.0.9", "203.0.113.9") == "address:10.0.0.9"


def test_with_nothing_configured_nobody_is_believed_not_even_this_host(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _owner_of_a_job(_application(monkeypatch, ""), "127.0.0.1", "203.0.113.9") == "address:127.0.0.1"


def test_the_commands_show_a_key_once_list_it_and_revoke_it(data_folder: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["keys", *arguments])

    added = run("add", "town", "--active-jobs", "50", "--km2-per-day", "2.5", "--expires-days", "30")
    assert added.exit_code == 0, added.output
    key = added.stdout.strip()
    listed = run("list").output
    assert f"{key.split('_')[1]}\ttown\t50 jobs\t2.5 km² a day\t" in listed
    assert "expires " in listed
    assert key.rpartition("_")[2] not in listed

    assert run("revoke", key.split("_")[1]).exit_code == 0
    assert "revoked " in run("list").output
    unknown = run("revoke", "nothing")
    assert (unknown.exit_code, "there is no key" in unknown.output) == (1, True)
    assert run("add", "Town Hall").exit_code == 1
