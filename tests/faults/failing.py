"""Runs a command of the product with faults in it: at a named stage, the n-th time, something happens to the process.

The product knows nothing of this: a stage is a function of it, patched here before the command starts.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from app.cli import main
from app.database import JobRow

_PR_SET_PDEATHSIG = 1
_FOR_EVER_S = 3600.0

Hit = Callable[[], None]


@dataclass(frozen=True)
class Fault:
    """What happens at the `at`-th passage of a stage, and at every later one where `always`.

    action: `kill` (-9), `segv`, `hang`, `halt` (until the test lets go), `slow:SECONDS`, `raise:ERRNO`.
    cell: "COLUMN/ROW", at the stages that know of a block; only this one's passages count.
    """

    stage: str
    action: str = "kill"
    at: int = 1
    always: bool = False
    cell: str | None = None


@dataclass(frozen=True)
class Places:
    """Files of one process. log: its output. computed: a line per block that went through the network, of all."""

    log: Path
    computed: Path

    def reached(self, stage: str) -> Path:
        """Is there once the process came to a fault."""
        return self.log.with_suffix(f".{stage}.reached")

    def released(self, stage: str) -> Path:
        """A process that halts at the stage goes on when this is there."""
        return self.log.with_suffix(f".{stage}.released")


def run(arguments: list[str], environment: dict[str, str], places: Places, faults: list[Fault], clock_s: float) -> None:
    """The body of the process. clock_s: how far its wall clock is ahead of everybody else's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    for name in [name for name in os.environ if name.startswith("COSIA_")]:
        del os.environ[name]
    os.environ.update(environment)
    tempfile.tempdir = None  # chosen before the fork, by another environment
    with places.log.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if clock_s:
        real = time.time
        time.time = lambda: real() + clock_s  # type: ignore[assignment]
    if "worker" in arguments:
        _count_computed(places.computed)
    for fault in faults:
        STAGES[fault.stage](_armed(fault, places), fault)
    main(args=arguments)


def _armed(fault: Fault, places: Places) -> Hit:
    """What the stage calls each time it is passed; from any thread."""
    passages = 0
    lock = threading.Lock()

    def hit() -> None:
        nonlocal passages
        with lock:
            passages += 1
            now = passages == fault.at or (fault.always and passages > fault.at)
        if now:
            places.reached(fault.stage).touch()
            _act(fault, places)

    return hit


def _act(fault: Fault, places: Places) -> None:
    kind, _, argument = fault.action.partition(":")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "segv":
        ctypes.string_at(0)
    elif kind == "hang":
        time.sleep(_FOR_EVER_S)
    elif kind == "halt":
        while not places.released(fault.stage).exists():
            time.sleep(0.02)
    elif kind == "slow":
        time.sleep(float(argument))
    elif kind == "raise":
        raise OSError(int(argument), os.strerror(int(argument)))
    else:
        raise ValueError(f"no such action: {fault.action}")


# --- Ways of putting a stage into the product.


def _target(name: str) -> tuple[Any, str]:
    """`package.module:Class.function` -> what has the attribute, and its name. Fails where the product has none."""
    module, _, path = name.partition(":")
    *parents, attribute = path.split(".")
    owner = functools.reduce(getattr, parents, importlib.import_module(module))
    getattr(owner, attribute)
    return owner, attribute


def _wrap(name: str, wrapper: Callable[..., Any]) -> None:
    """Puts `wrapper(real, *args, **kwargs)` in the place of a function."""
    owner, attribute = _target(name)
    real = getattr(owner, attribute)
    setattr(owner, attribute, functools.wraps(real)(lambda *args, **kwargs: wrapper(real, *args, **kwargs)))


