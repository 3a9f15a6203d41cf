"""Files of the storage over HTTP: whole, in ranges, and not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from app.api.downloads import file_response
from app.api.problems import add_problem_handlers
from app.storage import FolderStorage, Storage, storage

CONTENT = bytes(range(100))
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.fixture(params=["folder", "s3"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    """An application with the file at `/file` and none at `/none`; the test runs once on each kind of storage."""
    store: Storage = FolderStorage(tmp_path / "data")
    if request.param == "s3":
        request.getfixturevalue("s3_settings")
        store = storage()
    with store.writing("a/file.tif") as path:
        path.write_bytes(CONTENT)
    application = FastAPI()
    add_problem_handlers(application)

    @application.api_route("/{name}", methods=["GET", "HEAD"])
    def file(request: Request, name: str) -> Response:
        return file_response(request, store, f"a/{name}.tif", "image/tiff", 'na"me é.tif', etag=TAG.strip('"'))

    with TestClient(application, raise_server_exceptions=False) as made:
        yield made


def test_the_whole_file_says_what_it_is_and_that_ranges_can_be_had(client: TestClient) -> None:
    answer = client.get("/file")

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/tiff"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == TAG
    assert answer.headers["content-length"] == "100"
    assert "filename*=UTF-8''na%22me%20%C3%A9.tif" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("90-", 90, 100), ("95-1000", 95, 100), ("-7", 93, 100), ("-500", 0, 100)],
)
def test_a_range_is_answered_with_its_bytes(client: TestClient, asked: str, start: int, end: int) -> None:
    answer = client.get("/file", headers={"Range": f"bytes={asked}"})

    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/100"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_had(client: TestClient, asked: str) -> None:
    answer = client.get("/file", headers={"Range": asked})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */100"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", f"bytes={'0-,' * 1000}0-", "bytes=9-3", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=٣-"]
)
def test_several_ranges_or_none_that_is_one_give_the_whole_file(client: TestClient, asked: str) -> None:
    answer = client.get("/file", headers={"Range": asked.encode()})

    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_head_tells_without_sending(client: TestClient) -> None:
    whole, part = client.head("/file"), client.head("/file", headers={"Range": "bytes=0-9"})

    assert (whole.status_code, whole.content, whole.headers["content-length"]) == (200, b"", "100")
    assert (part.status_code, part.content, part.headers["content-length"]) == (206, b"", "10")


def test_what_the_client_has_is_not_sent_again(client: TestClient) -> None:
    for known in (TAG, f'"other", {TAG}', f"W/{TAG}", "*"):
        answer = client.get("/file", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", TAG)
    assert client.get("/file", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_part_is_not_put_to_parts_of_another_version(client: TestClient) -> None:
    same = client.get("/file", headers={"Range": "bytes=5-9", "If-Range": TAG})
    other = client.get("/file", headers={"Range": "bytes=5-9", "If-Range": '"other"'})

    assert (same.status_code, same.content) == (206, CONTENT[5:10])
    assert (other.status_code, other.content) == (200, CONTENT)


def test_a_file_that_is_missing_is_a_problem_without_a_path(client: TestClient, tmp_path: Path) -> None:
    answer = client.get("/none")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(tmp_path) not in answer.text
