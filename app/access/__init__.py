"""Who asks, and what that allows: API keys, anonymous callers by their address."""

from __future__ import annotations

from app.access.caller import Caller, anonymous
from app.access.keyring import Keyring, unauthorised
from app.access.keys import NewKey, add, list_keys, revoke

__all__ = ["Caller", "Keyring", "NewKey", "add", "anonymous", "list_keys", "revoke", "unauthorised"]
