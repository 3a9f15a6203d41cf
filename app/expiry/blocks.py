"""Blocks: kept for whoever asks for their place again, until there are too many; then the least recently used go.

None goes that an active job holds. A block that goes is claimed, as by a worker that would compute it: so nobody writes
its file while it is removed, and one who dies meanwhile leaves a claim that runs out. It can then be asked for anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

import structlog
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.blocks import block_href
from app.database import BlockRow, JobBlockRow, JobRow, Sessions, now_s
from app.expiry.results import JUST_USED_S
from app.jobs import ACTIVE
from app.settings import Settings
from app.storage import Storage

log = structlog.get_logger(__name__)

_AT_ONCE = 50


def expire(sessions: Sessions, storage: Storage, settings: Settings) -> int:
    """Takes away some blocks that are too many; gives their number."""
    with sessions.read() as session:
        keys = _too_many(session, settings)
    taken = take_away(sessions, storage, keys, lease_s=settings.lease_s, unless_used_within_s=JUST_USED_S)
    if taken:
        log.info("blocks_expired", blocks=len(taken))
    return len(taken)


def _wanted() -> Select[str]:
    """Keys of the blocks that active jobs hold."""
    return select(JobBlockRow.block_key).join(JobRow, JobRow.id == JobBlockRow.job_id).where(JobRow.status.in_(ACTIVE))


def _too_many(session: Session, settings: Settings) -> Sequence[str]:
    """The least recently used blocks whose going makes the others fit into the quota."""
    if not settings.block_bytes:
        return []
    kept = session.scalar(select(func.sum(BlockRow.bytes)).where(BlockRow.status == "done")) or 0
    if kept <= settings.block_bytes:
        return []
    wanted = _wanted().where(JobBlockRow.block_key == BlockRow.key)
    statement = (
        select(BlockRow.key, BlockRow.bytes)
        .where(BlockRow.status == "done", BlockRow.used_at < now_s() - JUST_USED_S, ~wanted.exists())
        .order_by(BlockRow.used_at, BlockRow.key)
        .limit(_AT_ONCE)
    )
    due = []
    for key, size in session.execute(statement):
        if kept <= settings.block_bytes:
            break
        due.append(key)
        kept -= size or 0
    return due


def take_away(
    sessions: Sessions,
    storage: Storage,
    keys: Collection[str],
    *,
    lease_s: float,
    unless_used_within_s: float = 0.0,
    statuses: Sequence[str] = ("done",),
) -> list[str]:
    """Removes the files of blocks that are in one of these statuses and that no active job holds; gives their keys."""
    if not keys:
        return []
    owner = f"expiry:{uuid.uuid4().hex}"
    with sessions.write() as session:
        taken = _claim(session, keys, owner, lease_s, unless_used_within_s, statuses)
    try:
        for key in taken:
            storage.remove(block_href(key))
    finally:
        with sessions.write() as session:
            session.execute(
                update(BlockRow)
                .where(BlockRow.key.in_(taken), BlockRow.owner == owner, BlockRow.status == "claimed")
                .values(status="waiting", owner=None)
            )
    return taken


def _claim(
    session: Session,
    keys: Collection[str],
    owner: str,
    lease_s: float,
    unless_used_within_s: float,
    statuses: Sequence[str],
) -> list[str]:
    locked = session.scalars(
        select(BlockRow.key)
        .where(
            BlockRow.key.in_(keys), BlockRow.status.in_(statuses), BlockRow.used_at <= now_s() - unless_used_within_s
        )
        .order_by(BlockRow.key)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    # A statement of its own: it sees jobs that were committed before the rows were locked. Later ones wait for us.
    taken = sorted(set(locked) - set(session.scalars(_wanted().where(JobBlockRow.block_key.in_(locked)))))
    session.execute(
        update(BlockRow)
        .where(BlockRow.key.in_(taken))
        .values(
            status="claimed",
            owner=owner,
            fence=BlockRow.fence + 1,
            lease_until=now_s() + lease_s,
            attempts=0,
            retry_at=0.0,
            reason=None,
            href=None,
            sha256=None,
            histogram=None,
            bytes=None,
        )
        .execution_options(synchronize_session=False)
    )
    return taken


def measure(sessions: Sessions, storage: Storage) -> None:
    """Notes the bytes of some blocks that do not know theirs, so that the quota counts them."""
    with sessions.read() as session:
        statement = select(BlockRow.key).where(BlockRow.status == "done", BlockRow.bytes.is_(None)).limit(_AT_ONCE)
        keys = session.scalars(statement).all()
    sizes = {key: storage.size_bytes(block_href(key)) for key in keys if storage.exists(block_href(key))}
    with sessions.write() as session:
        for key, size in sorted(sizes.items()):
            done = update(BlockRow).where(BlockRow.key == key, BlockRow.status == "done")
            session.execute(done.values(bytes=size))
