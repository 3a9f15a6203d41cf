"""The words of pictures and reports, in the languages there are, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.definitions import Augmentation, Ensemble, ImagerySource, LandCoverClass, Language, ModelCard
from app.definitions.model_card import FrenchWords, Score

_NBSP = "\N{NO-BREAK SPACE}"
_SQUARE_METRES_PER_HECTARE = 10_000


@dataclass(frozen=True)
class Wording:
    """One language. Sentences hold places in braces, which those who write them fill in."""

    language: Language
    title: str
    demonstration: str
    not_classified: str
    gap: str
    unknown_year: str
    legend: str
    land_cover: str
    area: str
    share: str
    asked_area: str
    planar: str
    classified: str
    nodata: str
    coverage: str
    gaps: str
    no_gaps: str
    changes: str
    changes_summary: str
    on_borders: str
    largest_changes: str
    change: str
    method: str
    method_text: str
    minimum_area: str
    nomenclature: str
    model: str
    ensemble: str
    augmentation: Mapping[Augmentation, str]
    figures_alone: str
    scores: str
    accuracy: str
    mean_iou: str
    training: str
    weaknesses: str
    source: str
    licence: str
    licences: str
    job: str
    asked_at: str
    date_format: str
    several_networks: str
    colon: str

    def number(self, value: float, decimals: int = 0) -> str:
        return self.language.number(value, decimals)

    def square_metres(self, area_m2: float) -> str:
        return f"{self.number(area_m2)}{_NBSP}m²"

    def hectares(self, area_m2: float) -> str:
        return f"{self.number(area_m2 / _SQUARE_METRES_PER_HECTARE, 2)}{_NBSP}ha"

    def percent(self, share: float) -> str:
        """Of what is there, but less than a twentieth of a percent, no nought."""
        figure = f"<{_NBSP}{self.number(0.1, 1)}" if 0 < share < 0.0005 else self.number(100 * share, 1)
        return f"{figure}{_NBSP}%"

    def length(self, metres: float) -> str:
        return f"{self.number(metres / 1000)}{_NBSP}km" if metres >= 1000 else f"{self.number(metres)}{_NBSP}m"

    def labelled(self, label: str, text: str) -> str:
        return f"{label}{self.colon}{text}"

    def imagery_of(self, source: ImagerySource) -> str:
        """Title, year and whom to name."""
        year = self.unknown_year if source.year is None else str(source.year)
        return f"{source.title} ({year}), © {source.attribution}" if source.attribution else f"{source.title} ({year})"

    def class_title(self, c: LandCoverClass) -> str:
        return self.language.class_title(c.title_fr, c.title_en)

    def time(self, moment: datetime) -> str:
        return moment.strftime(self.date_format)

    def side(self, side: Mapping[str, Any]) -> str:
        """A side of a comparison."""
        return f"{side['title']} ({self.unknown_year if side['vintage'] is None else side['vintage']})"

    def title_in(self, row: Mapping[str, Any]) -> str:
        """The name of a class in a row of figures."""
        return str(row["title_fr"] if self.language is Language.FRENCH else row["title_en"])

    def words_of(self, card: ModelCard) -> FrenchWords | ModelCard:
        """What has the card's title, training and weaknesses, in this language where the card has them in it."""
        return card.french if self.language is Language.FRENCH and card.french is not None else card

    def together(self, ensemble: Ensemble) -> list[str]:
        """How networks predict together and how often each looks; nothing of one that looks once."""
        told = [self.ensemble.format(count=len(ensemble.members))] if len(ensemble.members) > 1 else []
        if ensemble.augmentation in self.augmentation:
            told.append(self.augmentation[ensemble.augmentation].format(passes=ensemble.augmentation.passes))
        return told

    def test_set(self, score: Score) -> str:
        return score.test_set_fr if self.language is Language.FRENCH and score.test_set_fr else score.test_set


