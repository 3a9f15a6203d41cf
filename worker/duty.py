"""Whether this worker is on duty: it takes predictions only while its device and its weights are sound."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from app.errors import CosiaError, Unavailable
from worker.presence import Presence
from worker.watchdog import Watchdog

log = structlog.get_logger(__name__)

Fault = Callable[[], str | None]
"""Says what is wrong, or None."""


class Duty:
    """A thread that tests device and weights at the start, and every `every_s` while the worker is out of service.

    device_again: tests the device in a fresh process. When that finds it sound, this process ends and is started anew:
    its own connection to the driver may be broken for good.
    """

    def __init__(
        self,
        presence: Presence,
        watchdog: Watchdog,
        *,
        device: Fault,
        device_again: Fault,
        weights: Fault,
        every_s: float,
    ) -> None:
        self._presence = presence
        self._watchdog = watchdog
        self._device = device
        self._device_again = device_again
        self._weights = weights
        self._every_s = every_s
        self._device_failed = False

    def start(self, stop: threading.Event) -> None:
        threading.Thread(target=self._run, args=(stop,), name="duty", daemon=True).start()

    def _run(self, stop: threading.Event) -> None:
        self.begin()
        while not stop.wait(self._every_s):
            if self._presence.out_of_service is not None:
                self.look_again()

    def begin(self) -> None:
        """The worker is in service only after this."""
        fault = self._device()
        self._device_failed = fault is not None
        self._decide(fault or self._tested_weights())

    def look_again(self) -> None:
        if self._device_failed:
            fault = self._device_again()
            if fault is None:
                self._watchdog.end("the device is sound again: starting afresh")
            self._decide(fault)
        else:
            self._decide(self._tested_weights())

    def _tested_weights(self) -> str | None:
        try:
            return self._weights()
        except CosiaError as error:
            return error.message

    def _decide(self, fault: str | None) -> None:
        if fault is None:
            self._presence.come_back()
        else:
            self._presence.leave(fault)
        with suppress(Unavailable):  # the sweeper's next round tells it
            self._presence.beat()
