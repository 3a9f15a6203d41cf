"""The rows of a legend beside a map: the classes that are there, the largest first, then what is not classified."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.outputs.map_picture import NOT_CLASSIFIED, hatched
from app.outputs.prediction import Prediction
from app.outputs.wording import Wording


class LegendRow(NamedTuple):
    """colour: RGB; None for hatching. share: 0-1 of the classified area."""

    title: str
    colour: tuple[int, int, int] | None
    area_m2: float
    share: float | None

    def swatch(self, height: int, width: int) -> np.ndarray:
        """(height, width, 3) uint8."""
        if self.colour is None:
            return hatched(height, width)
        return np.full((height, width, 3), self.colour, np.uint8)


def legend_rows(prediction: Prediction, words: Wording) -> list[LegendRow]:
    by_value, table = prediction.nomenclature.by_value, prediction.areas
    rows = [
        LegendRow(words.class_title(c), c.rgb, row["area_m2"], row["share"])
        for row in sorted(table["classes"], key=lambda row: (-row["area_m2"], row["value"]))
        for c in [by_value[row["value"]]]
    ]
    missing_m2 = table["nodata_m2"] - table["gaps_m2"]
    if missing_m2 > 0:
        rows.append(LegendRow(words.not_classified, NOT_CLASSIFIED, missing_m2, None))
    if prediction.gaps:
        rows.append(LegendRow(words.gap, None, table["gaps_m2"], None))
    return rows
