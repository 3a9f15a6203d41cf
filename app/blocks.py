"""The life of a block: waiting, claimed by one worker for a while, then done or failed.

A claim is a lease on the database's clock with a fencing number: whoever holds an older number can publish nothing.
Attempts are counted here, in the row, when a block is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, TextClause, and_, not_, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.database import BlockRow, JobBlockRow, now_s
from app.definitions import Augmentation, BlockCell, predicted_by

LONGEST_WAIT_S = 300.0
"""Longest time a block waits for another try."""

_FIRST_WAIT_S = 10.0
_ROWS_AT_ONCE = 500
# Workers may be set to different leases, and clocks differ by a little.
_LEASES_AHEAD = 4


def block_href(key: str) -> str:
    return f"blocks/{key[:2]}/{key}.tif"


class ModelUsed(NamedTuple):
    """A model as it was when the job was asked."""

    id: str
    sha256: str


@dataclass(frozen=True)
class Claim:
    """One block in the hands of one worker. `fence` is the number its row must still have to be published.

    models: those of the ensemble, in the order in which they are summed up.
    """

    key: str
    fence: int
    owner: str
    cell: BlockCell
    epsg: int
    source_id: str
    source_version: str
    models: tuple[ModelUsed, ...]
    augmentation: Augmentation
    attempts: int

    @property
    def predicted_by(self) -> str:
        return predicted_by((model.id for model in self.models), self.augmentation)


def ensure(session: Session, rows: Sequence[BlockRow]) -> None:
    """Inserts the blocks that are not there yet."""
    if not rows:
        return
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = [
        {
            "key": row.key,
            "epsg": row.epsg,
            "grid_column": row.grid_column,
            "grid_row": row.grid_row,
            "source_id": row.source_id,
            "source_version": row.source_version,
            "model_id": row.model_id,
            "model_sha256": row.model_sha256,
            "further_models": row.further_models,
            "augmentation": row.augmentation,
        }
        for row in rows
    ]
    # With RETURNING, SQLAlchemy puts a thousand rows into a statement, and compiles it once.
    statement = insert(BlockRow).on_conflict_do_nothing(index_elements=["key"])
    session.execute(statement.returning(BlockRow.key), values)


def locked(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """Key -> status of these blocks, none of which ends, or is taken away, before the transaction does."""
    statuses: dict[str, str] = {}
    for batch in batches(sorted(keys)):  # in one order, so that two who lock never wait for each other
        rows = session.execute(
            select(BlockRow.key, BlockRow.status)
            .where(BlockRow.key.in_(batch))
            .order_by(BlockRow.key)
            .with_for_update(key_share=True)
        )
        statuses.update((key, status) for key, status in rows)
    return statuses


def touch(session: Session, keys: Sequence[str]) -> None:
    """Notes that these blocks are of use now."""
    for batch in batches(keys):
        session.execute(update(BlockRow).where(BlockRow.key.in_(batch)).values(used_at=now_s()))


def renew_attempts(session: Session, keys: Sequence[str]) -> None:
    """Lets failed blocks be tried afresh."""
    for batch in batches(keys):
        session.execute(
            update(BlockRow)
            .where(BlockRow.key.in_(batch), BlockRow.status == "failed")
            .values(status="waiting", attempts=0, reason=None, retry_at=0.0)
        )


def recall(session: Session, keys: Sequence[str]) -> None:
    """Takes back that these blocks are done: their files are damaged."""
    for batch in batches(keys):
        session.execute(
            update(BlockRow)
            .where(BlockRow.key.in_(batch), BlockRow.status == "done")
            .values(
                status="waiting",
                attempts=0,
                retry_at=0.0,
                href=None,
                sha256=None,
                histogram=None,
                bytes=None,
                seconds=None,
                finished_at=None,
            )
        )


def held(lease_s: float) -> ColumnElement[bool]:
    """A block in the hands of a worker that gave a sign of life within a lease."""
    return and_(BlockRow.status == "claimed", lease_runs(BlockRow.lease_until, lease_s))


def lease_runs(until: InstrumentedAttribute[float], lease_s: float) -> ColumnElement[bool]:
    """A lease further ahead than any can be was given before the database's clock was set back: it holds nothing."""
    return _to_come(until, _LEASES_AHEAD * lease_s)


def _to_come(until: InstrumentedAttribute[float], most_s: float) -> ColumnElement[bool]:
    ahead_s = until - now_s()
    return and_(ahead_s >= 0, ahead_s <= most_s)


def claimable(lease_s: float) -> ColumnElement[bool]:
    """A block that is neither done nor failed nor held, and whose time for another try has come."""
    return and_(
        BlockRow.status.in_(("waiting", "claimed")),
        not_(held(lease_s)),
        not_(_to_come(BlockRow.retry_at, LONGEST_WAIT_S)),
    )


