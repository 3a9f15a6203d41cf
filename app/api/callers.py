"""Who asks: the owner of the API key that comes with the request, or the address it comes from.

Keys are looked for in headers alone: an address ends up in histories and logs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool

from app.access import Caller, Keyring, anonymous, unauthorised
from app.settings import settings

IdempotencyKey = Annotated[str | None, Header(max_length=255, pattern=r"^[\x21-\x7e]+$")]


async def caller_of(request: Request) -> Caller:
    """Raises Unauthorised where a key was sent and is not valid."""
    text = _key_of(request)
    if text is None:
        return anonymous(request.client.host if request.client else None)
    keyring: Keyring = request.app.state.keyring
    return await run_in_threadpool(keyring.caller_of, text)


def _key_of(request: Request) -> str | None:
    """The key that was sent, whatever it looks like; None where none was."""
    authorizations, keys = request.headers.getlist("authorization"), request.headers.getlist("x-api-key")
    if not authorizations and not keys:
        return None
    if len(authorizations) + len(keys) > 1:
        raise unauthorised()
    if keys:
        return keys[0]
    scheme, _, credentials = authorizations[0].partition(" ")
    if scheme.lower() != "bearer":
        raise unauthorised()
    return credentials.strip()


CallerOf = Annotated[Caller, Depends(caller_of)]
"""A parameter of a route that shows things: whoever asks sees what is theirs, and what has a permalink."""


def asking(caller: CallerOf) -> Caller:
    """Raises Unauthorised where only keys may ask."""
    if settings().api_keys == "required" and not caller.has_key:
        raise unauthorised()
    return caller


AskingCaller = Annotated[Caller, Depends(asking)]
"""A parameter of a route that makes work or lists what somebody asked for."""


def request_sha256(asked: object) -> str:
    """Tells one request (JSON values) from another under the same idempotency key."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
