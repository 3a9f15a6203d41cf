"""Those who follow a job: what they are sent, in which order, and what it costs the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import delete, event, update
from sqlalchemy.orm import Session

from app import jobs
from app.api.followers import Followers
from app.api.job_status import Status, Statuses
from app.database import EventRow, JobRow, Sessions
from app.errors import TooManyFollowers, Unavailable
from app.jobs import Seen
from app.jobs.states import record
from tests import samples

LOOK_S = 0.01


class Followed:
    """A job, and followers who look for news a hundred times a second."""

    def __init__(self, sessions: Sessions, *, most: int = 1000) -> None:
        self.sessions = sessions
        self.statuses = Statuses()
        self.followers = Followers(sessions, self.statuses, most, look_s=LOOK_S)
        self.job = jobs.submit(sessions, samples.request(), samples.LIMITS)

    def follow(self, since: int = 0, *, by_permalink: bool = False) -> AsyncIterator[bytes]:
        with self.sessions.read() as session:
            job = session.get_one(JobRow, self.job.id)
            seen = Seen(job, job.permalink if by_permalink else job.id)
            return self.followers.events(seen, self.statuses.of(session, seen), since)

    def tell_block(self, *, times: int = 1) -> None:
        """What the end of a block leaves."""
        with self.sessions.write() as session:
            for _ in range(times):
                record(session, self.job.id, "block", {"bbox": [3, 43, 4, 44], "done": 1, "total": 1})

    def end(self) -> None:
        with self.sessions.write() as session:
            jobs.fail(session, self.job.id, "for a reason")


@pytest.fixture
def followed(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Followed:
    monkeypatch.setattr("app.broker.ring", lambda *_args, **_options: True)
    return Followed(sessions)


async def heard(stream: AsyncIterator[bytes]) -> list[tuple[str, int, Any]]:
    """(kind, id, data) of what is sent until the stream ends."""
    return parsed(b"".join([chunk async for chunk in stream]))


def parsed(sent: bytes) -> list[tuple[str, int, Any]]:
    events = []
    for text in sent.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.splitlines())
        if "event" in fields:
            events.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return events


@contextmanager
def statements(sessions: Sessions) -> Iterator[list[str]]:
    """Those sent to the database inside the block."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(sessions.engine, "before_cursor_execute", note)
    yield sent
    event.remove(sessions.engine, "before_cursor_execute", note)


def test_blocks_come_in_order_and_the_stream_ends_with_the_job(followed: Followed) -> None:
    followed.tell_block(times=2)
    followed.end()

    events = asyncio.run(heard(followed.follow()))

    assert [(kind, number) for kind, number, _ in events] == [("block", 2), ("block", 3), ("status", 4)]
    assert events[-1][2]["status"] == "failed"
    assert "aoi" not in events[-1][2]


def test_a_stream_says_first_when_to_come_back(followed: Followed) -> None:
    followed.end()

    async def first() -> bytes:
        return await anext(followed.follow())

    assert asyncio.run(first()) == b"retry: 5000\n\n"


def test_a_follower_that_was_away_gets_what_it_missed_and_no_more(followed: Followed) -> None:
    followed.tell_block(times=3)
    followed.end()

    events = asyncio.run(heard(followed.follow(since=3)))

    assert [(kind, number) for kind, number, _ in events] == [("block", 4), ("status", 5)]


def test_a_follower_who_knows_more_than_there_is_gets_the_status(followed: Followed) -> None:
    followed.end()

    assert [kind for kind, _, _ in asyncio.run(heard(followed.follow(since=10**17)))] == ["status"]


def test_where_events_are_kept_no_more_the_status_tells(followed: Followed) -> None:
    followed.tell_block(times=3)
    followed.end()
    with followed.sessions.write() as session:
        session.execute(delete(EventRow))

    assert [(kind, number) for kind, number, _ in asyncio.run(heard(followed.follow()))] == [("status", 5)]


def test_what_happens_meanwhile_is_told_with_one_status_for_many_blocks(followed: Followed) -> None:
    async def live() -> list[tuple[str, int, Any]]:
        listening = asyncio.create_task(heard(followed.follow(since=1)))
        await asyncio.sleep(5 * LOOK_S)
        followed.tell_block(times=700)  # more than one page
        await asyncio.sleep(20 * LOOK_S)
        followed.end()
        return await listening

    events = asyncio.run(live())

    assert [number for kind, number, _ in events if kind == "block"] == list(range(2, 702))
    assert [data["status"] for kind, _, data in events if kind == "status"][-1] == "failed"
    assert len([kind for kind, _, _ in events if kind == "status"]) <= 4