def claim(session: Session, job_id: str, *, owner: str, limit: int, lease_s: float, most_attempts: int) -> list[Claim]:
    """Takes up to `limit` claimable blocks of a job, in its order, for `lease_s` seconds.

    A block that was tried before is taken alone: should it kill its worker again, no other pays for it with an attempt.
    Blocks whose last attempt ended without a word are left for `expire` to fail. The cost does not grow with the blocks
    that are done: those are not in the index that is read.
    """
    rows = session.scalars(
        select(BlockRow)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(
            JobBlockRow.job_id == job_id,
            open_(),
            claimable(lease_s),
            or_(BlockRow.status == "waiting", BlockRow.attempts < most_attempts),
        )
        .order_by(JobBlockRow.position)
        .limit(limit)
        .with_for_update(skip_locked=True, of=BlockRow)
    ).all()
    claims = []
    for row in rows[:1] if rows and rows[0].attempts else [row for row in rows if not row.attempts]:
        row.status, row.owner = "claimed", owner
        row.fence += 1
        row.attempts += 1
        row.lease_until = now_s() + lease_s  # an SQL expression, evaluated at flush
        claims.append(
            Claim(
                key=row.key,
                fence=row.fence,
                owner=owner,
                cell=BlockCell(row.grid_column, row.grid_row),
                epsg=row.epsg,
                source_id=row.source_id,
                source_version=row.source_version,
                models=_models_of(row),
                augmentation=Augmentation(row.augmentation),
                attempts=row.attempts,
            )
        )
    session.flush()
    return claims


def _models_of(row: BlockRow) -> tuple[ModelUsed, ...]:
    return (ModelUsed(row.model_id, row.model_sha256), *(ModelUsed(*pair) for pair in row.further_models or ()))


def open_() -> TextClause:
    """A job's block whose end is not counted yet, in the words of the partial index that holds just those.

    SQLAlchemy would write `ended = 0` for SQLite, which does not find the index.
    """
    return text("NOT job_block.ended")


def _held(claim_: Claim) -> ColumnElement[bool]:
    return and_(BlockRow.key == claim_.key, BlockRow.fence == claim_.fence, BlockRow.status == "claimed")


def _changed(session: Session, statement: object) -> bool:
    result = session.execute(statement)  # type: ignore[call-overload]  # an update, whichever
    return isinstance(result, CursorResult) and result.rowcount == 1


def renew(session: Session, claim_: Claim, *, lease_s: float) -> bool:
    """Prolongs the lease; False when the block is no longer this worker's."""
    return _changed(session, update(BlockRow).where(_held(claim_)).values(lease_until=now_s() + lease_s))


def complete(
    session: Session,
    claim_: Claim,
    *,
    href: str,
    sha256: str,
    histogram: dict[str, int],
    seconds: float,
    size_bytes: int | None = None,
) -> bool:
    """Publishes the block; False, and nothing changes, when its fence has moved on."""
    return _changed(
        session,
        update(BlockRow)
        .where(_held(claim_))
        .values(
            status="done",
            href=href,
            sha256=sha256,
            histogram=histogram,
            seconds=seconds,
            bytes=size_bytes,
            reason=None,
            finished_at=now_s(),
            used_at=now_s(),
        ),
    )


def hand_back(session: Session, claim_: Claim, *, reason: str | None = None, wait_s: float = 0.0) -> bool:
    """Returns a block that was not tried to its end: the attempt does not count. Nobody claims it for `wait_s`."""
    return _changed(
        session,
        update(BlockRow)
        .where(_held(claim_))
        .values(status="waiting", owner=None, attempts=BlockRow.attempts - 1, reason=reason, retry_at=now_s() + wait_s),
    )


def fail_attempt(session: Session, claim_: Claim, reason: str, *, final: bool, wait_s: float = 0.0) -> bool:
    """Ends an attempt that went wrong; `final` fails the block, else it waits `wait_s` for another try."""
    status = "failed" if final else "waiting"
    return _changed(
        session,
        update(BlockRow)
        .where(_held(claim_))
        .values(status=status, owner=None, reason=reason, retry_at=now_s() + wait_s, finished_at=now_s()),
    )


def wait_s(times: int) -> float:
    """How long to wait after something went wrong so many times in a row: 10 s, and twice as long each time."""
    return min(LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (max(1, times) - 1))


def lost(session: Session, *, lease_s: float, most_attempts: int, limit: int) -> Sequence[str]:
    """Keys of some blocks whose last allowed attempt ended without a word."""
    return session.scalars(
        select(BlockRow.key)
        .where(BlockRow.status == "claimed", not_(held(lease_s)), BlockRow.attempts >= most_attempts)
        .limit(limit)
    ).all()


def expire(session: Session, key: str, *, lease_s: float) -> BlockRow | None:
    """Fails a block whose worker was lost; None where it is in hand again, or ended, or others are at it."""
    row = session.scalar(
        select(BlockRow)
        .where(BlockRow.key == key, BlockRow.status == "claimed", not_(held(lease_s)))
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        row.status, row.owner = "failed", None
        row.reason = f"the worker was lost {row.attempts} times while it computed this block"
        row.finished_at = now_s()  # an SQL expression, evaluated at flush
        session.flush()
    return row


_T = TypeVar("_T")


def batches(items: Iterable[_T], size: int = _ROWS_AT_ONCE) -> Iterator[list[_T]]:
    """Lists of at most `size` of the items: a statement takes a limited number of values."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
