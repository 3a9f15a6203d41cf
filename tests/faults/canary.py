"""Who asks for simple things while others are harmed, and must get them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.observations import require_refusal
from tests.faults.stack import ANSWER_WITHIN_S, Stack
from tests.faults.territory import GOOD_TILE

_PAUSE_S = 0.2
_JOB_ROUTES = ("/api/jobs", "/api/jobs/00000000000000000000000000000000")


@contextmanager
def canaries(stack: Stack) -> Iterator[None]:
    """While the block runs, from the stack's present web process: good tiles and /healthz are 200 all along, and routes
    of jobs answer within 3 s, with a refusal that says when to come back at worst."""
    web, faults = stack.web, []
    stop = threading.Event()

    def sing(targets: tuple[str, ...], statuses: tuple[int, ...]) -> None:
        while not stop.wait(_PAUSE_S):
            for target in targets:
                try:
                    answer = web.ask(target)
                    assert answer.status in statuses, (target, answer.status, answer.body[:300])
                    if answer.status == 503:
                        require_refusal(answer, web, 503)
                except (OSError, AssertionError) as fault:
                    faults.append(f"{target}: {fault!r}")

    singers = [
        threading.Thread(target=sing, args=((GOOD_TILE, "/healthz"), (200,))),
        threading.Thread(target=sing, args=(_JOB_ROUTES, (200, 404, 503))),
    ]
    for singer in singers:
        singer.start()
    try:
        yield
    finally:
        stop.set()
        for singer in singers:
            singer.join()
    assert faults == [], f"within {ANSWER_WITHIN_S:g} s"
