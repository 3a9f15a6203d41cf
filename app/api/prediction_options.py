"""How a prediction is to be written and compared: the inputs for it, described and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from app.api.execution_bodies import one_of
from app.catalogue import Catalogue, Layer
from app.definitions import Ensemble, ImagerySource, Language, bands_of, extra_inputs_of
from app.errors import AoiOutside, ParameterInvalid, Unknown
from app.outputs import OUTPUTS, Output, default_outputs

NAMES = ("outputs", "language", "gaps", "minimum_area_m2", "compare")

_MOST_MINIMUM_M2 = 10_000.0


@dataclass(frozen=True)
class Options:
    """What was asked of outputs, checked. inputs: for the job's row. compared: the second source to predict from."""

    outputs: tuple[str, ...]
    inputs: dict[str, Any]
    compared: ImagerySource | None


def described(catalogue: Catalogue, sources: list[ImagerySource]) -> dict[str, Any]:
    """Descriptions of the inputs, with the layers and sources there are."""
    layers = one_of([layer.id for layer in catalogue.layers()])
    imagery_sources = one_of([source.id for source in sources])
    usual, comparing = ", ".join(default_outputs(comparing=False)), ", ".join(o.name for o in _of_comparisons())
    return {
        "outputs": {
            "title": "Outputs to write",
            "description": f"When left out: {usual}; with `compare` also {comparing}.",
            "schema": {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(OUTPUTS)}},
            "cosia:choices": [_output_choice(output) for output in OUTPUTS.values()],
            "minOccurs": 0,
        },
        "language": {
            "title": "Language of picture and report",
            "schema": {"type": "string", "enum": list(Language), "default": Language.FRENCH},
            "minOccurs": 0,
        },
        "gaps": {
            "title": "Whether a result with gaps will do",
            "description": "If a block cannot be predicted, the job ends well with the gap marked; otherwise it fails.",
            "schema": {"type": "boolean", "default": False},
            "minOccurs": 0,
        },
        "minimum_area_m2": {
            "title": "Smallest polygon, m²",
            "description": "Smaller ones are merged into their neighbours in `polygons`; nothing else changes.",
            "schema": {"type": "number", "minimum": 0, "maximum": _MOST_MINIMUM_M2, "default": 0},
            "minOccurs": 0,
        },
        "compare": {
            "title": "Another vintage of the same area",
            "description": "A published layer, or imagery from which the same area is predicted too; from the older "
            "to the newer.",
            "schema": {
                "oneOf": [
                    _member("layer", layers),
                    _member("source", imagery_sources),
                ]
            },
            "cosia:choices": [_layer_choice(layer) for layer in catalogue.layers()]
            + [{"value": {"source": source.id}, "title": source.title} for source in sources],
            "minOccurs": 0,
        },
    }


def checked(
    given: dict[str, Any],
    *,
    area: BaseGeometry,
    source: ImagerySource,
    ensemble: Ensemble,
    sources: list[ImagerySource],
    catalogue: Catalogue,
) -> Options:
    """Raises ParameterInvalid with what is allowed, AoiOutside where a layer has nothing in the area (lon/lat).

    Whether a second source covers the area is for the caller to see.
    """
    asked = given.get("compare")
    compared = _checked_comparison(asked, area, source, ensemble, sources, catalogue)
    outputs = _checked_outputs(given.get("outputs"), comparing=asked is not None)
    gaps = given.get("gaps", False)
    if not isinstance(gaps, bool):
        raise ParameterInvalid("gaps must be true or false", "gaps")
    language = given.get("language", Language.FRENCH)
    if not isinstance(language, str) or language not in list(Language):
        raise ParameterInvalid(f"language must be one of {', '.join(Language)}", "language")
    inputs = {
        "gaps": gaps,
        "language": str(language),
        "minimum_area_m2": _checked_minimum(given.get("minimum_area_m2", 0)),
        "compare": asked,
        "ensemble": [card.id for card in ensemble.cards[1:]],
        "augmentation": str(ensemble.augmentation),
    }
    return Options(outputs, inputs, compared)


