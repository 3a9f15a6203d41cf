"""When a server of others wants to be asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_s(stated: str | None) -> float | None:
    """Seconds from now of a `Retry-After` header, which states seconds or a date (RFC 9110, section 10.2.3).

    None without a header, or for one that says neither.
    """
    stated = (stated or "").strip()
    if stated.isdecimal():
        return float(stated)
    try:
        at = parsedate_to_datetime(stated)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None
