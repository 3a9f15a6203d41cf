"""The words of the page of a report, in the languages there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.definitions import Language
from app.quality.report import Rule


@dataclass(frozen=True)
class Wording:
    """One language. Sentences hold places in braces, which those who write them fill in."""

    language: Language
    title: str
    evaluated: str
    kinds: Mapping[Literal["layer", "job", "model"], str]
    version: str
    model: str
    unknown: str
    reference: str
    coding: str
    made: str
    date_format: str
    compared: str
    left_out: str
    unpredicted: str
    overall_accuracy: str
    kappa: str
    means: str
    means_caption: str
    rule: str
    rules: Mapping[Rule, str]
    classes: str
    mean_iou: str
    figures_per_class: str
    class_: str
    reference_px: str
    predicted_px: str
    precision: str
    recall: str
    area_ratio: str
    iou: str
    iou_per_class: str
    highest_and_lowest: str
    no_class: str
    confusion_matrix: str
    confusion_words: str
    per_cent_of_rows: str
    counts_caption: str
    edges: str
    edges_rule: str
    edges_shares: str
    edges_caption: str
    near: str
    inside: str
    number: str
    errors: str
    confidence: str
    calibration_error: str
    calibration_rule: str
    reliability: str
    reliability_words: str
    confidence_caption: str
    pixels: str
    mean_confidence: str
    accuracy: str
    none: str

    def count(self, value: int) -> str:
        return self.language.number(value)

    def share(self, value: float | None, decimals: int = 4) -> str:
        return self.none if value is None else self.language.number(value, decimals)


_FRENCH = Wording(
    language=Language.FRENCH,
    title="Qualité : {title}",
    evaluated="Évalué",
    kinds={"layer": "couche", "job": "tâche", "model": "modèle"},
    version="version {version}",
    model="Modèle",
    unknown="inconnu",
    reference="Référence",
    coding="codage {coding}",
    made="Établi",
    date_format="le %d/%m/%Y à %H:%M UTC",
    compared="Comparé",
    left_out="Écarté : une classe qui n'est pas évaluée",
    unpredicted="Écarté : référence sans prédiction",
    overall_accuracy="Exactitude globale",
    kappa="Kappa",
    means="Moyennes, et la règle de chacune",
    means_caption="IoU moyenne (intersection sur union)",
    rule="Règle",
    rules={
        "absent-as-zero": (
            "toutes les classes évaluées, celle qui n'apparaît jamais compte pour 0 ; les pixels d'autres classes sont "
            "écartés (FLAIR-INC, FLAIR-HUB, outil FLAIR-1 actuel)"
        ),
        "occurring": (
            "les classes évaluées présentes dans la référence ou la prédiction ; les pixels d'autres classes sont "
            "écartés (scores affichés pour FLAIR-INC)"
        ),
        "twelve-classes": (
            "les classes FLAIR 1 à 12 présentes, toutes les autres réunies en une treizième, qui compte dans les "
            "unions et non dans la moyenne (défis FLAIR#1 et FLAIR#2)"
        ),
    },
    classes="Classes",
    mean_iou="IoU moyenne",
    figures_per_class="Chiffres par classe",
    class_="Classe",
    reference_px="Référence, px",
    predicted_px="Prédit, px",
    precision="Précision",
    recall="Rappel",
    area_ratio="Surface prédite / référence",
    iou="Intersection sur union",
    iou_per_class="Intersection sur union par classe",
    highest_and_lowest=(
        "La plus haute : {best}, {high}. La plus basse : {worst}, {low}. Le tableau qui suit a tous les chiffres."
    ),
    no_class="Aucune classe n'apparaît.",
    confusion_matrix="Matrice de confusion",
    confusion_words=(
        "Les lignes sont les classes de la référence, les colonnes ce qui y est prédit, en pour cent de la ligne. Le "
        "tableau qui suit a les nombres de pixels."
    ),
    per_cent_of_rows="En pour cent de chaque ligne.",
    counts_caption="Pixels : les lignes sont la référence, les colonnes la prédiction",
    edges="Limites de classes",
    edges_rule=(
        "Près : une autre classe de la référence est à {within} px au plus, selon les lignes, les colonnes ou les "
        "diagonales."
    ),
    edges_shares="S'y trouvent {pixels} des pixels et {errors} des erreurs.",
    edges_caption="À {within} px au plus d'une limite de classes, et ailleurs",
    near="Près des limites",
    inside="À l'intérieur",
    number="Nombre",
    errors="Erreurs",
    confidence="Confiance",
    calibration_error="Erreur de calibration attendue : {error}.",
    calibration_rule=(
        "{bins} intervalles de confiance de même largeur ; l'erreur de calibration attendue est l'écart moyen entre "
        "l'exactitude d'un intervalle et sa confiance moyenne, pondéré par ses pixels (Guo et al. 2017, section 2)."
    ),
    reliability="Fiabilité de la confiance",
    reliability_words="Exactitude selon la confiance ; erreur de calibration attendue : {error}.",
    confidence_caption="Confiance et exactitude",
    pixels="Pixels",
    mean_confidence="Confiance moyenne",
    accuracy="Exactitude",
    none="aucune",
)

_ENGLISH = Wording(
    language=Language.ENGLISH,
    title="Quality of {title}",
    evaluated="Evaluated",
    kinds={"layer": "layer", "job": "job", "model": "model"},
    version="version {version}",
    model="Model",
    unknown="unknown",
    reference="Reference",
    coding="coding {coding}",
    made="Made",
    date_format="on %Y-%m-%d at %H:%M UTC",
    compared="Compared",
    left_out="Left out: a class that is not evaluated",
    unpredicted="Left out: reference without prediction",
    overall_accuracy="Overall accuracy",
    kappa="Kappa",
    means="Means, and the rule that made each",
    means_caption="Mean IoU (intersection over union)",
    rule="Rule",
    rules={
        "absent-as-zero": (
            "all evaluated classes, one that never occurs counts as 0; pixels of other classes are left out "
            "(FLAIR-INC, FLAIR-HUB, today's FLAIR-1 tool)"
        ),
        "occurring": (
            "the evaluated classes that occur in the reference or the prediction; pixels of other classes are left out "
            "(scores printed for FLAIR-INC)"
        ),
        "twelve-classes": (
            "FLAIR classes 1-12 that occur, all others taken together as a thirteenth, which counts in unions and not "
            "in the mean (FLAIR#1 and FLAIR#2 challenges)"
        ),
    },
    classes="Classes",
    mean_iou="Mean IoU",
    figures_per_class="Figures per class",
    class_="Class",
    reference_px="Reference px",
    predicted_px="Predicted px",
    precision="Precision",
    recall="Recall",
    area_ratio="Predicted / reference area",
    iou="Intersection over union",
    iou_per_class="Intersection over union per class",
    highest_and_lowest="Highest: {best}, {high}. Lowest: {worst}, {low}. The table below has all numbers.",
    no_class="No class occurs.",
    confusion_matrix="Confusion matrix",
    confusion_words=(
        "Rows are classes of the reference, columns what was predicted there, in per cent of the row. The table below "
        "has the counts."
    ),
    per_cent_of_rows="Per cent of each row.",
    counts_caption="Pixels: rows are the reference, columns the prediction",
    edges="Edges of classes",
    edges_rule=("Near: another class of the reference lies at most {within} px away along rows, columns or diagonals."),
    edges_shares="{pixels} of the pixels lie there, and {errors} of the errors.",
    edges_caption="Within {within} px of an edge between classes, and elsewhere",
    near="Near edges",
    inside="Inside",
    number="Number",
    errors="Errors",
    confidence="Confidence",
    calibration_error="Expected calibration error: {error}.",
    calibration_rule=(
        "{bins} intervals of confidence of one width; the expected calibration error is the mean distance between an "
        "interval's accuracy and its mean confidence, weighted by its pixels (Guo et al. 2017, section 2)."
    ),
    reliability="Reliability of the confidence",
    reliability_words="Accuracy over confidence; expected calibration error: {error}.",
    confidence_caption="Confidence and accuracy",
    pixels="Pixels",
    mean_confidence="Mean confidence",
    accuracy="Accuracy",
    none="none",
)


def wording(language: Language) -> Wording:
    return {Language.FRENCH: _FRENCH, Language.ENGLISH: _ENGLISH}[language]
