"""The whole service in processes of their own, with a database and a broker that can be harmed."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.database import BlockRow, Sessions, connect
from tests.faults.failing import Fault, Places
from tests.faults.processes import Child, logs_of
from tests.faults.server import SECRET, Answer, WebProcess
from tests.faults.territory import Area
from tests.servers import RedisServer, free_port

EXECUTION = "/api/processes/predict-land-cover/execution"
TERMINAL = ("successful", "failed", "dismissed")

LEASE_S = 4.0
SWEEP_S = 0.5
ANSWER_WITHIN_S = 3.0
"""The longest that a route of jobs may take, whatever is broken behind it."""

_START_WITHIN_S = 60.0
_POLL_S = 0.05
_SETTINGS = {
    "COSIA_DEVICE": "cpu",
    "COSIA_LEASE_S": f"{LEASE_S:g}",
    "COSIA_SWEEP_S": f"{SWEEP_S:g}",
    "COSIA_ACTIVE_JOBS": "500",
}


class Stack:
    """One web process, some workers, one database, one Redis, one data folder. Everything it starts ends with it."""

    def __init__(self, folder: Path, data: Path, database_url: str, redis: RedisServer, **settings: str) -> None:
        self.folder = folder
        self.data = data
        self.redis = redis
        self.database_url = database_url
        self.engine = connect(database_url)
        self.sessions = Sessions(self.engine)
        self.workers: list[Child] = []
        self.webs: list[WebProcess] = []
        self.accepted: dict[str, tuple[Area, dict[str, Any]]] = {}
        """Every job id that was ever answered with 201, and what was asked: the area, and inputs beside it."""
        self._settings = {
            **_SETTINGS,
            "COSIA_DATA": str(data),
            "COSIA_LOCAL": str(folder / "local"),
            "COSIA_DATABASE_URL": database_url,
            "COSIA_REDIS_URL": redis.new_url(),
            **settings,
        }
        self._children: list[Child] = []
        (folder / "secret.txt").write_text(SECRET)

    # --- Parts.

    @property
    def web(self) -> WebProcess:
        return self.webs[-1]

    @property
    def worker(self) -> Child:
        return self.workers[-1]

    def start_web(self, *faults: Fault, ready: bool = True, **settings: str) -> WebProcess:
        """A further web process, the one that is asked from now on. ready: waits until it is."""
        port = free_port()
        child = self.start("web", *faults, COSIA_PORT=str(port), **settings)
        secret = self.folder / "secret.txt"
        web = WebProcess(port, self.data, child.places.log, secret, child, timeout_s=ANSWER_WITHIN_S)
        self.webs.append(web)
        self.wait_until(lambda: self._answers(web, "/readyz" if ready else "/healthz"), "the web process is ready")
        return web

    def start_worker(self, *faults: Fault, clock_s: float = 0.0, **settings: str) -> Child:
        """A further worker. Nobody waits for it: what is asked of it waits in the queue."""
        child = self.start("worker", *faults, clock_s=clock_s, **settings)
        self.workers.append(child)
        return child

    def start(self, *words: str | Fault, clock_s: float = 0.0, **settings: str) -> Child:
        """A `cosia` command with these arguments and faults."""
        arguments = [word for word in words if isinstance(word, str)]
        faults = tuple(word for word in words if isinstance(word, Fault))
        places = Places(self.folder / f"{'-'.join(arguments)}-{len(self._children)}.log", self.computed)
        child = Child(arguments, {**self._settings, **settings}, places, faults, clock_s)
        self._children.append(child)
        return child

    @contextmanager
    def a_worker_that_is_restarted(
        self, *faults: Fault, at_first: Sequence[Fault] = (), **settings: str
    ) -> Iterator[list[Child]]:
        """A worker that somebody starts again whenever it ends, as `cosia up` does. Gives all that lived so far.

        at_first: faults of the first one, and of none that takes its place.
        """
        lived: list[Child] = []
        stop = threading.Event()

        def nurse() -> None:
            lived.append(self.start_worker(*faults, *at_first, **settings))
            while not stop.wait(_POLL_S):
                if lived[-1].poll() is not None:
                    lived.append(self.start_worker(*faults, **settings))

        thread = threading.Thread(target=nurse)
        thread.start()
        try:
            yield lived
        finally:
            stop.set()
            thread.join()

    def close(self) -> None:
        for child in self._children:
            child.kill()
        self.engine.dispose()

    # --- What a client does.

    def post(self, area: Area, *, key: str | None = None, web: WebProcess | None = None, **inputs: Any) -> Answer:
        """The answer to asking for a prediction, whatever it is."""
        wanted = {"aoi": area.geometry(), "source": "ortho", "model": "tiny", "outputs": ["classes", "areas"]}
        body = json.dumps({"inputs": {**wanted, **inputs}}).encode()
        headers = {"Content_Type": "application/json", **({"Idempotency_Key": key} if key else {})}
        answer = (web or self.web).ask(EXECUTION, "POST", body, **headers)
        if answer.status == 201:
            self.accepted[answer.document["jobID"]] = area, inputs
        return answer

    def ask(self, area: Area | None = None, **more: Any) -> str:
        """Id of a job that was accepted."""
        answer = self.post(area or Area(), **more)
        assert answer.status == 201, (answer.status, answer.body)
        return str(answer.document["jobID"])

    def status(self, job: str) -> dict[str, Any]:
        """The status document; empty while it is 503 with Retry-After."""
        answer = self.web.ask(f"/api/jobs/{job}")
        assert answer.status in (200, 503), (answer.status, answer.body)
        return answer.document if answer.status == 200 else {}

    def wait(self, *jobs: str, within_s: float = 60.0) -> list[str]:
        """How the jobs end, asked of the service as clients do."""
        ended: dict[str, str] = {}

        def all_ended() -> bool:
            for job in jobs:
                if job not in ended and (status := self.status(job).get("status")) in TERMINAL:
                    ended[job] = str(status)
            return len(ended) == len(jobs)

        self.wait_until(all_ended, f"the end of {len(jobs)} jobs", within_s)
        return [ended[job] for job in jobs]

    def wait_until(self, seen: Callable[[], bool], what: str, within_s: float = _START_WITHIN_S) -> None:
        """Raises AssertionError with the ends of all logs where that takes longer."""
        deadline = time.monotonic() + within_s
        while not seen():
            assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}\n{logs_of(self.folder)}"
            time.sleep(_POLL_S)

    def wait_until_reached(self, stage: str, child: Child | None = None) -> None:
        """A process (the latest worker) has come to its fault."""
        which = child or self.worker
        self.wait_until(lambda: which.has_reached(stage), f"{which.places.log.stem} reaches {stage!r}")

    def wait_until_dead(self, child: Child, code: int) -> None:
        assert child.wait(_START_WITHIN_S) == code, child.log()[-3000:]

    # --- What is left behind.

    @property
    def computed(self) -> Path:
        return self.folder / "computed"

    def blocks_computed(self) -> int:
        """Blocks that went through the network, in all workers, killed ones too."""
        return len(self.computed.read_text().splitlines()) if self.computed.exists() else 0

    def block_statuses(self) -> dict[str, int]:
        """How many blocks are in which status."""
        with self.sessions.read() as session:
            return dict(Counter(session.scalars(select(BlockRow.status))))

    def _answers(self, web: WebProcess, target: str) -> bool:
        assert web.process.poll() is None, f"the web process has died\n{logs_of(self.folder)}"
        with suppress(OSError, HTTPException):
            return web.ask(target).status == 200
        return False
