"""The life of a job: accepted, running, then successful, failed or dismissed for ever (OGC API - Processes 1.0).

Commit, then ring: what is asked stands in the database before the broker hears of it, and whatever the broker
forgets `sweep` rings again.
"""

from __future__ import annotations

from app.jobs.finishing import (
    begin_finalizing,
    fail,
    fail_finalizing,
    postpone_finalizing,
    renew_finalizing,
    set_aside,
    succeed,
    tell_progress,
)
from app.jobs.queue import blocks_ahead, has_claimable, jobs_ahead, ready_blocks, ring, seconds_per_block, sweep
from app.jobs.states import (
    ACTIVE,
    COMPARE_LAYERS,
    MEASURE_AREAS,
    PREDICT_LAND_COVER,
    TERMINAL,
    Progress,
    done_blocks,
    events_since,
    get,
    list_of,
    progress,
)
from app.jobs.submission import Count, Limits, Request, submit, submit_count
from app.jobs.visibility import Seen, own, seen_by
from app.jobs.work import block_bbox, block_ended, claim_blocks, dismiss

__all__ = [
    "ACTIVE",
    "COMPARE_LAYERS",
    "MEASURE_AREAS",
    "PREDICT_LAND_COVER",
    "TERMINAL",
    "Count",
    "Limits",
    "Progress",
    "Request",
    "Seen",
    "begin_finalizing",
    "block_bbox",
    "block_ended",
    "blocks_ahead",
    "claim_blocks",
    "dismiss",
    "done_blocks",
    "events_since",
    "fail",
    "fail_finalizing",
    "get",
    "has_claimable",
    "jobs_ahead",
    "list_of",
    "own",
    "postpone_finalizing",
    "progress",
    "ready_blocks",
    "renew_finalizing",
    "ring",
    "seconds_per_block",
    "seen_by",
    "set_aside",
    "submit",
    "submit_count",
    "succeed",
    "sweep",
    "tell_progress",
]
