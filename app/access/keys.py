"""API keys: made once, shown once, kept as hashes.

A key reads `cosia_<id>_<secret>`: the prefix lets scanners find leaked ones, the id names it in lists and logs, the
secret is 256 random bits. Nothing but its sha256 is kept. A slow hash would add nothing: those are for passwords, which
people choose and guessers can try; 2^256 secrets nobody tries.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.database import ApiKeyRow, now_s
from app.errors import ParameterInvalid, Unknown

_FORM = re.compile(r"cosia_([0-9a-f]{12})_[0-9a-f]{64}")
_OWNER = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class NewKey(NamedTuple):
    """`text` is the key itself: it is here for the one time that it is shown."""

    id: str
    text: str


def add(
    session: Session,
    owner: str,
    *,
    operator: bool = False,
    active_jobs: int | None = None,
    km2_per_day: float | None = None,
    expires_days: float | None = None,
) -> NewKey:
    """A new key for an owner, who may have several. Raises ParameterInvalid for a name that cannot be one."""
    if not _OWNER.fullmatch(owner):
        raise ParameterInvalid("an owner is named by 1 to 64 of a-z 0-9 . _ @ -, beginning with a letter or digit")
    key_id = secrets.token_hex(6)
    text = f"cosia_{key_id}_{secrets.token_hex(32)}"
    session.add(
        ApiKeyRow(
            id=key_id,
            owner=owner,
            sha256=sha256_of(text),
            operator=operator,
            active_jobs=active_jobs,
            km2_per_day=km2_per_day,
            expires_at=None if expires_days is None else now_s() + 86_400.0 * expires_days,
        )
    )
    return NewKey(key_id, text)


def revoke(session: Session, key_id: str) -> None:
    """From now on the key is refused; its owner keeps the jobs. Raises Unknown."""
    row = session.get(ApiKeyRow, key_id)
    if row is None:
        raise Unknown(f"there is no key {key_id[:20]!r}")
    session.execute(
        update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None)).values(revoked_at=now_s())
    )


def list_keys(session: Session) -> Sequence[ApiKeyRow]:
    """All keys, those that are refused by now too, oldest first."""
    return session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id)).all()


def id_of(text: str) -> str | None:
    """The id in a key; None for what has not the form of one."""
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
