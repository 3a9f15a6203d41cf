"""Storage that is full, read-only, slow, or fails (S01, S03, S04, S05); block files damaged before they are used."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.database import BlockRow
from tests.components import require
from tests.faults.canary import canaries
from tests.faults.failing import Fault
from tests.faults.ledger import Undisturbed, require_conserved
from tests.faults.stack import Stack
from tests.faults.territory import Area

MOUNTED_BYTES = 24_000_000
ATTEMPTS = 40
"""Blocks that may be computed for nothing while they cannot be written: each waits longer than the one before."""


@pytest.fixture
def mounted(postgis_stack: Stack) -> Iterator[Stack]:
    """A stack whose data folder is a small file system of its own."""
    mount = require("mount")
    kept = postgis_stack.folder / "kept"
    postgis_stack.data.rename(kept)
    postgis_stack.data.mkdir()
    subprocess.run([mount, "-t", "tmpfs", "-o", f"size={MOUNTED_BYTES}", "tmpfs", postgis_stack.data], check=True)
    try:
        shutil.copytree(kept, postgis_stack.data, dirs_exist_ok=True)
        yield postgis_stack
    finally:
        postgis_stack.close()
        subprocess.run(["umount", "--lazy", postgis_stack.data], check=True)


def fill(data: Path, *, leave_bytes: int) -> Path:
    """Leaves that much room."""
    ballast = data / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, shutil.disk_usage(data).free - leave_bytes))
    return ballast


def postponed(stack: Stack, job: str) -> bool:
    """Whether the job says that it waits for the storage."""
    return "storage" in str(stack.status(job).get("message"))


@pytest.mark.thorough
@pytest.mark.parametrize("leave_bytes", [0, 20_000], ids=["full before", "full in the middle of a file"])
def test_a_full_storage_postpones_blocks_and_loses_nothing(
    mounted: Stack, undisturbed: Undisturbed, leave_bytes: int
) -> None:
    mounted.start_web()
    ballast = fill(mounted.data, leave_bytes=leave_bytes)
    mounted.start_worker()
    with canaries(mounted):
        job = mounted.ask(Area(columns=2))
        mounted.wait_until(lambda: postponed(mounted, job), "the job says why it waits", 20)
        time.sleep(6)  # for more attempts than a block has
        assert mounted.status(job)["status"] in ("accepted", "running")
        assert [path for path in mounted.data.rglob(".*") if path.is_file()] == []
        ballast.unlink()

        assert mounted.wait(job) == ["successful"]
    require_conserved(mounted, undisturbed, again=ATTEMPTS)


@pytest.mark.thorough
def test_a_storage_that_is_full_when_results_are_made_postpones_them(mounted: Stack, undisturbed: Undisturbed) -> None:
    mounted.start_web()
    worker = mounted.start_worker(Fault("row-written", "halt", at=2))
    with canaries(mounted):
        job = mounted.ask(Area(columns=2))
        mounted.wait_until_reached("row-written")
        ballast = fill(mounted.data, leave_bytes=0)
        worker.release("row-written")
        mounted.wait_until(lambda: postponed(mounted, job), "the job says why it waits", 20)
        ballast.unlink()

        assert mounted.wait(job) == ["successful"]
    require_conserved(mounted, undisturbed)


@pytest.mark.thorough
def test_a_storage_that_becomes_read_only_postpones_and_loses_nothing(mounted: Stack, undisturbed: Undisturbed) -> None:
    mounted.start_web()
    mounted.start_worker()
    with canaries(mounted):
        subprocess.run(["mount", "-o", "remount,ro", mounted.data], check=True)
        job = mounted.ask(Area(columns=2))
        mounted.wait_until(lambda: postponed(mounted, job), "the job says why it waits", 20)
        subprocess.run(["mount", "-o", "remount,rw", mounted.data], check=True)

        assert mounted.wait(job) == ["successful"]
    require_conserved(mounted, undisturbed, again=ATTEMPTS)


@pytest.mark.thorough
@pytest.mark.parametrize("errno", [5, 28], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("stage", ["fsync", "renaming"])
def test_a_write_that_fails_is_tried_again(
    sqlite_stack: Stack, undisturbed: Undisturbed, stage: str, at: int, errno: int
) -> None:
    sqlite_stack.start_web()
    sqlite_stack.start_worker(Fault(stage, f"raise:{errno}", at=at))
    job = sqlite_stack.ask(Area(columns=2))

    assert sqlite_stack.wait(job) == ["successful"]
    require_conserved(sqlite_stack, undisturbed, again=1)


@pytest.mark.thorough
def test_a_disk_that_fails_at_every_write_for_a_while_costs_no_attempt(
    postgis_stack: Stack, undisturbed: Undisturbed
) -> None:
    postgis_stack.start_web()
    sick = postgis_stack.start_worker(Fault("fsync", "raise:5", always=True))
    job = postgis_stack.ask(Area(columns=2))
    postgis_stack.wait_until(lambda: postponed(postgis_stack, job), "the job says why it waits", 20)
    time.sleep(6)  # for more attempts than a block has
    assert postgis_stack.status(job)["status"] in ("accepted", "running")

    sick.kill()
    postgis_stack.start_worker()

    assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed, again=ATTEMPTS)


@pytest.mark.thorough
def test_a_slow_disk_costs_no_lease(postgis_stack: Stack, undisturbed: Undisturbed) -> None:
    """S04: the heartbeat goes on while a write is waited for; the second worker takes nothing away."""
    postgis_stack.start_web()
    postgis_stack.start_worker(Fault("fsync", "slow:5", always=True))
    with canaries(postgis_stack):
        job = postgis_stack.ask()
        postgis_stack.wait_until_reached("fsync")
        postgis_stack.start_worker()

        assert postgis_stack.wait(job) == ["successful"]
    require_conserved(postgis_stack, undisturbed)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "damage",
    [flip, pytest.param(truncate, marks=pytest.mark.thorough), pytest.param(remove, marks=pytest.mark.thorough)],
)
def test_a_block_file_damaged_before_the_end_is_computed_again(
    postgis_stack: Stack, undisturbed: Undisturbed, damage: Callable[[Path], None]
) -> None:
    postgis_stack.start_web()
    worker = postgis_stack.start_worker(Fault("row-written", "halt", at=2))
    job = postgis_stack.ask(Area(columns=2))
    postgis_stack.wait_until_reached("row-written")
    with postgis_stack.sessions.read() as session:
        first = session.scalars(
            select(BlockRow).where(BlockRow.status == "done").order_by(BlockRow.finished_at)
        ).first()
    assert first is not None
    damage(postgis_stack.data / str(first.href))
    worker.release("row-written")

    assert postgis_stack.wait(job) == ["successful"]
    assert postgis_stack.blocks_computed() == 3
    require_conserved(postgis_stack, undisturbed, damaged=1)


@pytest.mark.thorough
@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_block_of_an_earlier_job_is_not_delivered(
    postgis_stack: Stack, undisturbed: Undisturbed, damage: Callable[[Path], None]
) -> None:
    postgis_stack.start_web()
    postgis_stack.start_worker()
    assert postgis_stack.wait(postgis_stack.ask(Area(columns=2))) == ["successful"]
    damage(next((postgis_stack.data / "blocks").rglob("*.tif")))

    assert postgis_stack.wait(postgis_stack.ask(Area(columns=2, rows=2))) == ["successful"]
    require_conserved(postgis_stack, undisturbed, damaged=1)