def test_who_has_the_permalink_is_never_told_the_id(followed: Followed) -> None:
    followed.end()

    stream = asyncio.run(heard(followed.follow(by_permalink=True)))

    assert stream[-1][2]["jobID"] == followed.job.permalink
    assert followed.job.id not in json.dumps(stream)


def test_two_hundred_followers_cost_the_database_no_more_than_one(followed: Followed) -> None:
    async def looks(count: int) -> int:
        tasks = [asyncio.create_task(heard(followed.follow(since=1))) for _ in range(count)]
        await asyncio.sleep(10 * LOOK_S)
        with statements(followed.sessions) as sent:
            await asyncio.sleep(20 * LOOK_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len([statement for statement in sent if statement.startswith("SELECT")])

    assert 1 <= asyncio.run(looks(200)) <= 25


def test_nobody_looks_when_nobody_follows(followed: Followed) -> None:
    async def left() -> int:
        task = asyncio.create_task(heard(followed.follow()))
        await asyncio.sleep(5 * LOOK_S)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.sleep(2 * LOOK_S)
        with statements(followed.sessions) as sent:
            await asyncio.sleep(10 * LOOK_S)
        return len(sent)

    assert asyncio.run(left()) == 0


def test_a_database_that_is_away_is_waited_for(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = followed.sessions.read

    @contextmanager
    def away() -> Iterator[Session]:
        raise Unavailable("the database does not answer")
        yield

    async def through_an_outage() -> list[tuple[str, int, Any]]:
        listening = asyncio.create_task(heard(followed.follow()))
        await asyncio.sleep(5 * LOOK_S)
        monkeypatch.setattr(followed.sessions, "read", away)
        await asyncio.sleep(10 * LOOK_S)
        assert not listening.done()
        monkeypatch.setattr(followed.sessions, "read", reading)
        followed.end()
        return await listening

    assert asyncio.run(through_an_outage())[-1][2]["status"] == "failed"


def test_the_stream_of_a_job_that_vanishes_ends(followed: Followed) -> None:
    async def vanished() -> list[tuple[str, int, Any]]:
        listening = asyncio.create_task(heard(followed.follow()))
        await asyncio.sleep(5 * LOOK_S)
        with followed.sessions.write() as session:
            session.delete(session.get_one(JobRow, followed.job.id))
        return await asyncio.wait_for(listening, 5)

    assert [kind for kind, _, _ in asyncio.run(vanished())] == ["status"]


def test_a_reader_that_breaks_ends_the_streams_instead_of_leaving_them_silent(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    async def ends() -> list[tuple[str, int, Any]]:
        listening = asyncio.create_task(heard(followed.follow()))
        await asyncio.sleep(2 * LOOK_S)
        monkeypatch.setattr(followed.followers, "_news", broken)
        return await asyncio.wait_for(listening, 5)

    assert [kind for kind, _, _ in asyncio.run(ends())] == ["status"]


def test_more_followers_than_allowed_are_told_when_to_come_back(sessions: Sessions) -> None:
    followed = Followed(sessions, most=1)

    async def second() -> None:
        first = followed.follow()
        await anext(first)
        with pytest.raises(TooManyFollowers) as refused:
            followed.followers.require_room()
        assert refused.value.retry_after_s > 0
        await first.aclose()  # type: ignore[attr-defined]
        followed.followers.require_room()

    asyncio.run(second())


def status_of(followed: Followed) -> Status:
    with followed.sessions.read() as session:
        job = session.get_one(JobRow, followed.job.id)
        return followed.statuses.of(session, Seen(job, job.id))


def test_a_status_is_made_once_while_nothing_changes(followed: Followed) -> None:
    first = status_of(followed)
    with statements(followed.sessions) as sent:
        again = status_of(followed)

    assert again is first
    assert len([statement for statement in sent if statement.startswith("SELECT")]) == 1  # the job's row


def test_the_tag_of_a_status_changes_with_the_document(followed: Followed) -> None:
    first = status_of(followed)
    followed.tell_block()
    second = status_of(followed)
    with followed.sessions.write() as session:
        session.execute(update(JobRow).values(message="postponed: the storage is full"))
    third = status_of(followed)

    assert len({first.etag, second.etag, third.etag}) == 3
    assert third.document["message"] == "postponed: the storage is full"


def test_a_status_of_the_queue_is_made_again_after_a_while(sessions: Sessions) -> None:
    now = 0.0
    statuses = Statuses(clock=lambda: now)
    first, second = (jobs.submit(sessions, samples.request(), samples.LIMITS) for _ in range(2))

    def position() -> Any:
        with sessions.read() as session:
            job = session.get_one(JobRow, second.id)
            return statuses.of(session, Seen(job, job.id)).document["queue_position"]

    assert position() == 1
    jobs.dismiss(sessions, first.id)
    assert position() == 1
    now += 3
    assert position() == 0
