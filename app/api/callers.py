"""Who asks, and the key under which asking twice is asking once."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import Header, Request

IdempotencyKey = Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")]


def owner_of(request: Request) -> str:
    """Who asks: an anonymous caller is the address it comes from."""
    return f"address:{request.client.host if request.client else 'unknown'}"


def request_sha256(asked: object) -> str:
    """Tells one request (JSON values) from another under the same idempotency key."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
