"""Those who follow jobs by server-sent events: one reader per process looks for what is new, for all of them.

However many follow, and whatever they follow, a look costs one statement; a job of which there is news costs some more,
once for all who follow it. A follower that was away longer than this process remembers reads the past page by page.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import anyio
import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.api.job_status import Status, Statuses, sentences_told, without_outline
from app.database import EventRow, JobRow, Sessions
from app.definitions import Language
from app.errors import TooManyFollowers, Unavailable
from app.jobs import Seen

log = structlog.get_logger(__name__)

_LOOK_S = 0.5
_QUEUE_S = 5.0
"""Time after which the status of a job is told again if the queue has moved, though the job has not..."""
_QUEUE_S_PER_JOB = 0.05
"""...and for each job that is followed, so that many of them make twenty statuses a second and no more."""
_PAGE = 500
"""Events read at once."""
_REMEMBERED = 1000
_RETRY_AFTER_S = 10
_RECONNECT = b"retry: 5000\n\n"


@dataclass(frozen=True)
class _News:
    """Of one job: events after those known, the status (None: as before), and whether the job is there at all."""

    events: Sequence[tuple[int, bytes]] = ()
    status: Status | None = None
    gone: bool = False


@dataclass(eq=False)
class Topic:
    """A job as it is followed under one id. Everything in it is touched by the event loop alone.

    `recent`: events (id, as sent) after `floor`, in order. `changed` is set at the next change, and then replaced.
    """

    seen: Seen
    status: Status
    floor: int
    head: int
    recent: deque[tuple[int, bytes]] = field(default_factory=deque)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    followers: int = 0
    gone: bool = False
    told_at: float = field(default_factory=time.monotonic)

    def take(self, news: _News) -> None:
        """Makes news known to the followers."""
        for number, event in news.events:
            self.recent.append((number, event))
            self.head = number
        while len(self.recent) > _REMEMBERED:
            self.floor = self.recent.popleft()[0]
        different = news.status is not None and news.status.etag != self.status.etag
        if news.status is not None:
            self.status, self.told_at = news.status, time.monotonic()
        self.gone = news.gone
        if news.events or different or news.gone:
            self.changed.set()
            self.changed = asyncio.Event()

    def is_due(self, after_s: float) -> bool:
        """Whether the status was last made that long ago: the queue may have moved since."""
        return not self.status.is_final and time.monotonic() - self.told_at >= after_s


class Followers:
    """The followers of this process, at most `most`; look_s: time between two looks for news."""

    def __init__(self, sessions: Sessions, statuses: Statuses, most: int, *, look_s: float = _LOOK_S) -> None:
        self._sessions = sessions
        self._statuses = statuses
        self._most = most
        self._look_s = look_s
        self._count = 0
        self._topics: dict[tuple[str, str], Topic] = {}
        self._looking: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raises TooManyFollowers."""
        if self._count >= self._most:
            raise TooManyFollowers(
                "too many follow jobs here at the moment: ask for the status from time to time instead", _RETRY_AFTER_S
            )

    async def events(
        self, seen: Seen, status: Status, since: int, language: Language = Language.ENGLISH
    ) -> AsyncIterator[bytes]:
        """What a follower is sent: events after `since`, the status at every change, until the job has ended.

        status: the job's, just read. language: that of its sentences. A database that is away is waited for.
        """
        topic = self._join(seen, status)
        try:
            yield _RECONNECT
            since, told = min(since, topic.head), ""
            while True:
                changed = topic.changed
                while since < topic.floor:
                    page = await self._page(topic, since)
                    # Of what is not kept any more, the status tells.
                    since, sent = (page[-1][0], _together(page)) if page else (topic.floor, b"")
                    if sent:
                        yield sent
                news = [(number, event) for number, event in topic.recent if number > since]
                if sent := _together(news):
                    yield sent
                since = news[-1][0] if news else since
                if topic.status.etag != told:
                    told = topic.status.etag
                    news_of_it = sentences_told(without_outline(topic.status.document), language)
                    yield _encoded("status", since, news_of_it)
                if topic.status.is_final or topic.gone:
                    return
                await changed.wait()
        finally:
            self._leave(topic)

    def _join(self, seen: Seen, status: Status) -> Topic:
        key = (seen.job.id, seen.shown_id)
        topic = self._topics.get(key)
        if topic is None:
            head = status.document["last_event"]
            topic = self._topics[key] = Topic(seen, status, floor=head, head=head)
        topic.followers += 1
        self._count += 1
        if self._looking is None and not status.is_final:
            self._looking = asyncio.create_task(self._look_again())
        return topic

    def _leave(self, topic: Topic) -> None:
        topic.followers -= 1
        self._count -= 1
        if not topic.followers:
            self._topics.pop((topic.seen.job.id, topic.seen.shown_id), None)
        if not self._topics and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_again(self) -> None:
        while True:
            await anyio.sleep(self._look_s)
            topics = [topic for topic in self._topics.values() if not topic.status.is_final]
            due_s = max(_QUEUE_S, _QUEUE_S_PER_JOB * len(topics))
            asked = [(topic.seen, topic.head, topic.is_due(due_s)) for topic in topics]
            try:
                found = await run_in_threadpool(self._news, asked)
            except Unavailable:
                continue
            except Exception:
                # Ours to mend. Meanwhile nobody may wait for ever for a reader that died.
                log.exception("look_for_news_failed")
                found = [_News(gone=True)] * len(topics)
            for topic, news in zip(topics, found, strict=True):
                topic.take(news)

    def _news(self, asked: Sequence[tuple[Seen, int, bool]]) -> list[_News]:
        """Of each job: what happened after the event of that number; its status if anything did, or if asked."""
        with self._sessions.read() as session:
            heads = {
                job_id: head
                for ids in _in_parts([seen.job.id for seen, _, _ in asked])
                for job_id, head in session.execute(select(JobRow.id, JobRow.last_event).where(JobRow.id.in_(ids)))
            }
            wanted = [seen.job.id for seen, head, due in asked if due or heads.get(seen.job.id, 0) > head]
            rows = {
                row.id: row
                for ids in _in_parts(wanted)
                for row in session.scalars(select(JobRow).where(JobRow.id.in_(ids)))
            }
            found = []
            for seen, head, _ in asked:
                row = rows.get(seen.job.id)
                if row is None:
                    found.append(_News(gone=seen.job.id not in heads))
                    continue
                events = _sent(_events_after(session, row, head)) if row.last_event > head else []
                found.append(_News(events, self._statuses.of(session, Seen(row, seen.shown_id))))
            return found

    async def _page(self, topic: Topic, since: int) -> list[tuple[int, bytes]]:
        """The next events after `since` from the database, none where it keeps none up to the topic's floor."""
        while True:
            try:
                return await run_in_threadpool(self._read_page, topic.seen.job.id, since)
            except Unavailable:
                await anyio.sleep(self._look_s)

    def _read_page(self, job_id: str, since: int) -> list[tuple[int, bytes]]:
        with self._sessions.read() as session:
            return _sent(jobs.events_since(session, job_id, since, limit=_PAGE))


def _events_after(session: Session, job: JobRow, number: int) -> Iterator[EventRow]:
    """All of them, read page by page."""
    while page := jobs.events_since(session, job.id, number, limit=_PAGE):
        yield from page
        number = page[-1].id
        if number >= job.last_event:
            return


def _in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Few enough for one statement."""
    unique = list(dict.fromkeys(ids))
    return (unique[first : first + _PAGE] for first in range(0, len(unique), _PAGE))


def _together(events: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(sent for _, sent in events)


def _sent(rows: Iterable[EventRow]) -> list[tuple[int, bytes]]:
    """Number and text of each event. Of a change of status, the status itself tells."""
    return [(row.id, _encoded("block", row.id, row.data) if row.kind == "block" else b"") for row in rows]


def _encoded(kind: str, number: int, data: object) -> bytes:
    """One event as the HTML standard writes it (section 9.2.5)."""
    return f"event: {kind}\nid: {number}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
