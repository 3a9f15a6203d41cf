"""What happens to the land between the two vintages."""

from dataclasses import replace

import numpy as np

from app.demonstration.layout import Parcel, area
from app.demonstration.themes import Use

_BECOMES = {
    Use.CROP: Use.PLOUGHED,
    Use.PLOUGHED: Use.CROP,
    Use.DECIDUOUS: Use.CLEAR_CUT,
    Use.CONIFER: Use.CLEAR_CUT,
    Use.VINEYARD: Use.PLOUGHED,
}
_SHARE_CHANGED = 0.05


def age(parcels: list[Parcel], size_m: float, rng: np.random.Generator) -> list[Parcel]:
    """Parcels of the later vintage: one of each kind of change first, then more until 5 % of the scene changed.

    Estates are all `fresh`: the plots that were vacant have been built upon.
    """
    aged = [replace(each, fresh=True) if each.use is Use.ESTATE else each for each in parcels]
    changed_m2, seen = 0.0, set[Use]()
    for number in rng.permutation(len(parcels)):
        parcel = parcels[number]
        if parcel.use not in _BECOMES or not _mostly_inside(parcel, size_m):
            continue
        surface = area(parcel.outline)
        first = parcel.use not in seen
        if changed_m2 + surface > size_m**2 * _SHARE_CHANGED * (1.6 if first else 1.0):
            continue
        seen.add(parcel.use)
        changed_m2 += surface
        aged[number] = replace(parcel, use=_BECOMES[parcel.use], fresh=True)
    return aged


def _mostly_inside(parcel: Parcel, size_m: float) -> bool:
    centre = parcel.outline.mean(0)
    return bool((centre > 0).all() and (centre < size_m).all())
