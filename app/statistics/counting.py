"""Sums over windows, in threads, in bounded memory; a sum can be kept and gone on with."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Generator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.statistics.measurement import Measurement

# Windows under way: enough to keep every thread at work, few enough to bound memory (some 30 MB each at worst).
_AHEAD = 8


@dataclass
class Tally:
    """The sum over the first `windows_done` windows of a measurement, for the content of `version`."""

    counts: np.ndarray
    windows_done: int
    version: str

    @classmethod
    def of_nothing(cls, measurement: Measurement) -> Tally:
        return cls(np.zeros(measurement.shape, np.int64), 0, measurement.version)

    def to_json(self) -> dict[str, Any]:
        """For a row of the database: what is not 0, by its place."""
        flat = self.counts.ravel()
        places = np.flatnonzero(flat)
        pixels = dict(zip(map(str, places.tolist()), flat[places].tolist(), strict=True))
        return {"windows_done": self.windows_done, "version": self.version, "pixels": pixels}

    @classmethod
    def resumed(cls, measurement: Measurement, kept: dict[str, Any] | None) -> Tally:
        """What was kept; nothing where it was counted in another content of the layer."""
        tally = cls.of_nothing(measurement)
        if kept is not None and kept["version"] == measurement.version:
            flat = tally.counts.reshape(-1)
            for place, pixels in kept["pixels"].items():
                flat[int(place)] = pixels
            tally.windows_done = kept["windows_done"]
        return tally


def count(measurement: Measurement, tally: Tally, threads: Executor) -> Generator[None, None, None]:
    """Counts the windows that are left, in the threads given; yields after each, once it is in the tally.

    Close it whenever you like: what is in the tally is whole. Raises RasterUnreadable.
    """
    left = iter(measurement.windows[tally.windows_done :])
    under_way: deque[Future[np.ndarray]] = deque()
    context = contextvars.copy_context()  # log lines of the threads carry the request's id
    try:
        while True:
            while len(under_way) < _AHEAD and (window := next(left, None)) is not None:
                under_way.append(threads.submit(context.copy().run, measurement.count, window))
            if not under_way:
                return
            tally.counts += under_way.popleft().result()
            tally.windows_done += 1
            yield
    finally:
        for future in under_way:
            future.cancel()
