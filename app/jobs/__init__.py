"""The life of a job: accepted, running, then successful, failed or dismissed for ever (OGC API - Processes 1.0).

Commit, then ring: what is asked stands in the database before the broker hears of it, and whatever the broker
forgets `sweep` rings again.
"""

from __future__ import annotations

from app.jobs.queue import blocks_ahead, has_claimable, jobs_ahead, ready_blocks, ring, seconds_per_block, sweep
from app.jobs.states import (
    ACTIVE,
    PROCESS_ID,
    TERMINAL,
    Progress,
    done_blocks,
    events_since,
    get,
    list_of,
    progress,
)
from app.jobs.submission import Limits, Request, submit
from app.jobs.work import (
    begin_finalizing,
    block_bbox,
    block_ended,
    claim_blocks,
    dismiss,
    fail,
    postpone_finalizing,
    succeed,
)

__all__ = [
    "ACTIVE",
    "PROCESS_ID",
    "TERMINAL",
    "Limits",
    "Progress",
    "Request",
    "begin_finalizing",
    "block_bbox",
    "block_ended",
    "blocks_ahead",
    "claim_blocks",
    "dismiss",
    "done_blocks",
    "events_since",
    "fail",
    "get",
    "has_claimable",
    "jobs_ahead",
    "list_of",
    "postpone_finalizing",
    "progress",
    "ready_blocks",
    "ring",
    "seconds_per_block",
    "submit",
    "succeed",
    "sweep",
]
