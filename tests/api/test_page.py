"""The page's two addresses: what a browser is allowed to do with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from app.api.front_door import FrontDoor
from app.api.page import add_page
from tests.conftest import forget_settings

Opened = Callable[[str], TestClient]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """A client of a built page, for a value of COSIA_EMBED_ORIGINS."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>CoSIA Map</title>")

    def open_with(embed_origins: str) -> TestClient:
        monkeypatch.setenv("COSIA_EMBED_ORIGINS", embed_origins)
        forget_settings()
        application = FastAPI()
        add_page(application, tmp_path)
        door: ASGIApp = FrontDoor(application, 1000, "http://127.0.0.1:8000")
        return TestClient(door)

    yield open_with
    forget_settings()


def ancestors(page: TestClient, path: str) -> str:
    (policy,) = page.get(path).headers.get_list("content-security-policy")
    return policy.rsplit("frame-ancestors ", 1)[1]


def test_no_other_site_may_frame_the_page_where_nobody_was_named(opened: Opened) -> None:
    page = opened("")

    assert ancestors(page, "/") == "'self'"
    assert ancestors(page, "/embed") == "'self'"


def test_sites_that_were_named_may_frame_the_map_alone(opened: Opened) -> None:
    page = opened("https://town.example,https://*.region.example")

    assert ancestors(page, "/embed") == "'self' https://town.example https://*.region.example"
    assert ancestors(page, "/") == "'self'"
    assert page.get("/embed").text == page.get("/").text
    assert page.get("/embed").headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in page.get("/embed").headers["content-security-policy"]


def test_the_api_tells_where_the_page_is_and_who_may_frame_it(service: TestClient) -> None:
    assert service.get("/api").json()["page"] == {
        "href": "http://127.0.0.1:8000/",
        "embed": {"href": "http://127.0.0.1:8000/embed", "sites": []},
    }
