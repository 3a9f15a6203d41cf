"""What a terminal shows while work takes long."""

from __future__ import annotations

from typing import Never

from tqdm import tqdm


class Bars:
    """One progress bar per stage, on standard error."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def show(self, stage: str, fraction: float) -> None:
        if stage != self._stage:
            self._close()
            self._stage = stage
            self._bar = tqdm(total=100, desc=stage, bar_format="{desc:32} |{bar:30}| {n:.0f} % {elapsed}")
        if self._bar is not None:
            self._bar.update(round(100 * fraction) - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def say(message: str) -> None:
    tqdm.write(message)
