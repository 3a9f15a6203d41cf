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
from worker.leases import JobLease, NotWanted
from worker.persisting import Persistence
from worker.predicted import BlocksDamaged
from worker.prediction_outputs import PredictionOutputs
from worker.watchdog import Watchdog

log = structlog.get_logger(__name__)

_NEUTRAL = "the results could not be made because of an internal error"


def finalize(
    sessions: Sessions,
    storage: Storage,
    settings: Settings,
    job_id: str,
    *,
    catalogue: Catalogue,
    stop: threading.Event,
    watchdog: Watchdog,
) -> bool:
    """Makes the results of a job that waits for no block, and sets it `successful`, or `failed` with a reason.

    stop: set where the worker has to end soon. A storage that is full or away leaves the job as it is: the sweeper
    rings again. Returns whether there is more to do for another turn.
    """
    with sessions.write() as session:
        job = jobs.begin_finalizing(session, job_id, most_attempts=settings.attempts, lease_s=settings.lease_s)
    if job is None:
        return False
    lease = JobLease(sessions, job, lease_s=settings.lease_s, most_s=settings.stall_s, on_progress=watchdog.progress)
    end = _End(sessions, storage, settings, job, Persistence(sessions, stop, lease.progress))
    try:
        with watchdog.watching("making results", end.give_up), lease:
            results: dict[str, Any] | None
            if job.process == jobs.PREDICT_LAND_COVER:
                outputs = PredictionOutputs(sessions, storage, settings, catalogue, job, _alive(lease, stop))
                results, files = outputs.write()
            else:
                results, files = Turn(sessions, storage, settings, catalogue, job, lease, stop).results(), None
            if results is not None:
                end.succeed(results, files)
    except NotWanted:
        end.clear()
    except BlocksDamaged as error:
        end.postpone(error.message)
        jobs.damaged(sessions, error.keys)
        return True
    except RasterUnreadable as error:
        # A replaced file is read anew at the next try; a damaged one stays so, and then that is the reason.
        end.fail_attempt(error.message)
    except Unavailable as error:
        end.postpone(error.message)
    except CosiaError as error:
        end.fail(error.message)
    except Exception:
        log.exception("finalizing_failed", attempt=job.finalize_attempts)
        end.fail_attempt(_NEUTRAL)
    else:
        return results is None
    return False


def _alive(lease: JobLease, stop: threading.Event) -> Callable[[], None]:
    """To be told of each piece of work; raises where another one is not to be begun."""

    def alive() -> None:
        lease.require()
        if stop.is_set():
            raise Unavailable("the worker had to stop")

    return alive


class _End:
    """The ways in which making the results of one job ends."""

    def __init__(
        self, sessions: Sessions, storage: Storage, settings: Settings, job: JobRow, database: Persistence
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._job = job
        self._database = database

    def succeed(self, results: dict[str, Any], files: jobs.Files | None) -> None:
        job = self._job
        if self._database.write(lambda session: jobs.succeed(session, job.id, results, fence=job.fence, files=files)):
            log.info("job_successful", process=job.process, area_m2=round(job.area_m2))
        else:
            self.clear()

    def clear(self) -> None:
        """Removes what was written for a job that was dismissed; what is in other hands is theirs."""
        with self._sessions.read() as session:
            dismissed = jobs.get(session, self._job.id).status == "dismissed"
        if dismissed:
            self._storage.remove(f"jobs/{self._job.id}")
        log.info("results_not_wanted_any_more", dismissed=dismissed)

    def postpone(self, reason: str) -> None:
        """Gives job and attempt back: the weather is not the job's fault."""
        log.warning("finalizing_postponed", reason=reason)
        self._database.write(lambda session: jobs.postpone_finalizing(session, self._job, reason))

    def fail(self, reason: str) -> None:
        self._database.write(lambda session: jobs.fail(session, self._job.id, reason, fence=self._job.fence))

    def fail_attempt(self, reason: str) -> None:
        """The attempt counts; the last one fails the job."""
        attempts = self._settings.attempts
        if self._database.write(
            lambda session: jobs.fail_finalizing(session, self._job, reason, most_attempts=attempts)
        ):
            log.warning("job_given_up", reason=reason)

    def give_up(self, reason: str, counts: bool) -> None:
        if counts:
            self.fail_attempt(reason)
        else:
            self.postpone(reason)
