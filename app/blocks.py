"""The life of a block: waiting, claimed by one worker for a while, then done or failed.

A claim is a lease on the database's clock with a fencing number: whoever holds an older number can publish nothing.
Attempts are counted here, in the row, when a block is claimed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.database import BlockRow, JobBlockRow, now_s
from app.definitions import BlockCell, ImagerySource, ModelCard, PredictionGrid

_ROWS_PER_INSERT = 500


def block_key(
    cell: BlockCell, grid: PredictionGrid, source: ImagerySource, card: ModelCard, weights_sha256: str
) -> str:
    """32 hexadecimal digits of a hash over all that decides the pixels of a block: equal key, equal bytes."""
    decides = {
        "weights": weights_sha256,
        "architecture": card.architecture,
        "parameters": card.parameters,
        "bands": card.bands,
        "mean": card.mean,
        "std": card.std,
        "values": card.values,
        "preprocessing": card.preprocessing,
        "margin_px": card.margin_px,
        "window_px": card.window_px,
        "source": source.id,
        "source_version": source.version,
        "epsg": grid.epsg,
        "resolution_m": grid.resolution_m,
        "block_px": grid.block_px,
        "cell": cell,
        "augmentation": None,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]


def block_href(key: str) -> str:
    return f"blocks/{key[:2]}/{key}.tif"


@dataclass(frozen=True)
class Claim:
    """One block in the hands of one worker. `fence` is the number its row must still have to be published."""

    key: str
    fence: int
    owner: str
    cell: BlockCell
    epsg: int
    source_id: str
    source_version: str
    model_id: str
    model_sha256: str
    attempts: int


def ensure(session: Session, rows: Sequence[BlockRow]) -> None:
    """Inserts the blocks that are not there yet, and lets failed ones be tried afresh."""
    dialect = session.get_bind().dialect.name
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    for start in range(0, len(rows), _ROWS_PER_INSERT):
        batch = rows[start : start + _ROWS_PER_INSERT]
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
                "status": "waiting",
            }
            for row in batch
        ]
        session.execute(insert(BlockRow).values(values).on_conflict_do_nothing(index_elements=["key"]))
        session.execute(
            update(BlockRow)
            .where(BlockRow.key.in_([row.key for row in batch]), BlockRow.status == "failed")
            .values(status="waiting", attempts=0, reason=None)
        )


def claimable() -> ColumnElement[bool]:
    """A block nobody holds: waiting, or claimed by a worker that has given no sign of life for a lease."""
    return or_(
        BlockRow.status == "waiting",
        and_(BlockRow.status == "claimed", BlockRow.lease_until < now_s()),
    )


def claim(session: Session, job_id: str, *, owner: str, limit: int, lease_s: float, most_attempts: int) -> list[Claim]:
    """Takes up to `limit` claimable blocks of a job, in its order, for `lease_s` seconds.

    Blocks that were tried `most_attempts` times are left for `expire` to fail.
    """
    rows = session.scalars(
        select(BlockRow)
        .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        .where(JobBlockRow.job_id == job_id, claimable(), BlockRow.attempts < most_attempts)
        .order_by(JobBlockRow.position)
        .limit(limit)
        .with_for_update(skip_locked=True, of=BlockRow)
    ).all()
    claims = []
    for row in rows:
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
                model_id=row.model_id,
                model_sha256=row.model_sha256,
                attempts=row.attempts,
            )
        )
    session.flush()
    return claims


def _held(claim_: Claim) -> ColumnElement[bool]:
    return and_(BlockRow.key == claim_.key, BlockRow.fence == claim_.fence, BlockRow.status == "claimed")


def _changed(session: Session, statement: object) -> bool:
    result = session.execute(statement)  # type: ignore[call-overload]  # an update, whichever
    return isinstance(result, CursorResult) and result.rowcount == 1


def renew(session: Session, claim_: Claim, *, lease_s: float) -> bool:
    """Prolongs the lease; False when the block is no longer this worker's."""
    return _changed(session, update(BlockRow).where(_held(claim_)).values(lease_until=now_s() + lease_s))


def complete(
    session: Session, claim_: Claim, *, href: str, sha256: str, histogram: dict[str, int], seconds: float
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
            reason=None,
            finished_at=now_s(),
        ),
    )


def hand_back(session: Session, claim_: Claim) -> bool:
    """Returns an untouched block: the attempt does not count."""
    return _changed(
        session,
        update(BlockRow).where(_held(claim_)).values(status="waiting", owner=None, attempts=BlockRow.attempts - 1),
    )


def fail_attempt(session: Session, claim_: Claim, reason: str, *, final: bool) -> bool:
    """Ends an attempt that went wrong; `final` fails the block, else it waits for another try."""
    status = "failed" if final else "waiting"
    return _changed(
        session,
        update(BlockRow).where(_held(claim_)).values(status=status, owner=None, reason=reason, finished_at=now_s()),
    )


def expire(session: Session, most_attempts: int) -> list[str]:
    """Fails the blocks whose last allowed attempt ended without a word; returns their keys."""
    keys = session.scalars(
        select(BlockRow.key).where(claimable(), BlockRow.attempts >= most_attempts).with_for_update(skip_locked=True)
    ).all()
    if keys:
        session.execute(
            update(BlockRow)
            .where(BlockRow.key.in_(keys))
            .values(
                status="failed",
                owner=None,
                finished_at=now_s(),
                reason=f"the worker was lost {most_attempts} times while it computed this block",
            )
        )
    return list(keys)
