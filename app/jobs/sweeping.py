"""The sweeper: fails blocks that lost their worker too often, and rings again for what the broker lost.

It looks at active jobs only, changes each in a transaction of its own, and leaves alone what waits for its turn.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, not_, or_, select

from app import blocks, broker
from app.database import BellRow, BlockRow, JobBlockRow, JobRow, Sessions, now_s
from app.definitions import BlockCell
from app.jobs.bells import ring
from app.jobs.finishing import held
from app.jobs.states import ACTIVE
from app.jobs.work import block_bbox, block_ended
from app.settings import settings

_BLOCKS_AT_ONCE = 100
_JOBS_AT_ONCE = 1000
_ROUNDS_OF_GRACE = 2


class Swept(NamedTuple):
    """Keys of blocks that failed because their worker was lost; ids of jobs that were rung again."""

    blocks_failed: list[str]
    jobs_rung: list[str]


def sweep(sessions: Sessions) -> Swept:
    """One round. Any number of processes may sweep at a time; one is enough."""
    failed, complete = _fail_the_lost(sessions)
    rung = [job_id for job_id in complete if ring(sessions, job_id)]
    with sessions.read() as session:
        queues = session.scalars(select(JobRow.queue).where(JobRow.status.in_(ACTIVE)).distinct()).all()
    # Before the jobs are read: what is rung from now on is younger than the grace.
    waiting = {queue: broker.waiting(queue) for queue in (broker.CPU, *queues)}
    if None in waiting.values():  # the broker is away: each bell would only wait for its answer
        return Swept(failed, rung)
    empty = [queue for queue, bells in waiting.items() if not bells]
    with sessions.read() as session:
        silent = session.execute(_silent(empty)).all()
    for job_id, rung_at in silent:
        if ring(sessions, job_id, lost_of=rung_at):
            rung.append(job_id)
    return Swept(failed, rung)


def _fail_the_lost(sessions: Sessions) -> tuple[list[str], list[str]]:
    """Fails some blocks whose last allowed attempt ended without a word; (their keys, jobs that wait for none now)."""
    lease_s = settings().lease_s
    with sessions.read() as session:
        keys = blocks.lost(session, lease_s=lease_s, most_attempts=settings().attempts, limit=_BLOCKS_AT_ONCE)
    failed, complete = [], []
    for key in keys:  # one a transaction: who holds a job's row waits for no block
        with sessions.write() as session:
            row = blocks.expire(session, key, lease_s=lease_s)
            if row is not None:
                bbox = block_bbox(row.epsg, BlockCell(row.grid_column, row.grid_row))
                complete += block_ended(session, key, bbox, failed=True)
                failed.append(key)
    return failed, complete


def _silent(empty: list[str]) -> Select[str, float]:
    """Active jobs whose bells are lost, or that have none and need one, with the time they were rung."""
    lease_s, grace_s = settings().lease_s, _ROUNDS_OF_GRACE * settings().sweep_s
    finished = JobRow.blocks_done + JobRow.blocks_failed == JobRow.blocks_total
    queue = case((finished, broker.CPU), else_=JobRow.queue)
    # A time ahead was noted before the clock was set back.
    recently = func.abs(now_s() - JobRow.rung_at) <= grace_s
    overtaken = exists().where(
        BellRow.queue == queue,
        BellRow.priority == JobRow.priority,
        BellRow.heard > JobRow.rung_at + grace_s,
        BellRow.heard <= now_s(),
    )
    lost = and_(JobRow.bells > 0, or_(queue.in_(empty) if empty else false(), overtaken))
    stuck = and_(JobRow.bells == 0, or_(finished, and_(not_(_in_hand(lease_s)), _can_be_claimed(lease_s))))
    return (
        select(JobRow.id, JobRow.rung_at)
        .where(JobRow.status.in_(ACTIVE), not_(recently), not_(held(lease_s)), or_(lost, stuck))
        .order_by(JobRow.priority, JobRow.created_at, JobRow.id)
        .limit(_JOBS_AT_ONCE)
    )


def _in_hand(lease_s: float) -> ColumnElement[bool]:
    return _has_block(blocks.held(lease_s))


def _can_be_claimed(lease_s: float) -> ColumnElement[bool]:
    return _has_block(blocks.claimable(lease_s))


def _has_block(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(JobBlockRow.job_id == JobRow.id, blocks.open_(), BlockRow.key == JobBlockRow.block_key, which)
