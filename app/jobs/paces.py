"""How fast workers predict: as they have measured it, and before that as the members alone let expect.

What predicts is named as in `JobRow.predicted_by`: a model, or an ensemble and an augmentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import workers
from app.database import WorkerRow
from app.definitions import parts_of
from app.jobs.fetching import Fetch, expected_fetches, means


class Price(NamedTuple):
    """What an ensemble and an augmentation cost.

    passes: looks at each pixel, by all networks together. factor: times what one model alone takes without
    augmentation. measured: whether workers have predicted just this; else the factor is reckoned from the members'
    paces, or where those are not known from the passes, as if all members were as fast.
    """

    passes: int
    factor: float
    measured: bool


class _Worker(NamedTuple):
    """What one has measured: seconds per block of what predicts, and of what map servers give."""

    predicting: Mapping[str, float]
    fetching: Mapping[str, float]


class Paces:
    """Of the workers that take from one queue now; of all that ever measured something, where those have not yet."""

    def __init__(self, session: Session, queue: str) -> None:
        measured = select(WorkerRow.seconds_per_block, WorkerRow.fetch_seconds)
        self._live = [_Worker(*row) for row in session.execute(measured.where(workers.live(queue)))]
        ever = [_Worker(*row) for row in session.execute(measured)]
        self._means = _Worker(means([each.predicting for each in ever]), means([each.fetching for each in ever]))

    @property
    def workers(self) -> int:
        return len(self._live)

    def blocks_per_s(self, name: str, fetches: Sequence[Fetch]) -> float | None:
        """Of all workers together; None where nobody works, or nothing is known to reckon it from.

        fetches: where the imagery is from. A worker fetches while it predicts, so the slower of the two is its pace.
        """
        known = [
            1 / max(seconds, expected_fetches({**self._means.fetching, **worker.fetching}, fetches))
            for worker in self._live
            if (seconds := self._seconds(worker.predicting, name))
        ]
        return sum(known) if known else None

    def _seconds(self, row: Mapping[str, float], name: str) -> float | None:
        """Of one worker: by what it has measured itself, as far as it has."""
        ever = self._means.predicting
        return expected_seconds(row, name) or ever.get(name) or expected_seconds({**ever, **row}, name)


def expected_seconds(paces: Mapping[str, float], name: str) -> float | None:
    """Seconds per block: measured, else the members' own, summed up, times the passes of the augmentation.

    The sum is rather too long than too short: imagery is read and a file written once for all members. None where one
    of the members was never measured alone.
    """
    if name in paces:
        return paces[name]
    model_ids, augmentation = parts_of(name)
    known = [seconds for model_id in model_ids if (seconds := paces.get(model_id))]
    return sum(known) * augmentation.passes if len(known) == len(model_ids) else None


def price(session: Session, model_id: str, name: str) -> Price:
    """Of what is named, over the model alone."""
    model_ids, augmentation = parts_of(name)
    passes = len(model_ids) * augmentation.passes
    measured = means(session.scalars(select(WorkerRow.seconds_per_block)).all())
    seconds, alone = expected_seconds(measured, name), measured.get(model_id)
    if not seconds or not alone:
        return Price(passes, float(passes), measured=False)
    return Price(passes, seconds / alone, measured=name in measured)
