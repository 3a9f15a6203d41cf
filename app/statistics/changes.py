"""What changed between two layers inside a polygon, and what of it lies on borders of classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from app import aoi, areas
from app.catalogue import Layer
from app.definitions import LandCoverClass
from app.errors import ParameterInvalid
from app.statistics.measurement import Measurement, rasters_near
from app.statistics.mosaic import lattice_offset, read_onto
from app.statistics.transitions import count_transitions
from app.statistics.windows import Window

BORDER_M = 1.0
"""How far a border may seem to move where nothing has changed: imagery of two years is each placed to within some
decimetres (docs/decisions/0013)."""

BORDER_RULE = (
    f"A changed pixel lies on a border when the class it has in the later layer was there already within {BORDER_M:g} "
    "m in the earlier one (in each of the two directions of the grid): a border that moved by so little may be an "
    "effect of how the two images were placed. Roofs and crowns can lean by more than that."
)

_SAME_PIXELS = "Both layers have the same pixels."
_NEAREST = (
    "Where the layers' pixels do not coincide, the pixel of layer {after} that holds the centre of the pixel of layer "
    "{before} is compared with it (nearest neighbour)."
)


class ChangeMeasurement(Measurement):
    """Counts are (2, 256, 256): pixels per earlier and later value, first all of them, then those on borders.

    Pixels are those of the earlier layer; nodata on either side counts with the value 0. Raises ParameterInvalid for
    layers that cannot be compared.
    """

    def __init__(self, before: Layer, after: Layer, area: aoi.Aoi) -> None:
        if before.id == after.id:
            raise ParameterInvalid(f"layer {before.id} cannot be compared with itself: name another one", "to")
        if before.nomenclature.id != after.nomenclature.id:
            raise ParameterInvalid(
                f"layer {before.id} has the classes of {before.nomenclature.id}, layer {after.id} those of "
                f"{after.nomenclature.id}: only layers of one nomenclature can be compared",
                "to",
            )
        super().__init__(before, area)
        self.after = after

    @property
    def version(self) -> str:
        return f"{self.layer.version} {self.after.version}"

    @property
    def shape(self) -> tuple[int, ...]:
        return (2, 256, 256)

    def count(self, window: Window) -> np.ndarray:
        epsg, halo_px = window.grid.epsg, math.ceil(BORDER_M / window.grid.resolution_m)
        mask = window.mask(self.polygons[epsg])
        around = window.grid.grown(halo_px)
        before = read_onto(around, self.layer.rasters_in(epsg, around.bounds))
        after = read_onto(window.grid, self.after.rasters_in(epsg, window.grid.bounds))
        return count_transitions(before, after, mask, halo_px)

    def document(self, counts: np.ndarray) -> dict[str, Any]:
        everywhere, on_borders = counts
        # From here on, places without a class on either side are left out.
        pairs = everywhere.copy()
        pairs[0, :], pairs[:, 0] = 0, 0
        changed = pairs.copy()
        np.fill_diagonal(changed, 0)
        m2 = self._square_metres
        return {
            "from": self._side(self.layer, pairs.sum(axis=1)),
            "to": self._side(self.after, pairs.sum(axis=0)),
            "asked_m2": round(self.asked_m2, 3),
            "outside_m2": round(self.outside_m2, 3),
            "nodata_m2": m2(everywhere.sum() - pairs.sum()),
            "compared_m2": m2(pairs.sum()),
            "unchanged_m2": m2(np.trace(pairs)),
            "changed_m2": m2(changed.sum()),
            "changed_on_borders_m2": m2(on_borders.sum()),
            "changed_on_borders_share": float(on_borders.sum() / changed.sum()) if changed.any() else None,
            "resolution_m": self.layer.resolution_m,
            "classes": [self._balance(c, pairs) for c in self._classes if self._is_present(c, pairs)],
            "transitions": [
                {
                    "from": class_from.value,
                    "from_code": class_from.code,
                    "to": class_to.value,
                    "to_code": class_to.code,
                    "area_m2": m2(pairs[class_from.value, class_to.value]),
                    "on_borders_m2": m2(on_borders[class_from.value, class_to.value]),
                }
                for class_from in self._classes
                for class_to in self._classes
                if pairs[class_from.value, class_to.value]
            ],
            "rule": areas.RULE,
            "border_rule": BORDER_RULE,
            "pixels": self._pixels(),
            "warnings": list(self._warnings()),
        }

    def _side(self, layer: Layer, counts: np.ndarray) -> dict[str, Any]:
        """One of the two layers, and its areas per class where both have a class."""
        table = areas.area_table(counts, self.layer.resolution_m, layer.nomenclature)
        return {
            "layer": layer.id,
            "title": layer.title,
            "vintage": layer.vintage,
            "version": layer.version,
            "imagery": layer.imagery_source,
            "model": layer.model,
            "classes": table["classes"],
        }

    def _balance(self, c: LandCoverClass, pairs: np.ndarray) -> dict[str, Any]:
        """What a class had, has, gained from others and lost to them."""
        had, has, kept = pairs[c.value].sum(), pairs[:, c.value].sum(), pairs[c.value, c.value]
        m2 = self._square_metres
        return {
            **areas.class_words(c),
            "from_m2": m2(had),
            "to_m2": m2(has),
            "unchanged_m2": m2(kept),
            "gained_m2": m2(has - kept),
            "lost_m2": m2(had - kept),
        }

    def _is_present(self, c: LandCoverClass, pairs: np.ndarray) -> bool:
        return bool(pairs[c.value].any() or pairs[:, c.value].any())

    @property
    def _classes(self) -> list[LandCoverClass]:
        return sorted(self.layer.nomenclature.classes, key=lambda c: c.value)

    def _square_metres(self, pixels: Any) -> float:
        return areas.square_metres(int(pixels), self.layer.resolution_m)

    def _pixels(self) -> str:
        """How pixels of the two layers were paired."""
        near, others = rasters_near(self.layer, self.aoi), rasters_near(self.after, self.aoi)
        same = all(lattice_offset(raster.grid, other.grid) is not None for raster in near for other in others)
        return _SAME_PIXELS if same else _NEAREST.format(before=self.layer.id, after=self.after.id)

    def _warnings(self) -> list[str]:
        before, after = self.layer, self.after
        found = []
        if before.model is None or after.model is None or before.model != after.model:
            found.append(
                f"Changes of the network mix with changes of the ground: {_origin(before)}; {_origin(after)}. What one "
                "network sees otherwise than the other counts as change."
            )
        if before.vintage is not None and after.vintage is not None and before.vintage >= after.vintage:
            found.append(
                f"Layer {before.id} ({before.vintage}) is not older than layer {after.id} ({after.vintage}): "
                "transitions are told from the first to the second, whichever is older."
            )
        return found


def _origin(layer: Layer) -> str:
    model = "by an unknown model" if layer.model is None else f"by model {layer.model}"
    imagery = "of imagery of an unknown year" if layer.vintage is None else f"of imagery of {layer.vintage}"
    return f"layer {layer.id} was made {model} {imagery}"
