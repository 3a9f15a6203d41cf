"""Files and rows that do not fit each other (S06): litter goes after a grace, what is lost is said to be lost."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.faults.stack import Stack
from tests.faults.territory import Area

OLD_S = 48 * 3600.0
TEMPORARY = ".{name}.0123456789abcdef0123456789abcdef.tmp.tif"


def plant(path: Path, *, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half a file")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_litter_goes_after_a_grace_and_what_is_lost_is_told(stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    job, kept = stack.ask(Area(columns=2)), stack.ask(Area(column=4))
    assert stack.wait(job, kept) == ["successful"] * 2
    block_folder = next((stack.data / "blocks").iterdir())
    old = [
        plant(block_folder / TEMPORARY.format(name="old"), age_s=OLD_S),
        plant(stack.data / "jobs" / kept / TEMPORARY.format(name="old"), age_s=OLD_S),
        plant(stack.data / "blocks" / "ab" / f"ab{'0' * 30}.tif", age_s=OLD_S),
        plant(stack.data / "jobs" / ("0" * 32) / "classes.tif", age_s=OLD_S),
    ]
    young = [
        plant(block_folder / TEMPORARY.format(name="young"), age_s=60),
        plant(stack.data / "blocks" / "cd" / f"cd{'0' * 30}.tif", age_s=60),
    ]
    (stack.data / "jobs" / job / "classes.tif").unlink()

    janitor = stack.start("jobs", "expire")

    assert janitor.wait(60) == 0, janitor.log()
    assert [path for path in old if path.exists()] == []
    assert [path for path in young if not path.exists()] == []
    assert stack.web.ask(f"/api/jobs/{job}/results").status == 410
    assert stack.web.ask(f"/api/jobs/{kept}/results").status == 200


@pytest.mark.thorough
def test_a_block_whose_file_is_gone_is_computed_again(stack: Stack) -> None:
    stack.start_web()
    stack.start_worker()
    assert stack.wait(stack.ask(Area(columns=2))) == ["successful"]
    next((stack.data / "blocks").rglob("*.tif")).unlink()

    assert stack.start("jobs", "expire").wait(60) == 0

    assert stack.wait(stack.ask(Area(columns=2, rows=2))) == ["successful"]
    assert stack.blocks_computed() == 5
