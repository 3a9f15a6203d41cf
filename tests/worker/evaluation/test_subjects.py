"""Which classes a map is evaluated on."""

from __future__ import annotations

import pytest

from app.database import sessions
from app.database.migrate import migrate
from app.definitions import nomenclature
from app.storage import storage
from worker.evaluation import evaluated_values

ALL = tuple(range(1, 17))


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("flair-inc-rvbie", tuple(range(1, 16))),  # 15 classes: never trained on clear cuts
        ("flair-inc-rvb-12+flair-inc-rvbie@d4", tuple(range(1, 16))),  # what any member knows
        ("cosia-demo", ALL),
        ("a-network-of-somebody", ALL),
        (None, ALL),
    ],
)
def test_classes_are_those_the_model_was_trained_on(model: str | None, values: tuple[int, ...]) -> None:
    migrate(sessions().engine)

    with sessions().read() as session:
        assert evaluated_values(session, storage(), model, nomenclature()) == values
