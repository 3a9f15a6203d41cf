"""Who asks, and the key under which asking twice is asking once."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import Depends, Header, Request

from app.access import Caller, anonymous

IdempotencyKey = Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")]


async def caller_of(request: Request) -> Caller:
    """Who asks: an anonymous caller is the address it comes from."""
    return anonymous(request.client.host if request.client else None)


CallerOf = Annotated[Caller, Depends(caller_of)]
"""A parameter of a route that wants to know who asks."""


def request_sha256(asked: object) -> str:
    """Tells one request (JSON values) from another under the same idempotency key."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
