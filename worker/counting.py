"""One turn of a job that counts areas or changes: some seconds of windows, then others may have the worker.

What is counted so far stays in the job's row, so a lost worker loses no more than its turn.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

import structlog

from app import jobs
from app.aoi import Aoi
from app.catalogue import Catalogue
from app.database import JobRow, Sessions
from app.errors import Invalid, Unknown
from app.settings import Settings
from app.statistics import AreaMeasurement, ChangeMeasurement, Measurement, Tally, count
from app.storage import Storage
from worker.leases import JobLease

log = structlog.get_logger(__name__)


# Between two looks at whether the job is still wanted.
_LOOK_S = 1.0


class Turn:
    """Counts until the job is complete, `turn_s` are over, the worker has to stop or the job is not ours any more."""

    def __init__(
        self,
        sessions: Sessions,
        storage: Storage,
        settings: Settings,
        catalogue: Catalogue,
        job: JobRow,
        lease: JobLease,
        stop: threading.Event,
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._catalogue = catalogue
        self._job = job
        self._lease = lease
        self._stop = stop
        self._percent = job.progress
        self._looked = time.monotonic()

    def results(self) -> dict[str, Any] | None:
        """Output name -> href of its file; None where windows are left for another turn.

        Raises Invalid where a layer is gone, RasterUnreadable, Unavailable.
        """
        measurement = self._measurement()
        tally = Tally.resumed(measurement, self._job.checkpoint)
        if not self._count(measurement, tally):
            return None
        (output,) = self._job.outputs["names"]
        href = f"jobs/{self._job.id}/{output}.json"
        with self._storage.writing(href) as path:
            path.write_text(json.dumps(measurement.document(tally.counts), ensure_ascii=False), encoding="utf-8")
        return {output: href}

    def _measurement(self) -> Measurement:
        self._catalogue.refresh()
        inputs, area = self._job.inputs or {}, cast(Aoi, self._job.aoi)
        try:
            if self._job.process == jobs.MEASURE_AREAS:
                return AreaMeasurement(self._catalogue.layer(inputs["layer"]), area)
            return ChangeMeasurement(self._catalogue.layer(inputs["from"]), self._catalogue.layer(inputs["to"]), area)
        except Unknown as error:
            raise Invalid("a layer was withdrawn since the job was asked") from error

    def _count(self, measurement: Measurement, tally: Tally) -> bool:
        """Whether all windows are in the tally now. Otherwise the tally is kept, unless the job is not ours."""
        until, total = time.monotonic() + self._settings.turn_s, len(measurement.windows)
        with (
            ThreadPoolExecutor(self._settings.statistics_threads, "statistics") as threads,
            closing(count(measurement, tally, threads)) as counting,
        ):
            for _ in counting:
                self._lease.progress()
                percent = min(99, 100 * tally.windows_done // total)
                if not self._still_ours(percent):
                    return False
                over = time.monotonic() > until or self._stop.is_set()
                if over and tally.windows_done < total:
                    self._set_aside(percent, tally)
                    return False
        return True

    def _still_ours(self, percent: int) -> bool:
        """Tells of a percent more. False where the job was dismissed or is in other hands."""
        if percent == self._percent and time.monotonic() < self._looked + _LOOK_S:
            return not self._lease.lost
        changed, self._percent, self._looked = percent != self._percent, percent, time.monotonic()
        with self._sessions.write() as session:
            if changed:
                return jobs.tell_progress(session, self._job, percent)
            return jobs.renew_finalizing(session, self._job, lease_s=self._settings.lease_s)

    def _set_aside(self, percent: int, tally: Tally) -> None:
        with self._sessions.write() as session:
            jobs.set_aside(session, self._job, percent=percent, checkpoint=tally.to_json())
        log.info("turn_ended", windows=tally.windows_done)
