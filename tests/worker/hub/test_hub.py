"""Fetching from a hub: what arrives is the file, whatever happens on the way, and the token stays at home."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.errors import (
    Conflict,
    CosiaError,
    Forbidden,
    ParameterInvalid,
    Unauthorised,
    Unavailable,
    Unknown,
    WeightsUnreadable,
)
from tests.worker.hub.server import COMMIT, FILE, REPOSITORY, FakeHub, cut_at, running, status
from worker.hub import Hub, HubFile, downloaded

WANTED = HubFile(REPOSITORY, "main", FILE)
CONTENT = np.random.default_rng(5).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TOKEN = "hf_secret"  # noqa: S105 - no real one


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running(FakeHub(CONTENT)) as hub:
        yield hub


class Waits(list[float]):
    """The clock: how long each wait would have been."""

    def hub(self, served: FakeHub, token: str | None = TOKEN, attempts: int = 4) -> Hub:
        return Hub(served.url, token, timeout_s=2.0, attempts=attempts, wait=self.append)


def fetch(hub: Hub, folder: Path, wanted: HubFile = WANTED, sha256: str | None = None) -> tuple[bytes, str | None]:
    """(bytes, commit) of what was fetched."""
    with downloaded(hub, wanted, folder, lambda *_: None, sha256) as (path, origin):
        assert path.name == FILE
        assert origin.sha256 == SHA256
        return path.read_bytes(), origin.revision


def test_file_arrives_by_way_of_the_store_with_its_commit(served: FakeHub, tmp_path: Path) -> None:
    assert fetch(Waits().hub(served), tmp_path) == (CONTENT, COMMIT)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_up_to_the_size(served: FakeHub, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    with downloaded(Waits().hub(served), WANTED, tmp_path, lambda *bytes: told.append(bytes)):
        pass

    assert told == sorted(told)
    assert told[-1] == (3_000_000, 3_000_000)


def test_token_goes_to_the_hub_and_not_to_the_store(served: FakeHub, tmp_path: Path) -> None:
    fetch(Waits().hub(served), tmp_path)

    assert {each.headers.get("Authorization") for each in served.of("hub", "HEAD")} == {f"Bearer {TOKEN}"}
    assert ["Authorization" in each.headers for each in served.of("store", "GET")] == [False]


def test_renamed_repository_is_followed(served: FakeHub, tmp_path: Path) -> None:
    served.renamed = True

    assert fetch(Waits().hub(served), tmp_path, WANTED._replace(repository="IGNF/old-name"))[0] == CONTENT


def test_revision_is_asked_for(served: FakeHub, tmp_path: Path) -> None:
    fetch(Waits().hub(served), tmp_path, WANTED._replace(revision="v1"))

    assert all("/resolve/v1/" in each.path for each in served.of("hub", "HEAD"))


def test_download_goes_on_where_the_connection_broke_off(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("store GET", cut_at(served, 1_000_000)), ("store GET", cut_at(served, 2_500_000))]
    waits = Waits()

    assert fetch(waits.hub(served), tmp_path)[0] == CONTENT
    assert [each.headers.get("Range") for each in served.of("store", "GET")] == [
        None,
        "bytes=1000000-",
        "bytes=2500000-",
    ]
    assert waits == [1.0, 1.0]


def test_next_call_goes_on_with_what_an_earlier_one_left(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("store GET", cut_at(served, 1_000_000))]
    with pytest.raises(Unavailable, match="peer closed connection"):
        fetch(Waits().hub(served, attempts=1), tmp_path)

    assert fetch(Waits().hub(served), tmp_path)[0] == CONTENT
    assert served.of("store", "GET")[-1].headers["Range"] == "bytes=1000000-"


def test_whole_file_that_an_earlier_call_left_is_not_fetched_again(served: FakeHub, tmp_path: Path) -> None:
    (tmp_path / SHA256).mkdir()
    (tmp_path / SHA256 / "part").write_bytes(CONTENT)

    assert fetch(Waits().hub(served), tmp_path)[0] == CONTENT
    assert served.of("store", "GET") == []


def test_store_without_ranges_is_read_from_the_start(served: FakeHub, tmp_path: Path) -> None:
    served.ranges = False
    served.faults = [("store GET", cut_at(served, 1_000_000))]

    assert fetch(Waits().hub(served), tmp_path)[0] == CONTENT


def test_beginning_that_is_not_the_file_s_is_thrown_away(served: FakeHub, tmp_path: Path) -> None:
    (tmp_path / SHA256).mkdir()
    (tmp_path / SHA256 / "part").write_bytes(b"\0" * 1000)

    assert fetch(Waits().hub(served), tmp_path)[0] == CONTENT
    assert [each.headers.get("Range") for each in served.of("store", "GET")] == ["bytes=1000-", None]


def test_connection_that_always_ends_early_is_given_up(served: FakeHub, tmp_path: Path) -> None:
    served.ranges = False
    served.faults = [("store GET", cut_at(served, 1_000)) for _ in range(9)]
    waits = Waits()

    with pytest.raises(Unavailable, match="peer closed connection"):
        fetch(waits.hub(served), tmp_path)

    assert waits == [1.0, 2.0, 4.0]


def test_other_bytes_than_the_hub_states_are_refused(served: FakeHub, tmp_path: Path) -> None:
    served.content = CONTENT[:-1] + b"?"

    with pytest.raises(WeightsUnreadable, match=f"not {SHA256}"):
        fetch(Waits().hub(served), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_other_file_than_the_card_states_is_refused_before_it_is_fetched(served: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(WeightsUnreadable, match=f"expected is {'0' * 64}"):
        fetch(Waits().hub(served), tmp_path, sha256="0" * 64)

    assert served.of("store", "GET") == []


def test_sha256_is_asked_for_where_the_hub_states_none(served: FakeHub, tmp_path: Path) -> None:
    served.sha256 = "unstated"

    with pytest.raises(ParameterInvalid, match="give it by --sha256"):
        fetch(Waits().hub(served), tmp_path)

    assert fetch(Waits().hub(served), tmp_path, sha256=SHA256)[0] == CONTENT


def test_busy_hub_is_asked_again_when_it_says(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(429, Retry_After="7")), ("hub HEAD", status(503))]
    waits = Waits()

    assert fetch(waits.hub(served), tmp_path)[0] == CONTENT
    assert waits == [7.0, 2.0]


def test_hub_that_wants_to_be_left_alone_for_long_is_left_alone(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(429, Retry_After="3600"))]
    waits = Waits()

    with pytest.raises(Unavailable, match="in 3600 s") as refused:
        fetch(waits.hub(served), tmp_path)

    assert refused.value.retry_after_s == 3600
    assert waits == []


def test_date_in_retry_after_is_understood(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"))]
    waits = Waits()

    fetch(waits.hub(served), tmp_path)

    assert waits == [0.0]


def test_expired_address_of_the_bytes_is_renewed(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("store GET", status(403))]

    assert fetch(Waits().hub(served), tmp_path)[0] == CONTENT


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (WANTED._replace(repository="IGNF/absent"), Unauthorised, "check the name, or set COSIA_HUB_TOKEN"),
        (WANTED._replace(revision="v9"), Unknown, "no such revision"),
        (WANTED._replace(file="absent.pth"), Unknown, f"no such file.*it has {FILE}: give one by --file"),
    ],
)
def test_what_the_hub_does_not_have_is_named(
    served: FakeHub, tmp_path: Path, wanted: HubFile, error: type[CosiaError], words: str
) -> None:
    waits = Waits()

    with pytest.raises(error, match=words) as refused:
        fetch(waits.hub(served), tmp_path, wanted)

    assert str(wanted) in refused.value.message
    assert TOKEN not in refused.value.message
    assert waits == []


def test_repository_behind_terms_is_said_to_be(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(403))]

    with pytest.raises(Forbidden, match="accept the terms"):
        fetch(Waits().hub(served), tmp_path)


def test_redirect_to_something_else_than_http_is_not_followed(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(302, Location="file:///etc/passwd"))]

    with pytest.raises(Unavailable, match="not followed"):
        fetch(Waits().hub(served), tmp_path)


def test_redirects_in_a_circle_end(served: FakeHub, tmp_path: Path) -> None:
    served.faults = [("hub HEAD", status(307, Location="/somewhere/else")) for _ in range(9)]

    with pytest.raises(Unavailable, match="more than 5 times"):
        fetch(Waits().hub(served), tmp_path)


def test_without_network_the_message_says_how_to_add_from_a_file(served: FakeHub, tmp_path: Path) -> None:
    nobody = served.url.rsplit(":", 1)[0] + ":9"  # the discard port, where nobody listens
    waits = Waits()

    with pytest.raises(Unavailable) as refused:
        fetch(waits.hub(served)._replace(url=nobody), tmp_path)

    assert f"{nobody}/{REPOSITORY}/resolve/main/{FILE} elsewhere" in refused.value.message
    assert "cosia model add CARD --weights FILE" in refused.value.message
    assert waits == [1.0, 2.0, 4.0]


def test_silent_hub_is_given_up(served: FakeHub, tmp_path: Path) -> None:
    silence = Waits().hub(served, attempts=1)._replace(timeout_s=0.05)
    served.faults = [("hub HEAD", lambda request: request.rfile.read(1))]

    with pytest.raises(Unavailable, match="timed out"):
        fetch(silence, tmp_path)


def test_second_process_is_told_to_wait(served: FakeHub, tmp_path: Path) -> None:
    (tmp_path / SHA256).mkdir()
    with (tmp_path / SHA256 / "part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(Conflict, match="another process"):
            fetch(Waits().hub(served), tmp_path)
