"""The life of a job: accepted, running, then successful, failed or dismissed for ever (OGC API - Processes 1.0).

Commit, then ring: what is asked stands in the database before the broker hears of it, and whatever the broker
forgets `sweep` rings again.
"""

from __future__ import annotations

from app.jobs.bells import hear, ring
from app.jobs.fetching import Fetch, FetchPace, fetch_pace
from app.jobs.finishing import (
    Files,
    begin_finalizing,
    fail,
    fail_finalizing,
    postpone_finalizing,
    renew_finalizing,
    set_aside,
    succeed,
    tell_progress,
)
from app.jobs.limits import Limits, Usage, limits_of, refusal, usage
from app.jobs.listing import Selection, list_of
from app.jobs.outlook import Outlook, jobs_ahead, outlook, ready_blocks
from app.jobs.paces import Price, price
from app.jobs.reopening import damaged
from app.jobs.repeats import equal_results, results_key
from app.jobs.states import (
    ACTIVE,
    COMPARE_LAYERS,
    MEASURE_AREAS,
    PREDICT_LAND_COVER,
    TERMINAL,
    Progress,
    done_blocks,
    ended_blocks,
    events_since,
    get,
    progress,
    request_id,
)
from app.jobs.submission import Count, Request, serialise_submissions, submit, submit_count
from app.jobs.sweeping import Swept, sweep
from app.jobs.visibility import Seen, own, seen_by
from app.jobs.work import batch_size, block_bbox, block_ended, claim_blocks, dismiss, postponed

__all__ = [
    "ACTIVE",
    "COMPARE_LAYERS",
    "MEASURE_AREAS",
    "PREDICT_LAND_COVER",
    "TERMINAL",
    "Count",
    "Fetch",
    "FetchPace",
    "Files",
    "Limits",
    "Outlook",
    "Price",
    "Progress",
    "Request",
    "Seen",
    "Selection",
    "Swept",
    "Usage",
    "batch_size",
    "begin_finalizing",
    "block_bbox",
    "block_ended",
    "claim_blocks",
    "damaged",
    "dismiss",
    "done_blocks",
    "ended_blocks",
    "equal_results",
    "events_since",
    "fail",
    "fail_finalizing",
    "fetch_pace",
    "get",
    "hear",
    "jobs_ahead",
    "limits_of",
    "list_of",
    "outlook",
    "own",
    "postpone_finalizing",
    "postponed",
    "price",
    "progress",
    "ready_blocks",
    "refusal",
    "renew_finalizing",
    "request_id",
    "results_key",
    "ring",
    "seen_by",
    "serialise_submissions",
    "set_aside",
    "submit",
    "submit_count",
    "succeed",
    "sweep",
    "tell_progress",
    "usage",
]
