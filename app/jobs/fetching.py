"""How long imagery takes to come from map servers, as workers have measured it and as the servers allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import WorkerRow


class Fetch(NamedTuple):
    """The imagery of one source. least_s: what a block takes at the pace that a map server allows; 0 for files, and
    where nobody says.
    """

    source_id: str
    least_s: float = 0.0


class FetchPace(NamedTuple):
    """seconds_per_block: of one worker. measured: whether one has fetched from this source, and was slower than it is
    allowed to be.
    """

    seconds_per_block: float
    measured: bool


def expected_fetch(measured: Mapping[str, float], fetch: Fetch) -> FetchPace:
    """Measured, but never less than is allowed: what was measured may have come from the cache."""
    seconds = measured.get(fetch.source_id, 0.0)
    return FetchPace(max(seconds, fetch.least_s), measured=seconds > fetch.least_s)


def expected_fetches(measured: Mapping[str, float], fetches: Sequence[Fetch]) -> float:
    """Seconds per block of a job whose blocks are of these sources in turn."""
    return sum(expected_fetch(measured, each).seconds_per_block for each in fetches) / max(1, len(fetches))


def fetch_pace(session: Session, fetch: Fetch) -> FetchPace:
    """As all workers together have measured it, gone ones too."""
    return expected_fetch(means(session.scalars(select(WorkerRow.fetch_seconds)).all()), fetch)


def means(noted: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of what each worker has noted by name."""
    measured: dict[str, list[float]] = {}
    for each in noted:
        for name, seconds in each.items():
            measured.setdefault(name, []).append(seconds)
    return {name: sum(all_) / len(all_) for name, all_ in measured.items()}
