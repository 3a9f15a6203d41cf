"""The keys that are valid, in memory: a polled status costs no further statement for them."""

from __future__ import annotations

import hmac
import threading
import time
from typing import NamedTuple

from sqlalchemy import or_, select

from app.access.caller import Caller
from app.access.keys import id_of, sha256_of
from app.database import ApiKeyRow, Sessions, now_s
from app.errors import Unauthorised

_KEPT_S = 5.0
"""Until a revoked or expired key is refused everywhere."""

_LEAST_AGE_S = 0.2
"""Before an id that is not there is looked for again: a stranger who tries many costs five statements a second."""

_REFUSAL = "this needs a valid API key: send it as `Authorization: Bearer …` or `X-API-Key: …`"
_NO_SHA256 = "0" * 64


class _Valid(NamedTuple):
    sha256: str
    caller: Caller


class Keyring:
    """Keys of one database. For any number of threads."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._keys: dict[str, _Valid] = {}
        self._read_at = -_KEPT_S

    def caller_of(self, text: str) -> Caller:
        """Whose key this is. Raises Unauthorised, the same for every reason; Unavailable without the database."""
        key_id = id_of(text)
        known = self._known(key_id) if key_id else None
        # Compared for unknown keys too, and in constant time: how long a refusal takes tells nothing about keys.
        given, kept = sha256_of(text), known.sha256 if known else _NO_SHA256
        if not hmac.compare_digest(given, kept) or known is None:
            raise unauthorised()
        return known.caller

    def _known(self, key_id: str) -> _Valid | None:
        with self._lock:
            age_s = time.monotonic() - self._read_at
            if age_s >= _KEPT_S or (age_s >= _LEAST_AGE_S and key_id not in self._keys):
                self._keys = self._read()
                self._read_at = time.monotonic()
            return self._keys.get(key_id)

    def _read(self) -> dict[str, _Valid]:
        valid = select(ApiKeyRow).where(
            ApiKeyRow.revoked_at.is_(None), or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > now_s())
        )
        with self._sessions.read() as session:
            return {row.id: _Valid(row.sha256, _caller(row)) for row in session.scalars(valid)}


def _caller(row: ApiKeyRow) -> Caller:
    return Caller(
        owner=f"key:{row.owner}", operator=row.operator, active_jobs=row.active_jobs, km2_per_day=row.km2_per_day
    )


def unauthorised() -> Unauthorised:
    """The one refusal: no key, or one that is malformed, unknown, revoked or expired."""
    return Unauthorised(_REFUSAL)