_FRENCH = Wording(
    language=Language.FRENCH,
    title="Occupation du sol prédite",
    demonstration="DÉMONSTRATION : lieu et images inventés",
    not_classified="Non classé",
    gap="Non prédit",
    unknown_year="année inconnue",
    legend="Légende",
    land_cover="Classe",
    area="Surface",
    share="Part",
    asked_area="Zone demandée : <b>{m2}</b> ({ha}).",
    planar="Surfaces planes, dans la projection {crs}.",
    classified="Classé : {m2}.",
    nodata="Non classé : {m2}.",
    coverage="Images présentes sur {share} de la zone.",
    gaps="Blocs non prédits : {count} ({m2}) ; {reasons}.",
    no_gaps="Aucune lacune.",
    changes="Changements",
    changes_summary="De {before} à {after} : {m2} ont changé, soit {share} de ce qui a été comparé.",
    on_borders="{share} de ces changements longent une limite de classes et peuvent tenir au calage des images.",
    largest_changes="Les plus grands : {pairs}.",
    change="de {before} à {after}, {m2}",
    method="Méthode",
    method_text=(
        "Segmentation sémantique à {resolution} m par pixel, par blocs de {block} m prédits avec {margin} m de marge ; "
        "un pixel compte, entier, quand son centre est dans la zone. Les surfaces sont comptées à pleine résolution ; "
        "la carte montre la classe la plus fréquente de chaque pixel affiché."
    ),
    minimum_area="Polygones de moins de {m2} fondus dans leurs voisins (fichier vectoriel seul).",
    nomenclature="Nomenclature",
    model="Modèle",
    ensemble="Moyenne des softmax de {count} réseaux.",
    augmentation={
        Augmentation.FLIPS: "Chaque réseau voit l'image {passes} fois, en miroir selon ses deux axes.",
        Augmentation.D4: "Chaque réseau voit l'image {passes} fois, par quarts de tour et en miroir.",
    },
    figures_alone="Ces chiffres sont ceux de chaque réseau seul, qui voit l'image une fois.",
    scores="{figures} ; jeu de test : {test_set}.",
    accuracy="Exactitude globale {value}",
    mean_iou="IoU moyenne {value}",
    training="Entraînement",
    weaknesses="Faiblesses connues",
    source="Source des images",
    licence="Licences",
    licences="Nomenclature {title} : {nomenclature}. Modèle : {model}.",
    job="Tâche",
    asked_at="demandée le {date}",
    date_format="%d/%m/%Y à %H:%M UTC",
    several_networks=("Les deux cartes ne viennent pas du même réseau : ses changements se mêlent à ceux du terrain."),
    colon=f"{_NBSP}: ",
)

_ENGLISH = Wording(
    language=Language.ENGLISH,
    title="Predicted land cover",
    demonstration="DEMONSTRATION: made-up place and imagery",
    not_classified="Not classified",
    gap="Not predicted",
    unknown_year="unknown year",
    legend="Legend",
    land_cover="Class",
    area="Area",
    share="Share",
    asked_area="Area asked for: <b>{m2}</b> ({ha}).",
    planar="Areas are planar, in the projection {crs}.",
    classified="Classified: {m2}.",
    nodata="Not classified: {m2}.",
    coverage="There is imagery on {share} of the area.",
    gaps="Blocks not predicted: {count} ({m2}); {reasons}.",
    no_gaps="No gaps.",
    changes="Changes",
    changes_summary="From {before} to {after}: {m2} changed, {share} of what was compared.",
    on_borders="{share} of these changes lie along borders of classes and may come from how the images were placed.",
    largest_changes="The largest: {pairs}.",
    change="{before} to {after}, {m2}",
    method="Method",
    method_text=(
        "Semantic segmentation at {resolution} m a pixel, in blocks of {block} m predicted with a margin of {margin} "
        "m; a pixel counts, whole, when its centre lies inside the area. Areas are counted at full resolution; the map "
        "shows the most frequent class of each pixel drawn."
    ),
    minimum_area="Polygons below {m2} are merged into their neighbours (vector file only).",
    nomenclature="Nomenclature",
    model="Model",
    ensemble="Mean of the softmax of {count} networks.",
    augmentation={
        Augmentation.FLIPS: "Each network sees the image {passes} times, mirrored along both axes.",
        Augmentation.D4: "Each network sees the image {passes} times, turned by quarters and mirrored.",
    },
    figures_alone="These figures are of each network alone, seeing the image once.",
    scores="{figures}; test set: {test_set}.",
    accuracy="Overall accuracy {value}",
    mean_iou="mean IoU {value}",
    training="Training",
    weaknesses="Known weaknesses",
    source="Imagery source",
    licence="Licences",
    licences="Nomenclature {title}: {nomenclature}. Model: {model}.",
    job="Job",
    asked_at="asked for on {date}",
    date_format="%Y-%m-%d at %H:%M UTC",
    several_networks="The two maps are not by one network: its changes mix with those of the ground.",
    colon=": ",
)


def wording(language: Language) -> Wording:
    return {Language.FRENCH: _FRENCH, Language.ENGLISH: _ENGLISH}[language]
