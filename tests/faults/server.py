"""The web process as people run it, `cosia web`, with its log kept and what it must never tell planted beside it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.servers import free_port

SECRET = "planted-secret-5b1f0c"  # noqa: S105 - the content of a file that no answer may show
_START_WITHIN_S = 60


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire. headers: names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Running(Protocol):
    """A process: of subprocess, or of processes.py."""

    def poll(self) -> int | None: ...


@dataclass(frozen=True)
class WebProcess:
    """A running `cosia web`. log: where its standard error goes. secret: a file of the same user outside of `data`.

    timeout_s: the longest that a client waits for an answer.
    """

    port: int
    data: Path
    log: Path
    secret: Path
    process: Running = field(repr=False)
    timeout_s: float = 30.0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, target: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request whose target goes out as it is: no client tidies `//`, `/./` or `%00` away."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body, named)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def metric(self, sample: str) -> float:
        """A figure of /metrics, by its whole name with labels; 0 while nothing was counted."""
        for line in self.ask("/metrics").body.decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        return 0.0

    def log_lines(self) -> list[dict[str, Any]]:
        """Every line of the log; each must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def web_process(data: Path, scratch: Path, **settings: str) -> Iterator[WebProcess]:
    """Starts it over a data folder that is migrated; `settings` are `COSIA_` variables."""
    port = free_port()
    secret, log = scratch / "secret.txt", scratch / "web.log"
    secret.write_text(SECRET)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COSIA_")},
        "COSIA_DATA": str(data),
        "COSIA_PORT": str(port),
        "COSIA_REMOTE_IMAGERY": "false",  # no test asks a public server
        "COSIA_GEOCODER_URL": "",
        **settings,
    }
    command = [sys.executable, "-m", "app.cli", "web"]
    with log.open("wb") as sink, subprocess.Popen(command, env=environment, stdout=sink, stderr=sink) as process:
        server = WebProcess(port, data, log, secret, process)
        try:
            _await(server)
            yield server
        finally:
            process.terminate()


def _await(server: WebProcess) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.ask("/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{server.log.read_text()[-2000:]}")
