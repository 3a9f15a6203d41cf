"""What must be true of everything that was ever accepted, however the service was harmed (facts/FAULTS.md, G7)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from sqlalchemy import select

from app.database import BlockRow, EventRow, JobRow
from tests.faults.stack import TERMINAL, Stack
from tests.faults.territory import Area

_NAMES_THE_JOB = {"report", "stac", "tiles"}  # their bytes hold the job's id or the time


def results_of(stack: Stack, job: str) -> dict[str, str]:
    """Output name -> sha256 of what its link gives, of all outputs that hold nothing of the job but its result."""
    answer = stack.web.ask(f"/api/jobs/{job}/results")
    assert answer.status == 200, (answer.status, answer.body)
    digests = {}
    for name, each in answer.document.items():
        if name in _NAMES_THE_JOB:
            continue
        path = each["href"].partition("://")[2].partition("/")[2]
        file = stack.web.ask(f"/{path}")
        assert file.status == 200, (name, file.status, file.body[:300])
        digests[name] = hashlib.sha256(file.body).hexdigest()
    return digests


class Undisturbed:
    """A stack that nobody harms, and what its jobs gave."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._known: dict[str, dict[str, str]] = {}

    def results(self, area: Area, inputs: dict[str, Any]) -> dict[str, str]:
        """As `results_of`, of a job that asked for the same."""
        asked = json.dumps([repr(area), inputs], sort_keys=True)
        if asked not in self._known:
            job = self._stack.ask(area, **inputs)
            assert self._stack.wait(job) == ["successful"]
            self._known[asked] = results_of(self._stack, job)
        return self._known[asked]


def require_conserved(
    stack: Stack, undisturbed: Undisturbed, *, kills: int = 0, again: int | None = None, damaged: int = 0
) -> None:
    """Nothing was lost, doubled or left behind: jobs, blocks, events, files. All jobs of the stack must have ended.

    kills: how often a worker was killed; each may leave one temporary file.
    again: how many blocks may have been computed again; without it one a kill, which is the one at hand.
    damaged: how many files of done blocks were damaged; each is computed, and told to a job, once more.
    """
    with stack.sessions.read() as session:
        jobs = {row.id: row for row in session.scalars(select(JobRow))}
        blocks = list(session.scalars(select(BlockRow)))
        events = list(session.scalars(select(EventRow)))
    assert set(stack.accepted) <= set(jobs), "a job that was answered with 201 is gone"
    assert {row.status for row in jobs.values()} <= set(TERMINAL)
    for job, (area, inputs) in stack.accepted.items():
        if jobs[job].status == "successful":
            assert results_of(stack, job) == undisturbed.results(area, inputs), "other bytes than undisturbed"
    _require_each_block_told_once(events, damaged=damaged)
    _require_one_file_per_block(stack, blocks, kills=kills)
    done = sum(block.status == "done" for block in blocks)
    most = done + (kills if again is None else again) + damaged
    assert stack.blocks_computed() <= most, "blocks were computed more often than anything was harmed"


def _require_each_block_told_once(events: list[EventRow], *, damaged: int) -> None:
    """Of each job: numbers without a gap, one event per block, one event of a terminal status at most."""
    told = Counter((each.job_id, json.dumps(each.data["bbox"])) for each in events if each.kind == "block")
    assert sum(told.values()) - len(told) <= damaged, "a block was published twice to a job"
    for job in {each.job_id for each in events}:
        numbers = sorted(each.id for each in events if each.job_id == job)
        assert numbers == list(range(1, len(numbers) + 1))


def _require_one_file_per_block(stack: Stack, blocks: list[BlockRow], *, kills: int) -> None:
    """Done blocks have their file, with the sha256 of the row, and no other block has one.

    A writer that was killed leaves its temporary file for the sweeper, which removes it after a grace: no more than
    one a kill.
    """
    everything = [path for path in stack.data.rglob("*") if path.is_file()]
    half = [path for path in everything if path.name.startswith(".")]
    assert len(half) <= kills, "temporary files are left"
    files = {path for path in everything if (stack.data / "blocks") in path.parents} - set(half)
    expected = {stack.data / (block.href or ""): block.sha256 for block in blocks if block.status == "done"}
    assert files == set(expected), "files without a row, or rows without a file"
    for path, digest in expected.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
