"""The paragraphs of a report: area and gaps, changes, method, network and its weaknesses, imagery, licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import pyproj

from app import phrases
from app.definitions import BLOCK_PX, Ensemble, ModelCard, margin_of
from app.definitions.model_card import FrenchWords
from app.outputs.prediction import Prediction
from app.outputs.wording import Wording

# One page has to hold whatever an operator wrote on a card.
_MOST_CHARACTERS = 900
_MOST_WEAKNESSES = 10
_MOST_REASONS = 3
_MOST_CHANGES = 5


class Section(NamedTuple):
    """paragraphs: reportlab's markup. listed: whether each is an item of a list."""

    heading: str
    paragraphs: tuple[str, ...]
    listed: bool = False


def sections(prediction: Prediction, words: Wording) -> list[Section]:
    cards, nomenclature = prediction.ensemble.cards, prediction.nomenclature
    known = [words.words_of(card) for card in cards]
    weaknesses = dict.fromkeys(weakness for each in known for weakness in each.weaknesses)
    licences = words.licences.format(
        title=nomenclature.title,
        nomenclature=nomenclature.licence,
        model=", ".join(dict.fromkeys(card.licence for card in cards)),
    )
    found = [
        Section(words.area, tuple(_area(prediction, words))),
        Section(words.changes, tuple(_changes(prediction.changes, words))) if prediction.changes else None,
        Section(words.method, tuple(_method(prediction, words))),
        Section(words.source, (_short(words.imagery_of(prediction.source)),)),
        Section(words.model, tuple(map(_short, _models(prediction.ensemble, words)))),
        Section(words.weaknesses, tuple(map(_short, islice(weaknesses, _MOST_WEAKNESSES))), listed=True)
        if weaknesses
        else None,
        Section(words.training, tuple(_short(text, len(cards)) for text in _trainings(known, words))),
        Section(words.licence, (_short(licences),)),
    ]
    return [section for section in found if section is not None]


def _area(prediction: Prediction, words: Wording) -> Iterator[str]:
    table, asked = prediction.areas, prediction.asked
    yield words.asked_area.format(m2=words.square_metres(asked.area_m2), ha=words.hectares(asked.area_m2))
    yield words.planar.format(crs=_crs_name(prediction.grid.epsg))
    told = [words.classified.format(m2=words.square_metres(table["area_m2"]))]
    if table["nodata_m2"]:
        told.append(words.nodata.format(m2=words.square_metres(table["nodata_m2"])))
    if asked.coverage is not None:
        told.append(words.coverage.format(share=words.percent(asked.coverage)))
    if not prediction.gaps:
        told.append(words.no_gaps)
    yield " ".join(told)
    if prediction.gaps:
        told_reasons = (phrases.told(gap.reason, words.language) for gap in prediction.gaps if gap.reason)
        reasons = list(dict.fromkeys(told_reasons))
        yield words.gaps.format(
            count=len(prediction.gaps),
            m2=words.square_metres(table["gaps_m2"]),
            reasons=_short("; ".join(reasons[:_MOST_REASONS]) + ("; …" if len(reasons) > _MOST_REASONS else "")),
        )


def _changes(document: Mapping[str, Any], words: Wording) -> Iterator[str]:
    before, after = document["from"], document["to"]
    share = document["changed_m2"] / document["compared_m2"] if document["compared_m2"] else 0.0
    yield words.changes_summary.format(
        before=_short(words.side(before)),
        after=_short(words.side(after)),
        m2=words.square_metres(document["changed_m2"]),
        share=words.percent(share),
    )
    titles = {row["value"]: words.title_in(row) for row in document["classes"]}
    moved = (row for row in document["transitions"] if row["from"] != row["to"])
    largest = islice(sorted(moved, key=lambda row: (-row["area_m2"], row["from"], row["to"])), _MOST_CHANGES)
    pairs = [
        words.change.format(before=titles[row["from"]], after=titles[row["to"]], m2=words.square_metres(row["area_m2"]))
        for row in largest
    ]
    if pairs:
        yield words.largest_changes.format(pairs=escape("; ".join(pairs)))
    if document["changed_on_borders_share"] is not None:
        yield words.on_borders.format(share=words.percent(document["changed_on_borders_share"]))
    if before["model"] is None or before["model"] != after["model"]:
        yield words.several_networks


def _method(prediction: Prediction, words: Wording) -> Iterator[str]:
    resolution_m = prediction.grid.resolution_m
    yield words.method_text.format(
        resolution=words.number(resolution_m, 1),
        block=words.number(BLOCK_PX * resolution_m, 1),
        margin=words.number(margin_of(prediction.ensemble.cards) * resolution_m, 1),
    )
    if "polygons" in prediction.asked.outputs and prediction.asked.minimum_area_m2:
        yield words.minimum_area.format(m2=words.square_metres(prediction.asked.minimum_area_m2))


def _models(ensemble: Ensemble, words: Wording) -> Iterator[str]:
    """Each network with its figures, then how they predict together."""
    for card in ensemble.cards:
        yield words.words_of(card).title
        yield from _scores(card, words)
    together = words.together(ensemble)
    yield from together
    if together and any(card.scores for card in ensemble.cards):
        yield words.figures_alone


def _trainings(known: Sequence[FrenchWords | ModelCard], words: Wording) -> Iterator[str]:
    for each in known:
        yield each.training if len(known) == 1 else words.labelled(each.title, each.training)


def _scores(card: ModelCard, words: Wording) -> Iterator[str]:
    for score in card.scores:
        figures = [
            text.format(value=words.percent(value))
            for text, value in ((words.accuracy, score.overall_accuracy), (words.mean_iou, score.mean_iou))
            if value is not None
        ]
        if figures:
            yield words.scores.format(figures=", ".join(figures), test_set=words.test_set(score))


@lru_cache
def _crs_name(epsg: int) -> str:
    return f"{pyproj.CRS.from_epsg(epsg).name} (EPSG:{epsg})"


def _short(text: str, share: int = 1) -> str:
    """Text of others, for markup; share: with how many it shares the room of one."""
    most = _MOST_CHARACTERS // share
    return escape(text if len(text) <= most else f"{text[:most].rsplit(' ', 1)[0]} …")
