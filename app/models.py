"""Trained networks that can be asked for: the shipped cards, and those an operator completed with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import ModelRow
from app.definitions import ModelCard, shipped_model_cards, shipped_weights
from app.errors import Unknown
from app.storage import Storage


@dataclass(frozen=True)
class TrainedModel:
    """A card with its weights: `weights()` is a context with the safetensors file, whose sha256 is known."""

    card: ModelCard
    weights: Callable[[], AbstractContextManager[Path]]
    sha256: str


def trained_models(session: Session, storage: Storage) -> dict[str, TrainedModel]:
    """All models that can predict, by id; an operator's weights take the place of shipped ones."""
    models: dict[str, TrainedModel] = {}
    for card in shipped_model_cards().values():
        path = shipped_weights(card)
        if path is not None and card.sha256 is not None:
            models[card.id] = TrainedModel(card, partial(_in_place, path), card.sha256)
    for row in session.scalars(select(ModelRow)):
        card = ModelCard.model_validate(row.document)
        models[card.id] = TrainedModel(card, partial(storage.reading, row.weights_href), row.sha256)
    return models


@contextmanager
def _in_place(path: Path) -> Iterator[Path]:
    yield path


def find_model(session: Session, storage: Storage, model_id: str) -> TrainedModel:
    """Raises Unknown, naming those there are, and saying how to complete a card that has no weights yet."""
    models = trained_models(session, storage)
    if model_id in models:
        return models[model_id]
    known = ", ".join(sorted(models)) or "none"
    if model_id in shipped_model_cards():
        raise Unknown(f"the weights of model {model_id!r} are not installed here; ready to use: {known}", "model")
    raise Unknown(f"there is no model {model_id!r}; ready to use: {known}", "model")


def add_model(session: Session, storage: Storage, card: ModelCard, weights: bytes, sha256: str) -> None:
    """Stores a completed card and its checked weights (a safetensors file), in place of those of the same id."""
    href = f"models/{sha256}.safetensors"
    if not storage.exists(href):
        with storage.writing(href) as path:
            path.write_bytes(weights)
    session.merge(ModelRow(id=card.id, document=card.model_dump(mode="json"), weights_href=href, sha256=sha256))


def default_model(models: dict[str, TrainedModel]) -> str | None:
    """The shipped model where it is there, else the first by name."""
    return "cosia-demo" if "cosia-demo" in models else min(models, default=None)
