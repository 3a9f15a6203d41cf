"""More tiles than can be drawn (T11): some are answered, the others are told to come back, nothing breaks."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.observations import canary, require_logged, require_refusal
from tests.faults.server import web_process

KEPT_TILE = "/tiles/town/17/66722/47880.png"
ASKERS = 32


def test_what_cannot_be_drawn_in_time_is_shed_with_a_time_to_come_back(published_data: Path, tmp_path: Path) -> None:
    # Cold tiles, each of its own, over the 2048 px of the layer `blobs`.
    tiles = [f"/tiles/blobs/21/{1067560 + x}/{766095 + y}.png" for x, y in itertools.product(range(14), repeat=2)]
    narrow = {"COSIA_TILE_THREADS": "1", "COSIA_TILE_QUEUE": "2"}
    with web_process(published_data, tmp_path, **narrow) as server:
        assert server.ask(KEPT_TILE).status == 200
        with canary(server, KEPT_TILE), ThreadPoolExecutor(ASKERS) as askers:
            answers = list(askers.map(server.ask, tiles))

        for answer in answers:
            if answer.status not in (200, 204):
                require_refusal(answer, server, 503)
        statuses = {answer.status for answer in answers}
        assert {200, 503} <= statuses
        require_logged(server, answers)
        # The queue is empty again: what was refused is drawn now.
        assert all(server.ask(tile).status in (200, 204) for tile in tiles[:20])