def _before(name: str) -> Callable[[Hit, Fault], None]:
    def arm(hit: Hit, _: Fault) -> None:
        def wrapper(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            hit()
            return real(*args, **kwargs)

        _wrap(name, wrapper)

    return arm


def _after(name: str) -> Callable[[Hit, Fault], None]:
    def arm(hit: Hit, _: Fault) -> None:
        def wrapper(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            hit()
            return result

        _wrap(name, wrapper)

    return arm


def _committed(name: str) -> Callable[[Hit, Fault], None]:
    """After the commit of the transaction (first argument: its session) in which a function did not return False."""

    def arm(hit: Hit, fault: Fault) -> None:
        def wrapper(real: Callable[..., Any], session: Session, *args: Any, **kwargs: Any) -> Any:
            result = real(session, *args, **kwargs)
            if result is not False:
                session.info[fault.stage] = True
            return result

        _wrap(name, wrapper)
        _when_marked("after_commit", hit, fault)

    return arm


def _submission(moment: str) -> Callable[[Hit, Fault], None]:
    """Around the commit of the transaction that makes a job."""

    def arm(hit: Hit, fault: Fault) -> None:
        def mark(_: object, __: object, job: JobRow) -> None:
            session = object_session(job)
            assert session is not None
            session.info[fault.stage] = True

        event.listen(JobRow, "after_insert", mark)
        _when_marked(moment, hit, fault)

    return arm


def _when_marked(moment: str, hit: Hit, fault: Fault) -> None:
    def at_commit(session: Session) -> None:
        if session.info.pop(fault.stage, False):
            hit()

    event.listen(Session, moment, at_commit)


def _file_in(folder: str) -> Callable[[Hit, Fault], None]:
    """After a file of that folder of the storage has got its name."""

    def arm(hit: Hit, _: Fault) -> None:
        def wrapper(real: Callable[..., Path], temporary: Path, target: Path) -> Path:
            result = real(temporary, target)
            if folder in Path(target).parts:
                hit()
            return result

        _wrap("pathlib:Path.replace", wrapper)

    return arm


def _half_a_block(hit: Hit, _: Fault) -> None:
    def wrapper(real: Callable[..., None], path: Path, *args: Any) -> None:
        real(path, *args)
        whole = path.read_bytes()
        os.truncate(path, len(whole) // 2)
        hit()
        path.write_bytes(whole)

    _wrap("worker.batch:write_block", wrapper)


def _reading(hit: Hit, fault: Fault) -> None:
    def wrapper(real: Callable[..., Any], reader: object, grid: Any, bands: object) -> Any:
        if fault.cell is None or _cell(grid) == fault.cell:
            hit()
        return real(reader, grid, bands)

    _wrap("worker.readers:FileReader.read", wrapper)


def _cell(grid: Any) -> str:
    """COLUMN/ROW of the block in the middle of a grid of EPSG:2154 (DESIGN 4: 409.6 m from (0, 12 000 000))."""
    left, bottom, right, top = grid.bounds
    return f"{int((left + right) / 2 // 409.6)}/{int((12_000_000 - (bottom + top) / 2) // 409.6)}"


def _count_computed(path: Path) -> None:
    def wrapper(real: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        with path.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return result

    _wrap("worker.pipeline:Predictor.predict", wrapper)


STAGES: dict[str, Callable[[Hit, Fault], None]] = {
    # of a worker
    "claimed": _committed("app.jobs:claim_blocks"),
    "reading": _reading,
    "predicting": _before("worker.pipeline:Predictor.predict"),
    "half-written": _half_a_block,
    "fsync": _before("os:fsync"),
    "renaming": _before("pathlib:Path.replace"),
    "renamed": _file_in("blocks"),
    "row-written": _committed("app.blocks:complete"),
    "finalising": _file_in("jobs"),
    "succeeded": _committed("app.jobs:succeed"),
    "unacknowledged": _before("celery.worker.request:Request.acknowledge"),
    # of a web process
    "before-commit": _submission("before_commit"),
    "after-commit": _submission("after_commit"),
    "after-ringing": _after("app.broker:ring"),
}
