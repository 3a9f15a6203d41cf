"""Private servers for tests: PostGIS, Redis, S3, nginx, in temporary folders, on free ports, for one run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import redis

DOCKER = Path(__file__).parents[1] / "docker"
_START_TIMEOUT_S = 30
_PR_SET_PDEATHSIG = 1
# Nothing of a test's database outlives the run: it need not survive a power cut.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Program:
    """A server program in a folder of its own: what it says goes to `log` there. It can be ended and started again."""

    command: list[Any]
    folder: Path
    stop: signal.Signals
    account: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
                start_new_session=True,
                **self.account,
            )

    def end(self, how: signal.Signals | None = None) -> None:
        """Ends it as it wants to be ended, or by another signal; what takes longer than ten seconds is killed."""
        if self.process is None:
            return
        self.process.send_signal(how or self.stop)
        self.process.send_signal(signal.SIGCONT)  # one that was stopped hears nothing else
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, to a program that may have ended."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait_for(self, attempt: Callable[[], None], not_yet: type[Exception]) -> None:
        """Attempts until that works. Raises TimeoutError with the end of the log where the program has died."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            try:
                return attempt()
            except not_yet:
                time.sleep(0.05)
        raise TimeoutError((self.folder / "log").read_text(errors="replace")[-2000:])


@dataclass
class PostgisServer:
    """A running PostgreSQL that can `CREATE EXTENSION postgis`. Everybody on this machine may connect as `cosia`."""

    port: int
    program: Program
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://cosia@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """The URL of a new database, empty or a copy of `template` (to which nobody may be connected)."""
        name = f"test_{next(self._names)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drops a database of ours, whoever is still connected."""
        self._execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    @property
    def _dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=cosia dbname=postgres connect_timeout=2"

    def wait_until_ready(self) -> None:
        self.program.wait_for(lambda: psycopg.connect(self._dsn).close(), psycopg.OperationalError)


@dataclass
class RedisServer:
    """A running Redis (or Valkey) without persistence."""

    port: int
    program: Program
    _numbers: Iterator[int] = field(default_factory=lambda: count(0))

    def new_url(self) -> str:
        """The URL of a database of this server that nobody has used yet."""
        return f"redis://127.0.0.1:{self.port}/{next(self._numbers)}"

    def wait_until_ready(self) -> None:
        def ping() -> None:
            with redis.Redis(port=self.port) as client:
                client.ping()

        self.program.wait_for(ping, redis.ConnectionError)


@contextlib.contextmanager
def postgis_server(programs: Path, **parameters: str) -> Iterator[PostgisServer]:
    """programs: the folder with initdb and postgres. parameters: of postgresql.conf."""
    with _folder("postgis") as folder:
        account = _unprivileged(folder)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "cosia", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **account,
        )
        port = free_port()
        options = {**_FORGETFUL, "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options |= parameters
        command = [programs / "postgres", "-D", data, *(f"-c{key}={value}" for key, value in options.items())]
        with _running(command, folder, stop=signal.SIGINT, **account) as program:  # SIGINT: PostgreSQL's fast shutdown
            server = PostgisServer(port, program)
            server.wait_until_ready()
            yield server


@contextlib.contextmanager
def redis_server(program: Path) -> Iterator[RedisServer]:
    """program: redis-server or valkey-server."""
    with _folder("redis") as folder:
        port = free_port()
        options = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "databases": 4096}
        command = [program, *(str(part) for key, value in options.items() for part in (f"--{key}", value))]
        with _running(command, folder, stop=signal.SIGTERM) as program:
            server = RedisServer(port, program)
            server.wait_until_ready()
            yield server


@dataclass
class S3Server:
    """A running moto: Amazon's S3 as far as programs can tell. It keeps everything in memory and asks for no keys."""

    port: int
    program: Program
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new_bucket(self) -> str:
        """The name of an empty bucket."""
        name = f"bucket-{next(self._numbers)}"
        self._request("PUT", f"/{name}").close()
        return name

    def put(self, path: str, content: bytes) -> None:
        """Puts an object without our storage's help. path: `bucket/key`."""
        self._request("PUT", f"/{path}", content).close()

    def wait_until_ready(self) -> None:
        self.program.wait_for(lambda: self._request("GET", "/").close(), OSError)

    def _request(self, method: str, path: str, content: bytes | None = None) -> Any:
        headers = {"Content-Type": "application/octet-stream"}  # urllib's own would make it a form
        request = Request(self.endpoint + path, content, headers, method=method)  # noqa: S310 - our own server
        return urlopen(request, timeout=5)  # noqa: S310


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    with _folder("s3") as folder:
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with _running(command, folder, stop=signal.SIGTERM) as program:
            server = S3Server(port, program)
            server.wait_until_ready()
            yield server


@contextlib.contextmanager
def nginx_server(program: Path, web_port: int) -> Iterator[int]:
    """nginx with our configuration in front of a web process, which may be away. Gives its port.

    Only places and ports of the configuration are changed.
    """
    with _folder("nginx") as folder:
        port = free_port()
        text = (DOCKER / "nginx.conf").read_text()
        for ours, here in {
            " /tmp/": " ",  # relative to the prefix (-p)
            "listen 8080": f"listen 127.0.0.1:{port}",
            "server web:8000": f"server 127.0.0.1:{web_port}",
            "/etc/nginx/problem.conf": str(DOCKER / "problem.conf"),
            "/var/cache/nginx/tiles": "tiles",
            "/dev/stdout": "access.log",
        }.items():
            if ours not in text:
                raise ValueError(f"docker/nginx.conf has no {ours!r} any more")
            text = text.replace(ours, here)
        (folder / "nginx.conf").write_text(text)
        # As root, nginx would hand its workers to an account that cannot enter our temporary folder.
        same_account = "user root;" if os.geteuid() == 0 else ""
        options = ["-p", folder, "-e", "stderr", "-c", folder / "nginx.conf", "-g", f"daemon off; {same_account}"]
        with _running([program, *options], folder, stop=signal.SIGTERM) as process:
            process.wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close(), ConnectionError)
            yield port


@contextlib.contextmanager
def _folder(name: str) -> Iterator[Path]:
    # Not pytest's tmp_path: that is closed to other accounts, and PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix=f"cosia-{name}-{uuid.uuid4().hex[:6]}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Arguments of subprocess.run that make a program run without root's rights, the folder being its own."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _running(command: list[Any], folder: Path, stop: signal.Signals, **account: Any) -> Iterator[Program]:
    program = Program(command, folder, stop, account)
    program.start()
    try:
        yield program
    finally:
        program.end()


def _die_with_parent() -> None:
    # A test run that is killed leaves no server behind.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
