"""How a job stands, in the words of OGC API - Processes: the document, and its copy that this process keeps.

A status is asked for again and again, mostly while nothing has changed: then a look at the job's row is all it costs.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import Any

import shapely
from sqlalchemy.orm import Session

from app import jobs
from app.api.landing import link
from app.database import JobRow
from app.definitions import Language
from app.jobs import Seen
from app.phrases import told

RESULTS_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/results"

_FRESH_S = 2.0
"""Longest time a kept document tells of the queue, which moves without the job's row."""
_MOST_KEPT = 2000
_SENTENCES = ("message", "postponed")
_POSTPONED = "postponed: "
"""How a message begins that says why nothing happens (`app.jobs.work`, `app.jobs.finishing`)."""


@dataclass(frozen=True)
class Status:
    """A job's status document as it is sent, in English."""

    document: dict[str, Any]

    @cached_property
    def body(self) -> bytes:
        return json.dumps(self.document, ensure_ascii=False).encode()

    @cached_property
    def etag(self) -> str:
        """A hash of the body: strong, of each language its own, and the same in every process."""
        return f'"{hashlib.blake2b(self.body, digest_size=12).hexdigest()}"'

    def told_in(self, language: Language) -> Status:
        """The same with its sentences in that language."""
        return self if language is Language.ENGLISH else self._in_french

    @cached_property
    def _in_french(self) -> Status:
        return Status(sentences_told(self.document, Language.FRENCH))

    @property
    def is_final(self) -> bool:
        return self.document["status"] in jobs.TERMINAL


@dataclass(frozen=True)
class _Kept:
    """A status, what the job's row said when it was made, and when that was."""

    status: Status
    row: tuple[object, ...]
    made_at: float


class Statuses:
    """The statuses of this process: made anew when the job's row has changed, or the queue may have."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def of(self, session: Session, seen: Seen) -> Status:
        """The status of a job whose row has just been read."""
        key, row, now = (seen.job.id, seen.shown_id), _state_of(seen.job), self._clock()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept.row == row and (kept.status.is_final or now - kept.made_at < _FRESH_S):
            return kept.status
        status = Status(status_info(session, seen))
        with self._lock:
            self._kept[key] = _Kept(status, row, now)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return status


statuses = Statuses()
"""Of this process."""


def _state_of(job: JobRow) -> tuple[object, ...]:
    """Changes whenever the job's own part of the document does."""
    return (job.last_event, job.updated_at, job.status, job.message, job.progress, job.expired_at)


def status_info(session: Session, seen: Seen) -> dict[str, Any]:
    """statusInfo of the standard, and what a page wants to show beside it. What is not known is left out.

    Links to data carry the permalink: neither a GIS nor an image on a page can send a key.
    """
    job = seen.job
    particulars = _of_prediction if job.process == jobs.PREDICT_LAND_COVER else _of_count
    document = {
        "jobID": seen.shown_id,
        "processID": job.process,
        "type": "process",
        "status": job.status,
        "created": _timestamp(job.created_at),
        "started": _timestamp(job.started_at),
        "finished": _timestamp(job.finished_at),
        "updated": _timestamp(job.updated_at),
        "expired": _timestamp(job.expired_at),
        "area_m2": job.area_m2,
        "aoi": shapely.geometry.mapping(job.aoi),
        "bbox": list(job.aoi.bounds),
        "read_only": seen.shown_id == job.permalink,
        "last_event": job.last_event,
        **particulars(session, job),
        "links": _links(seen),
    }
    return {name: value for name, value in document.items() if value is not None}


def without_outline(document: dict[str, Any]) -> dict[str, Any]:
    """For lists and events: an outline of thousands of vertices is told once, by the status itself."""
    return {name: value for name, value in document.items() if name != "aoi"}


def sentences_told(document: dict[str, Any], language: Language) -> dict[str, Any]:
    """A status document, or part of it, with its sentences in that language."""
    return {name: told(value, language) if name in _SENTENCES else value for name, value in document.items()}


def _links(seen: Seen) -> list[dict[str, str]]:
    job = seen.job
    path, data = f"/api/jobs/{seen.shown_id}", f"/api/jobs/{job.permalink}"
    links = [
        link("self", path, "this document"),
        link("alternate", f"{data}/events", "server-sent events", "text/event-stream"),
        link("bookmark", data, "for anybody to read"),
    ]
    if job.process == jobs.PREDICT_LAND_COVER:
        links.append(link("tiles", f"{data}/tiles/tilejson.json", "preview tiles"))
    if job.status == "successful" and job.expired_at is None:
        links.append(link(RESULTS_RELATION, f"{path}/results", "results"))
    return links


def _of_prediction(session: Session, job: JobRow) -> dict[str, Any]:
    total, done, failed = job.blocks_total, job.blocks_done, job.blocks_failed
    outlook = None
    if job.status in jobs.ACTIVE and job.predicted_by is not None:
        outlook = jobs.outlook(session, predicted_by=job.predicted_by, blocks=total - done - failed, before=job)
    nobody = outlook is not None and not outlook.workers and done + failed < total
    predicted = "the results are being written" if done + failed == total else f"{done} of {total} blocks predicted"
    running = "nobody is at work at the moment" if nobody else predicted
    return {
        "message": job.message or _message(job, "no worker is at work" if nobody else "waiting for a worker", running),
        "postponed": job.message.removeprefix(_POSTPONED) if job.message.startswith(_POSTPONED) else None,
        "progress": 100 if job.status == "successful" else min(99, 100 * (done + failed) // max(1, total)),
        "source": job.source_id,
        "model": job.model_id,
        "inputs": job.inputs or None,
        "outputs": job.outputs.get("names"),
        "coverage": job.coverage,
        "blocks": {"total": total, "done": done, "failed": failed, "reused": job.blocks_reused},
        "workers": outlook.workers if outlook else None,
        "queue_position": outlook.jobs_ahead if outlook and job.status == "accepted" else None,
        "seconds_left": round(outlook.seconds) if outlook and outlook.seconds is not None else None,
    }


def _of_count(session: Session, job: JobRow) -> dict[str, Any]:
    seconds_left = None
    if job.status == "running" and job.started_at is not None and job.progress:
        seconds_left = round((job.updated_at - job.started_at) * (100 - job.progress) / job.progress)
    return {
        "message": job.message or _message(job, "waiting for a worker", f"{job.progress} % counted"),
        "progress": job.progress,
        "inputs": job.inputs,
        "queue_position": jobs.jobs_ahead(session, job) if job.status == "accepted" else None,
        "seconds_left": seconds_left,
    }


def _message(job: JobRow, waiting: str, running: str) -> str:
    if job.expired_at is not None:
        return "the results have expired: ask again, what is already computed is not computed again"
    if job.status == "successful":
        return "the results are there"
    return {"accepted": waiting, "running": running}.get(job.status, "")


def _timestamp(seconds: float | None) -> str | None:
    """RFC 3339, UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
