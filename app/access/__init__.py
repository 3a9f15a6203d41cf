"""Who asks, and what that allows: API keys, anonymous callers by their address."""

from __future__ import annotations

from app.access.caller import Caller, anonymous

__all__ = ["Caller", "anonymous"]
