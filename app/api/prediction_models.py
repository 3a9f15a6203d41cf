"""What predicts (inputs `model`, `ensemble`, `augmentation`): described with the choices there are, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import models
from app.api.execution_bodies import choice, one_of
from app.definitions import MOST_MEMBERS, Augmentation, Ensemble, ImagerySource, require_extra_inputs
from app.errors import ParameterInvalid
from app.models import TrainedModel

NAMES = ("model", "ensemble", "augmentation")


def described(trained: Mapping[str, TrainedModel], sources: Sequence[ImagerySource]) -> dict[str, Any]:
    """Descriptions of the inputs, with the models that are ready and have on some source all that they need."""
    offered = models.offered(trained, sources)
    passes = ", ".join(f"{each}: {each.passes}" for each in Augmentation)
    return {
        "model": {
            **choice("Model", [_model_choice(model) for model in offered.values()], models.default_model(offered)),
            "minOccurs": 0,
        },
        "ensemble": {
            "title": "Further models that predict together with `model`",
            "description": "The mean of the softmax of all members is taken; they are of one nomenclature and "
            "resolution, and the imagery has the bands of them all. The time is that of all members together.",
            "schema": {
                "type": "array",
                "maxItems": MOST_MEMBERS - 1,
                "uniqueItems": True,
                "items": one_of(list(offered)),
                "default": [],
            },
            "minOccurs": 0,
        },
        "augmentation": {
            "title": "How often, and how turned, each model looks at the imagery",
            "description": "none: once; flips: mirrored along both axes too; d4: turned by quarters and mirrored. The "
            f"mean of the softmax of all is taken. The time is that of one look times their number ({passes}).",
            "schema": {"type": "string", "enum": [str(each) for each in Augmentation], "default": "none"},
            "cosia:choices": [{"value": str(each), "cosia:passes": each.passes} for each in Augmentation],
            "minOccurs": 0,
        },
    }


def checked(given: Mapping[str, Any], trained: Mapping[str, TrainedModel]) -> Ensemble:
    """Raises ParameterInvalid with what is allowed."""
    members = models.members_of(trained, _chosen_model(given.get("model"), trained), given.get("ensemble", []))
    return models.ensemble_of(members, _chosen_augmentation(given.get("augmentation", Augmentation.NONE)))


def require_suited(ensemble: Ensemble, source: ImagerySource) -> None:
    """Raises ParameterInvalid where the source lacks a band of one of the members, or what it needs beside bands."""
    for position, card in enumerate(ensemble.cards):
        missing = [band for band in card.bands if band not in source.bands]
        if missing:
            raise ParameterInvalid(
                f"model {card.id!r} needs band {missing[0]}, which imagery source {source.id!r} does not have "
                f"(it has {', '.join(source.bands)})",
                "ensemble" if position else "model",
            )
        giver = f"imagery source {source.id!r}"
        require_extra_inputs(card, source.extra_inputs, giver, "ensemble" if position else "model")


def _chosen_model(asked: object, trained: Mapping[str, TrainedModel]) -> TrainedModel:
    chosen = models.default_model(trained) if asked is None else asked
    if not isinstance(chosen, str) or chosen not in trained:
        raise ParameterInvalid(f"there is no such model; ready to use: {', '.join(trained) or 'none'}", "model")
    return trained[chosen]


def _chosen_augmentation(asked: object) -> Augmentation:
    if not isinstance(asked, str) or asked not in list(Augmentation):
        raise ParameterInvalid(f"augmentation must be one of {', '.join(Augmentation)}", "augmentation")
    return Augmentation(asked)


def _model_choice(model: TrainedModel) -> dict[str, Any]:
    card = model.card
    return {
        "value": card.id,
        "title": card.title,
        "description": card.description,
        "cosia:bands": list(card.bands),
        "cosia:extraInputs": list(card.extra_inputs),
        "cosia:nomenclature": card.nomenclature,
        "cosia:resolution_m": card.resolution_m,
        "cosia:training": card.training,
        "cosia:weaknesses": list(card.weaknesses),
        "cosia:french": card.french.model_dump(mode="json") if card.french else None,
        "cosia:scores": [score.model_dump(mode="json") for score in card.scores],
        "cosia:licence": card.licence,
        "cosia:sources": list(card.sources),
    }
