"""Trained networks that can be asked for: the shipped cards, and those an operator completed with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import JobRow, ModelRow
from app.definitions import (
    MOST_MEMBERS,
    Augmentation,
    Ensemble,
    ExtraInput,
    ImagerySource,
    Member,
    ModelCard,
    Nomenclature,
    nomenclature,
    shipped_model_cards,
    shipped_weights,
)
from app.errors import ParameterInvalid, Unknown
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
    if model_id not in models:
        raise Unknown(_not_ready(model_id, models), "model")
    return models[model_id]


def nomenclature_of(session: Session, model_id: str | None) -> Nomenclature:
    """Of the classes that a model gives, whether or not it can still predict. Raises Unknown where nobody knows it."""
    row = session.get(ModelRow, model_id)
    card = shipped_model_cards().get(str(model_id)) if row is None else ModelCard.model_validate(row.document)
    if card is None:
        raise Unknown(f"there is no model {model_id!r} any more, whose classes these are", "model")
    return nomenclature(card.nomenclature)


def members_of(trained: Mapping[str, TrainedModel], model: TrainedModel, further: object) -> tuple[TrainedModel, ...]:
    """A model and those that are to predict together with it, by their ids.

    Raises ParameterInvalid with what is allowed: models that have weights, each once, not too many, and of the
    model's nomenclature and resolution.
    """
    if not isinstance(further, list) or not all(isinstance(model_id, str) for model_id in further):
        raise ParameterInvalid(f"ensemble must be a list of model ids, at most {MOST_MEMBERS - 1}", "ensemble")
    if len(further) >= MOST_MEMBERS:
        raise ParameterInvalid(
            f"an ensemble has at most {MOST_MEMBERS} members: `model` and up to {MOST_MEMBERS - 1} in `ensemble`, "
            f"and here are {len(further)}",
            "ensemble",
        )
    members = [model]
    for model_id in further:
        if model_id not in trained:
            raise ParameterInvalid(_not_ready(model_id, trained), "ensemble")
        if any(model_id == member.card.id for member in members):
            raise ParameterInvalid(
                f"model {model_id!r} is named twice: `ensemble` lists other models than `model`, each once", "ensemble"
            )
        _require_fitting(trained[model_id].card, model.card)
        members.append(trained[model_id])
    return tuple(members)


def ensemble_of_job(session: Session, storage: Storage, job: JobRow) -> Ensemble:
    """What a job is predicted by, with weights as they are now. Raises Unknown as `find_model` does."""
    inputs = job.inputs or {}
    asked = [str(job.model_id), *inputs.get("ensemble", ())]
    members = [find_model(session, storage, model_id) for model_id in asked]
    return ensemble_of(members, Augmentation(inputs.get("augmentation", Augmentation.NONE)))


def ensemble_of(members: Sequence[TrainedModel], augmentation: Augmentation = Augmentation.NONE) -> Ensemble:
    return Ensemble(tuple(Member(model.card, model.sha256) for model in members), augmentation)


def _require_fitting(card: ModelCard, first: ModelCard) -> None:
    if (card.nomenclature, card.resolution_m) != (first.nomenclature, first.resolution_m):
        raise ParameterInvalid(
            f"model {card.id!r} gives classes of {card.nomenclature} at {card.resolution_m:g} m, model {first.id!r} "
            f"those of {first.nomenclature} at {first.resolution_m:g} m: only models of one nomenclature and one "
            "resolution can predict together",
            "ensemble",
        )


def _not_ready(model_id: str, trained: Mapping[str, TrainedModel]) -> str:
    known = ", ".join(sorted(trained)) or "none"
    if model_id in shipped_model_cards():
        return f"the weights of model {model_id!r} are not installed here; ready to use: {known}"
    return f"there is no model {model_id[:100]!r}; ready to use: {known}"


def add_model(session: Session, storage: Storage, card: ModelCard, weights: bytes, sha256: str) -> None:
    """Stores a completed card and its checked weights (a safetensors file), in place of those of the same id."""
    href = f"models/{sha256}.safetensors"
    if not storage.exists(href):
        with storage.writing(href) as path:
            path.write_bytes(weights)
    session.merge(ModelRow(id=card.id, document=card.model_dump(mode="json"), weights_href=href, sha256=sha256))


def default_model(models: Mapping[str, TrainedModel]) -> str | None:
    """The shipped model where it is there, else the first by name of those that work on imagery alone."""
    alone = offered(models, ())
    return "cosia-demo" if "cosia-demo" in alone else min(alone, default=None)


def offered(models: Mapping[str, TrainedModel], sources: Iterable[ImagerySource]) -> dict[str, TrainedModel]:
    """Those models that can have a part in a job: they work on imagery alone, or on what one of the sources gives."""
    given = [set[ExtraInput](), *(set(source.extra_inputs) for source in sources)]
    return {
        name: model
        for name, model in models.items()
        if any(set(model.card.extra_inputs) <= extra_inputs for extra_inputs in given)
    }
