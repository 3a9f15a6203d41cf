"""What a job's message says while nothing happens, and the reason that it gives."""

from __future__ import annotations

_POSTPONED = "postponed: "


def postponed_message(reason: str) -> str:
    """The message of a job that waits for this reason."""
    return _POSTPONED + reason


def reason_to_wait(message: str) -> str | None:
    """The reason of such a message; None for any other."""
    return message.removeprefix(_POSTPONED) if message.startswith(_POSTPONED) else None