def _checked_outputs(names: object, *, comparing: bool) -> tuple[str, ...]:
    if names is None:
        return default_outputs(comparing=comparing)
    if not isinstance(names, list) or not names or any(not isinstance(n, str) or n not in OUTPUTS for n in names):
        raise ParameterInvalid(f"outputs must be a list of some of {', '.join(OUTPUTS)}", "outputs")
    if not comparing and (tells := [n for n in names if OUTPUTS[n].compares]):
        raise ParameterInvalid(f"output {tells[0]!r} tells of a comparison: give `compare`, or leave it out", "outputs")
    return tuple(dict.fromkeys(names))


def _checked_minimum(asked: object) -> float:
    # A bool is an int to Python; NaN is within no bounds.
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 <= asked <= _MOST_MINIMUM_M2:
        raise ParameterInvalid(f"minimum_area_m2 must be a number from 0 to {_MOST_MINIMUM_M2:g}", "minimum_area_m2")
    return float(asked)


def _checked_comparison(
    asked: object,
    area: BaseGeometry,
    source: ImagerySource,
    ensemble: Ensemble,
    sources: list[ImagerySource],
    catalogue: Catalogue,
) -> ImagerySource | None:
    if asked is None:
        return None
    if not isinstance(asked, dict) or len(asked) != 1 or not set(asked) <= {"layer", "source"}:
        raise ParameterInvalid('compare must be {"layer": <layer id>} or {"source": <imagery source id>}', "compare")
    if "layer" in asked:
        _require_comparable(str(asked["layer"]), area, ensemble, catalogue)
        return None
    return _other_source(asked["source"], source, ensemble, sources)


def _require_comparable(layer_id: str, area: BaseGeometry, ensemble: Ensemble, catalogue: Catalogue) -> None:
    try:
        layer = catalogue.layer(layer_id)
    except Unknown as error:
        raise ParameterInvalid(error.message, "compare") from error
    card = ensemble.cards[0]  # the others are of the same nomenclature
    if layer.nomenclature.id != card.nomenclature:
        raise ParameterInvalid(
            f"layer {layer.id} has the classes of {layer.nomenclature.id}, model {card.id} gives those of "
            f"{card.nomenclature}: only maps of one nomenclature can be compared",
            "compare",
        )
    if not area.intersects(shapely.box(*layer.bbox)):
        raise AoiOutside(f"the area lies outside layer {layer.id}, with which it is to be compared")


def _other_source(
    asked: object, source: ImagerySource, ensemble: Ensemble, sources: list[ImagerySource]
) -> ImagerySource:
    """Another source that can be predicted on the same blocks."""
    suited = {
        each.id: each
        for each in sources
        if each.id != source.id
        and each.epsg == source.epsg
        and set(bands_of(ensemble.cards)) <= set(each.bands)
        and set(extra_inputs_of(ensemble.cards)) <= set(each.extra_inputs)
    }
    if not isinstance(asked, str) or asked not in suited:
        raise ParameterInvalid(
            f"imagery source {source.id!r} can be compared with {', '.join(suited) or 'no other'}: another source of "
            "the same grid that has what the models need",
            "compare",
        )
    return suited[asked]


def _output_choice(output: Output) -> dict[str, Any]:
    """What the name stands for, whether it is written unasked, and whether it is there only with a comparison."""
    return {
        "value": output.name,
        "title": output.title_en,
        "cosia:french": {"title": output.title_fr},
        "cosia:default": output.by_default,
        "cosia:compares": output.compares,
    }


def _layer_choice(layer: Layer) -> dict[str, Any]:
    return {"value": {"layer": layer.id}, "title": layer.title, "cosia:nomenclature": layer.nomenclature.id}


def _of_comparisons() -> list[Output]:
    return [output for output in OUTPUTS.values() if output.compares and output.by_default]


def _member(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "additionalProperties": False, "properties": {name: schema}}
