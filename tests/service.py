"""The whole service as a newcomer starts it: `cosia up` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.servers import free_port

EMBEDDING_SITE = "http://town.localhost:8199"
"""The one other site that may frame the map of the service that the page is tested on. Nothing listens there."""

START_WITHIN_S = 420
STOP_WITHIN_S = 60


class Service:
    """`cosia up` on a data folder, with a demonstration territory of `blocks` × `blocks`; a context manager."""

    def __init__(self, folder: Path, *, blocks: int = 2, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = folder.with_name(f"{folder.name}-{self.port}.up.log")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COSIA_")},
            "COSIA_DATA": str(folder),
            "COSIA_PORT": str(self.port),
            "COSIA_DEMONSTRATION_BLOCKS": str(blocks),
            "COSIA_DEMONSTRATION_VINTAGES": "1",  # nothing is predicted that no test has asked for
            "COSIA_DEVICE": "cpu",
            "COSIA_REMOTE_IMAGERY": "false",  # no test asks a public server
            "COSIA_GEOCODER_URL": "",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "up"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_WITHIN_S
        while "CoSIA Map is ready" not in self.said():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the service did not start:\n{self.said()[-4000:]}\n{self.logs()[-4000:]}")
            time.sleep(0.2)

    def stop(self) -> int | None:
        """Ctrl-C; gives the exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_WITHIN_S)
        finally:
            self._process.kill()
            self._process = None

    def said(self) -> str:
        """What the terminal showed since the last start."""
        return self._output.read_text(errors="replace")

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "logs").glob("*.log")))

    def processes(self, name: str) -> list[int]:
        """Ids of the children that run `cosia <name>`; those of the broker under the name `valkey`."""
        assert self._process is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self._process.pid)], capture_output=True, text=True, check=True
        )
        return [int(line.split()[0]) for line in listed.stdout.splitlines() if name in line]

    def kill_launcher(self) -> None:
        """kill -9 of the launcher alone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
