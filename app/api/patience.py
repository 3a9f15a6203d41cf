"""An answer within seconds, whatever hangs behind: who asks for jobs is told to come back rather than kept waiting.

Database, broker and storage have time limits of their own, but several in turn last longer than anybody waits, and a
database whose machine hangs never says anything. What was begun goes on; whoever asks for a job once more under the
same Idempotency-Key is given the one that came of it.
"""

from __future__ import annotations

import asyncio

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.languages import answer_language
from app.api.problems import problem_of
from app.errors import Unavailable

log = structlog.get_logger(__name__)

_KM2_PER_S = 100.0
"""How fast a large area is checked and written down by a busy machine; by an idle one, five times as fast."""

_ROUTES = ("/api/jobs", "/api/processes", "/readyz")


class Patience:
    """ASGI middleware. wait_s: from the whole request to the beginning of its answer, on routes that ask of jobs.

    aoi_km2: the largest area that may be asked for; who sends one waits for longer.
    """

    def __init__(self, app: ASGIApp, wait_s: float, *, aoi_km2: float = 0.0) -> None:
        self._app = app
        self._wait_s = wait_s
        self._wait_for_area_s = wait_s + aoi_km2 / _KM2_PER_S
        self._left_behind: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_ROUTES):
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        late: asyncio.Future[None] = loop.create_future()
        clock: asyncio.TimerHandle | None = None
        begun = False

        def run_out() -> None:
            if not begun and not late.done():
                late.set_result(None)

        async def receive_noting_the_end() -> Message:
            nonlocal clock
            message = await receive()
            if clock is None and not message.get("more_body", False):
                clock = loop.call_later(self._wait_for_area_s, run_out)
            return message

        async def send_unless_late(message: Message) -> None:
            nonlocal begun
            if not late.done():
                begun = True
                await send(message)

        if scope["method"] in ("GET", "HEAD", "DELETE"):
            clock = loop.call_later(self._wait_s, run_out)
        work = asyncio.ensure_future(self._app(scope, receive_noting_the_end, send_unless_late))
        try:
            await asyncio.wait({work, late}, return_when=asyncio.FIRST_COMPLETED)
            if not late.done():
                await work
                return
        except asyncio.CancelledError:
            work.cancel()
            raise
        finally:
            if clock is not None:
                clock.cancel()
        self._leave(work)
        late_answer = Unavailable("this takes longer than usual: try again in a moment")
        await problem_of(late_answer, answer_language(Headers(scope=scope)))(scope, receive, send)

    def _leave(self, work: asyncio.Task[None]) -> None:
        """Lets it end by itself: a thread that waits for the database cannot be stopped."""
        log.warning("answer_late")
        self._left_behind.add(work)
        work.add_done_callback(self._note_end)

    def _note_end(self, work: asyncio.Task[None]) -> None:
        self._left_behind.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            log.error("unexpected_error", exc_info=error)
