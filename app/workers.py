"""Worker processes as rows: who is alive, how fast each predicts, what each has counted, and why one does not work.

A worker keeps its row fresh (`beat`) once a round of its sweeper; one not seen for three rounds counts as gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import ColumnElement, delete, func, literal, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database import WorkerRow, now_s
from app.settings import settings

PAST = "past"
"""Id of the row that keeps the tallies of all workers that are gone."""

_ROUNDS_UNSEEN = 3
_KEPT_S = 600.0
_NOTHING_FETCHED: Mapping[str, float] = MappingProxyType({})


def register(session: Session, worker_id: str, *, host: str, device: str, queues: Sequence[str]) -> None:
    """A new worker that takes from these queues."""
    session.add(WorkerRow(id=worker_id, host=host, device=device, queues=",".join(queues), state="ready"))


def beat(
    session: Session,
    worker_id: str,
    *,
    seconds_per_block: Mapping[str, float],
    tallies: Mapping[str, float],
    out_of_service: str | None,
    fetch_seconds: Mapping[str, float] = _NOTHING_FETCHED,
) -> bool:
    """Keeps the row fresh; out_of_service: why the worker takes no work, None where it does.

    False where the row is gone: it was taken for dead, its tallies are kept, and it has to register with new ones.
    """
    result = session.execute(
        update(WorkerRow)
        .where(WorkerRow.id == worker_id)
        .values(
            seconds_per_block=dict(seconds_per_block),
            fetch_seconds=dict(fetch_seconds),
            tallies=dict(tallies),
            state="ready" if out_of_service is None else "out of service",
            reason=out_of_service,
            seen_at=now_s(),
        )
    )
    return isinstance(result, CursorResult) and result.rowcount == 1


def stopped(session: Session, worker_id: str, *, reason: str | None = None) -> None:
    """The worker has ended; reason: why, where it was not asked to."""
    session.execute(
        update(WorkerRow).where(WorkerRow.id == worker_id).values(state="stopped", reason=reason, seen_at=now_s())
    )


def listed(session: Session) -> list[WorkerRow]:
    """All rows but `past`, in the order of their start: also workers that stopped or were lost a while ago."""
    rows = session.scalars(select(WorkerRow).where(WorkerRow.id != PAST).order_by(WorkerRow.started_at, WorkerRow.id))
    return list(rows)


def seen() -> ColumnElement[bool]:
    """A worker that has given a sign of life lately, and has not said that it ends."""
    silence_s = func.abs(now_s() - WorkerRow.seen_at)  # a time ahead was noted before the clock was set back
    return (WorkerRow.id != PAST) & (WorkerRow.state != "stopped") & (silence_s <= _ROUNDS_UNSEEN * settings().sweep_s)


def live(queue: str) -> ColumnElement[bool]:
    """A worker that takes work from a queue now."""
    queues = literal(",").concat(WorkerRow.queues).concat(",")
    return seen() & (WorkerRow.state == "ready") & queues.contains(f",{queue},", autoescape=True)


def count_live(session: Session, queue: str) -> int:
    return session.scalar(select(func.count()).select_from(WorkerRow).where(live(queue))) or 0


def leader(session: Session) -> str | None:
    """Id of the worker whose turn it is to sweep: the oldest that is alive.

    No lock: one that hangs is not seen any more and the next takes over; two who sweep at once do each other no harm.
    """
    return session.scalar(select(WorkerRow.id).where(seen()).order_by(WorkerRow.started_at, WorkerRow.id).limit(1))


def tallies(session: Session) -> dict[str, float]:
    """What all workers, also those that are gone, have counted."""
    total: Counter[str] = Counter()
    for counted in session.scalars(select(WorkerRow.tallies)):
        total.update(counted)
    return dict(total)


def fold(session: Session) -> None:
    """Keeps tallies and paces of workers that are gone for good in one row, instead of theirs."""
    gone = session.scalars(
        select(WorkerRow)
        .where(WorkerRow.id != PAST, now_s() - WorkerRow.seen_at > _KEPT_S)
        .order_by(WorkerRow.seen_at)
        .with_for_update(skip_locked=True)
    ).all()
    if not gone:
        return
    past = session.get(WorkerRow, PAST, with_for_update=True)
    if past is None:
        past = WorkerRow(id=PAST, host="", device="", queues="", state="stopped")
        past.seconds_per_block, past.fetch_seconds, past.tallies = {}, {}, {}
        session.add(past)
    for row in gone:
        past.seconds_per_block = {**past.seconds_per_block, **row.seconds_per_block}
        past.fetch_seconds = {**past.fetch_seconds, **row.fetch_seconds}
        past.tallies = dict(Counter(past.tallies) + Counter(row.tallies))
    session.flush()
    session.execute(delete(WorkerRow).where(WorkerRow.id.in_([row.id for row in gone])))
