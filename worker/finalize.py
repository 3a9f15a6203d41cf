"""The end of a job: its results are made by one worker at a time, which holds it by a lease.

A job that counts is worked on in turns, so that it does not keep a worker from others for long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog

from app import jobs
from app.catalogue import Catalogue
from app.database import JobRow, Sessions
from app.errors import CosiaError, RasterUnreadable, Unavailable
from app.settings import Settings
from app.storage import Storage
from worker.counting import Turn
from worker.leases import JobLease
from worker.prediction_outputs import PredictionOutputs

log = structlog.get_logger(__name__)

_MOST_SECONDS_WITHOUT_PROGRESS = 900.0
_NEUTRAL = "the results could not be made because of an internal error"


def finalize(
    sessions: Sessions,
    storage: Storage,
    settings: Settings,
    job_id: str,
    *,
    catalogue: Catalogue,
    stop: threading.Event,
) -> bool:
    """Makes the results of a job that waits for no block, and sets it `successful`, or `failed` with a reason.

    stop: set where the worker has to end soon. A storage that is full or away leaves the job as it is: the sweeper
    rings again. Returns whether there is more to do for another turn.
    """
    with sessions.write() as session:
        job = jobs.begin_finalizing(session, job_id, most_attempts=settings.attempts, lease_s=settings.lease_s)
    if job is None:
        return False
    lease = JobLease(sessions, job, lease_s=settings.lease_s, most_s=_MOST_SECONDS_WITHOUT_PROGRESS)
    try:
        with lease:
            results: dict[str, Any] | None = (
                PredictionOutputs(sessions, storage, settings, catalogue, job, _wanted(lease)).write()
                if job.process == jobs.PREDICT_LAND_COVER
                else Turn(sessions, storage, settings, catalogue, job, lease, stop).results()
            )
    except _NotWanted:
        _remove_if_dismissed(sessions, storage, job)
    except RasterUnreadable as error:
        # A replaced file is read anew at the next try; a damaged one stays so, and then that is the reason.
        _fail_attempt(sessions, settings, job, error.message)
    except Unavailable as error:
        log.warning("finalizing_postponed", reason=error.message)
        with sessions.write() as session:
            jobs.postpone_finalizing(session, job)
    except CosiaError as error:
        with sessions.write() as session:
            jobs.fail(session, job_id, error.message, fence=job.fence)
    except Exception:
        log.exception("finalizing_failed", attempt=job.finalize_attempts)
        _fail_attempt(sessions, settings, job, _NEUTRAL)
    else:
        if results is None:
            return True
        with sessions.write() as session:
            successful = jobs.succeed(session, job_id, results, fence=job.fence)
        if successful:
            log.info("job_successful", process=job.process, area_m2=round(job.area_m2))
        else:
            _remove_if_dismissed(sessions, storage, job)
    return False


class _NotWanted(Exception):
    """The job was dismissed, or is in other hands."""


def _remove_if_dismissed(sessions: Sessions, storage: Storage, job: JobRow) -> None:
    """Removes what was written for a job that was dismissed meanwhile; what is in other hands is not ours to remove."""
    log.info("results_not_wanted_any_more")
    with sessions.read() as session:
        dismissed = jobs.get(session, job.id).status == "dismissed"
    if dismissed:
        storage.remove(f"jobs/{job.id}")


def _wanted(lease: JobLease) -> Callable[[], None]:
    """To be told of each piece of work; raises _NotWanted where another one is not to be begun."""

    def alive() -> None:
        lease.progress()
        if lease.lost:
            raise _NotWanted

    return alive


def _fail_attempt(sessions: Sessions, settings: Settings, job: JobRow, reason: str) -> None:
    with sessions.write() as session:
        if jobs.fail_finalizing(session, job, reason, most_attempts=settings.attempts):
            log.warning("job_given_up", reason=reason)
