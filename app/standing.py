"""How the service stands, from its rows: what is asked, what waits, who works. For metrics, checks and readiness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import blocks, workers
from app.database import BlockRow, JobRow, WorkerRow, now_s
from app.definitions import BLOCK_PX
from app.jobs import ACTIVE, TERMINAL
from app.settings import Settings


@dataclass(frozen=True)
class Worker:
    """A worker process. state: `ready`, `out of service`, `stopped`, or `lost` where it gave no sign of life lately.

    px_per_s: model id -> its measured pace.
    """

    id: str
    device: str
    queues: str
    state: str
    reason: str | None
    seen_s_ago: float
    px_per_s: Mapping[str, float]


@dataclass(frozen=True)
class Queue:
    """Of active jobs: blocks they still wait for (a shared one counts for each job), messages on their way."""

    jobs: int
    blocks: int
    bells: int


@dataclass(frozen=True)
class Standing:
    """jobs: status -> number. blocks_claimed: in the hands of workers. tallies: what all workers have counted."""

    jobs: Mapping[str, int]
    queues: Mapping[str, Queue]
    blocks_claimed: int
    workers: Sequence[Worker]
    tallies: Mapping[str, float]

    def ready(self) -> list[Worker]:
        """Workers that take jobs now."""
        return [worker for worker in self.workers if worker.state == "ready"]


def standing(session: Session, settings: Settings) -> Standing:
    """A handful of statements, none of which reads the blocks of a job."""
    counted = select(JobRow.status, func.count()).group_by(JobRow.status)
    held = select(func.count()).select_from(BlockRow).where(blocks.held(settings.lease_s))
    return Standing(
        jobs=dict.fromkeys((*ACTIVE, *TERMINAL), 0) | {row[0]: row[1] for row in session.execute(counted)},
        queues=_queues(session),
        blocks_claimed=session.scalar(held) or 0,
        workers=_workers(session, settings),
        tallies=workers.tallies(session),
    )


def _queues(session: Session) -> dict[str, Queue]:
    left = func.sum(JobRow.blocks_total - JobRow.blocks_done - JobRow.blocks_failed)
    statement = (
        select(JobRow.queue, func.count(), left, func.sum(JobRow.bells))
        .where(JobRow.status.in_(ACTIVE))
        .group_by(JobRow.queue)
        .order_by(JobRow.queue)
    )
    return {queue: Queue(jobs, int(left), int(bells)) for queue, jobs, left, bells in session.execute(statement)}


def _workers(session: Session, settings: Settings) -> list[Worker]:
    alive = workers.seen()
    statement = (
        select(WorkerRow, alive, now_s() - WorkerRow.seen_at)
        .where(WorkerRow.id != workers.PAST)
        .order_by(WorkerRow.started_at, WorkerRow.id)
    )
    return [
        Worker(
            id=row.id,
            device=row.device,
            queues=row.queues,
            state=row.state if is_alive or row.state == "stopped" else "lost",
            reason=row.reason,
            seen_s_ago=max(0.0, seen_s_ago),
            px_per_s={model: BLOCK_PX**2 / seconds for model, seconds in row.seconds_per_block.items() if seconds},
        )
        for row, is_alive, seen_s_ago in session.execute(statement)
    ]
