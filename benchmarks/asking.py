"""A client of the service that looks at its watch: asks for a prediction, and waits for a pixel and for the end."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import morecantile
import shapely
from sqlalchemy import func, select

from app.database import BlockRow, JobBlockRow, JobRow, Sessions
from benchmarks.cpu import cpu_s
from benchmarks.imagery import Square

UNLIMITED = {
    "COSIA_AOI_KM2": "10000",
    "COSIA_ACTIVE_JOBS": "1000000",
    "COSIA_KM2_PER_DAY": "1000000",
    "COSIA_QUEUE_LENGTH": "1000000",
}
"""Settings of a service that refuses nobody."""

_EXECUTION = "/api/processes/predict-land-cover/execution"
_TERMINAL = ("successful", "failed", "dismissed")
_POLL_S = 0.1
"""Looking costs the service 3 ms of CPU: more often would be measured too."""
_GIVE_UP_S = 1800.0
_ZOOM = 14
"""Of the preview that is looked at: one tile shows 1.8 km."""


class Watched(NamedTuple):
    """Seconds from the request on: until it was answered, claimed by a worker, seen in a preview tile, predicted (the
    row of the last block), successful. cpu_s: of the processes of the service meanwhile.
    """

    job_id: str
    answered_s: float
    claimed_s: float
    first_pixel_s: float
    predicted_s: float
    successful_s: float
    cpu_s: float


class Client:
    """Asks one service. sessions: of its database, for the times that only rows tell. pids: of its processes."""

    def __init__(self, url: str, sessions: Sessions, pids: Sequence[int]) -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0)
        self._sessions = sessions
        self._pids = pids

    def ask(self, square: Square, source_id: str, **inputs: Any) -> str:
        """Id of a new job. Told to come back, it does, under the same key, as clients should."""
        aoi, key = shapely.geometry.mapping(square.polygon), {"Idempotency-Key": uuid.uuid4().hex}
        body = {"inputs": {"aoi": aoi, "source": source_id, **inputs}}
        while (answer := self._http.post(_EXECUTION, json=body, headers=key)).status_code == 503:
            time.sleep(_POLL_S)
        if answer.status_code != 201:
            raise RuntimeError(answer.text)
        return str(answer.json()["jobID"])

    def get(self, path: str) -> httpx.Response:
        """Raises RuntimeError for an answer that is an error."""
        answer = self._http.get(path)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return answer

    def give_up(self, job_id: str) -> None:
        """Dismisses a job, if it has not ended."""
        answer = self._http.delete(f"/api/jobs/{job_id}")
        if answer.status_code not in (200, 409):
            raise RuntimeError(answer.text)

    def tile(self, job_id: str, lon: float, lat: float, zoom: int) -> str:
        """Path of the preview tile at a place."""
        tile = morecantile.tms.get("WebMercatorQuad").tile(lon, lat, zoom)
        return f"/api/jobs/{job_id}/tiles/{tile.z}/{tile.x}/{tile.y}.png"

    def watch(self, square: Square, source_id: str, **inputs: Any) -> Watched:
        """Asks, and waits for the end. Raises RuntimeError where that is no success."""
        middle = square.polygon.centroid
        cpu, began, asked_at = cpu_s(self._pids), time.perf_counter(), time.time()
        job_id = self.ask(square, source_id, **inputs)
        answered_s = time.perf_counter() - began
        tile = self.tile(job_id, middle.x, middle.y, _ZOOM)
        while self.get(tile).status_code != 200:
            if time.perf_counter() - began > _GIVE_UP_S:
                raise RuntimeError(f"no pixel of job {job_id} after {_GIVE_UP_S:g} s")
            time.sleep(_POLL_S)
        first_pixel_s = time.perf_counter() - began
        finished = self.wait(job_id)["finished"]
        spent_s = cpu_s(self._pids) - cpu
        with self._sessions.read() as session:
            claimed_at = session.get_one(JobRow, job_id).started_at or asked_at
            predicted_at = session.scalar(
                select(func.max(BlockRow.finished_at))
                .join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
                .where(JobBlockRow.job_id == job_id)
            )
        return Watched(
            job_id,
            answered_s,
            claimed_at - asked_at,
            first_pixel_s,
            (predicted_at or asked_at) - asked_at,
            datetime.fromisoformat(finished).timestamp() - asked_at,
            spent_s,
        )

    def wait(self, job_id: str) -> dict[str, Any]:
        """The status of a job once it is successful. Raises RuntimeError where it fails."""
        deadline = time.perf_counter() + _GIVE_UP_S
        while (status := self.get(f"/api/jobs/{job_id}").json())["status"] not in _TERMINAL:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"job {job_id} is {status['status']} after {_GIVE_UP_S:g} s")
            time.sleep(_POLL_S)
        if status["status"] != "successful":
            raise RuntimeError(f"job {job_id} is {status['status']}: {status['message']}")
        return dict(status)

    def close(self) -> None:
        self._http.close()
