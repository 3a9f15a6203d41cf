"""Routes of jobs answer within seconds, or say when to come back, whatever hangs behind them."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.patience import Patience


async def exchange(app: ASGIApp, path: str = "/api/jobs", *, body: list[bytes] | None = None) -> list[Message]:
    """What a client gets that sends these parts of a body, a tenth of a second apart."""
    parts = list(body or [])
    method = "GET" if body is None else "POST"
    sent: list[Message] = []

    async def receive() -> Message:
        if not parts:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "method": method, "headers": []}, receive, send)
    return sent


async def answer(send: Send, *parts: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def test_who_waits_for_something_that_hangs_is_told_to_come_back() -> None:
    async def scenario() -> None:
        let_go, ended = asyncio.Event(), asyncio.Event()

        async def hanging(_: Scope, __: Receive, send: Send) -> None:
            await let_go.wait()
            await answer(send, b"too late")
            ended.set()

        start, *rest = await exchange(Patience(hanging, wait_s=0.05))

        headers = dict(start["headers"])
        assert start["status"] == 503
        assert int(headers[b"retry-after"]) > 0
        assert headers[b"content-type"] == b"application/problem+json"
        # What was begun goes on to its end, and nobody hears of it.
        let_go.set()
        await asyncio.wait_for(ended.wait(), 5)
        assert b"too late" not in b"".join(message.get("body", b"") for message in rest)

    asyncio.run(scenario())


def test_a_stream_that_has_begun_goes_on_for_as_long_as_it_likes() -> None:
    async def streaming(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"end", "more_body": False})

    messages = asyncio.run(exchange(Patience(streaming, wait_s=0.05), "/api/jobs/1/events"))

    assert [message.get("status", message.get("body")) for message in messages] == [200, b"end"]


def test_a_body_that_comes_slowly_is_waited_for() -> None:
    async def reading(_: Scope, receive: Receive, send: Send) -> None:
        whole = b""
        while True:
            message = await receive()
            whole += message["body"]
            if not message["more_body"]:
                break
        await answer(send, whole)

    messages = asyncio.run(exchange(Patience(reading, wait_s=0.15), body=[b"a", b"b", b"c"]))

    assert (messages[0]["status"], messages[1]["body"]) == (200, b"abc")


def test_other_routes_take_their_time() -> None:
    async def slow(_: Scope, __: Receive, send: Send) -> None:
        await asyncio.sleep(0.2)
        await answer(send)

    messages = asyncio.run(exchange(Patience(slow, wait_s=0.05), "/api/collections/town/areas"))

    assert messages[0]["status"] == 200


def test_a_surprise_before_the_time_is_over_is_not_swallowed() -> None:
    async def broken(_: Scope, __: Receive, ___: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(exchange(Patience(broken, wait_s=60)))
