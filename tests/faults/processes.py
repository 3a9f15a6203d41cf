"""Processes of the product that start in a fraction of a second: forks of one that has imported everything.

Each is a process of its own that runs a real `cosia` command with its own environment; nothing but the time that
Python needs to import torch is saved.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.faults.failing import Fault, Places, run

_MODULES = ["tests.faults.failing", "uvicorn", "app.main", "app.demo", "worker.cli", "worker.batch", "worker.finalize"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(_MODULES)


class Child:
    """A `cosia` command in a process of its own, with faults."""

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        places: Places,
        faults: tuple[Fault, ...] = (),
        clock_s: float = 0.0,
    ) -> None:
        self.places = places
        self._process = _CONTEXT.Process(target=run, args=(arguments, environment, places, list(faults), clock_s))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, minus a signal's number; None while it runs."""
        return self._process.exitcode

    def wait(self, within_s: float) -> int:
        """The exit code. Raises TimeoutError where it goes on."""
        self._process.join(within_s)
        code = self.poll()
        if code is None:
            raise TimeoutError(f"process {self.pid} goes on after {within_s:g} s")
        return code

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        self.send(signal.SIGKILL)
        self.wait(10)

    def log(self) -> str:
        return self.places.log.read_text(errors="replace") if self.places.log.exists() else ""

    def has_reached(self, stage: str) -> bool:
        return self.places.reached(stage).exists()

    def release(self, stage: str) -> None:
        """Lets a process go on that halts at this stage."""
        self.places.released(stage).touch()


def logs_of(folder: Path) -> str:
    """The ends of all logs, for the message of a test that fails."""
    return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in folder.glob("*.log"))
