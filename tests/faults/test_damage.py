"""Rasters damaged under a running server (T10): 503 and a red readiness rather than wrong classes, and recovery."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.observations import require_refusal
from tests.faults.server import WebProcess, web_process

TILE = "/tiles/blobs/18/133446/95763.png"
OTHER_LAYER = "/tiles/town/17/66722/47880.png"
WITHIN_S = 10.0


@pytest.fixture(scope="module")
def watched(published_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A server over its own copy of the data, that keeps no tile in memory and looks at its files twice a second."""
    folder = tmp_path_factory.mktemp("damaged") / "data"
    shutil.copytree(published_data, folder)
    with web_process(
        folder, tmp_path_factory.mktemp("web"), COSIA_SCRUB_S="0.5", COSIA_TILE_CACHE_BYTES="0"
    ) as process:
        yield process


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _remove(path: Path) -> None:
    path.unlink()


def _wait_for(status: int, target: str, server: WebProcess, good: bytes | None = None) -> None:
    """Asks until that status comes; a picture on the way must be the good one."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        answer = server.ask(target)
        if answer.status == 200 and good is not None:
            assert answer.body == good, "wrong classes"
        if answer.status == status:
            return
        assert time.monotonic() < deadline, (target, answer.status, answer.body[:300])
        time.sleep(0.1)


@pytest.mark.parametrize("damage", [_flip_a_byte, _truncate, _empty, _remove])
def test_a_damaged_raster_shows_nothing_wrong_and_comes_back_by_itself(
    watched: WebProcess, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    good = watched.ask(TILE)
    assert good.status == 200
    raster = max((watched.data / "layers" / "blobs").rglob("*.tif"), key=lambda path: path.stat().st_size)
    saved = shutil.copy(raster, tmp_path / "saved.tif")

    damage(raster)

    _wait_for(503, TILE, watched, good.body)
    require_refusal(watched.ask(TILE), watched, 503)
    _wait_for(503, "/readyz", watched)
    assert str(watched.data) not in watched.ask("/readyz").body.decode()
    assert watched.ask("/healthz").status == 200
    assert watched.ask(OTHER_LAYER).status == 200
    assert any(line["level"] == "error" for line in watched.log_lines())

    shutil.copy(saved, raster)

    _wait_for(200, TILE, watched, good.body)
    _wait_for(200, "/readyz", watched)
