"""One scene: imagery and truth of a made-up piece of country, decided by a seed."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.demonstration.camera import photograph, prepare
from app.demonstration.canvas import Canvas
from app.demonstration.changes import age
from app.demonstration.conditions import Conditions, draw_conditions
from app.demonstration.layout import Plan, Zone, make_plan
from app.demonstration.light import SHADOW_REACH_PX, sunlit_share
from app.demonstration.materials import CLASS_OF_MATERIAL
from app.demonstration.noise import Noise, Window
from app.demonstration.painter import Painter
from app.demonstration.palette import Palette
from app.demonstration.themes import Theme
from app.demonstration.zones import COMMUNE_PX, draw_zones

_STRIP_PX = 1536
_PAINTING_SHARE = 0.5  # of the time a scene takes
_FILTER_REACH_PX = 64  # blur, sky view and slopes see no further


@dataclass(frozen=True)
class Scene:
    """imagery: (5, height, width) uint8, R, G, B, NIR and E (height above ground, 1 count = 0.2 m, at most 51 m).
    truth: (height, width) uint8, class values 1..16 (CoSIA `numero`, 16 = Coupe)."""

    imagery: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]


def compose(
    seed: int,
    size_px: int,
    *,
    conditions: Conditions | None = None,
    vintage: int = 0,
    zones: Sequence[Zone] | None = None,
    threads: int = 1,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Scene:
    """The scene of a seed: the same arguments give the same bytes, whatever `threads` is.

    conditions: None draws them from the seed. vintage: 0, or 1 for the same place some years later.
    zones: where which theme reigns, metres from the upper left corner; None draws them, and gives a commune with
    every theme from 3072 px on.
    progress: told the share done, 0-1.
    """
    size_m = size_px / 5.0
    places = list(zones) if zones is not None else draw_zones(np.random.default_rng([seed, 2]), size_px)
    flight = draw_conditions(np.random.default_rng([seed, 3, vintage])) if conditions is None else conditions
    noise = Noise(seed, size_px)
    canvas = Canvas(size_px)
    plan = draw_plan(seed, size_px, places)
    if vintage:
        aged = age(plan.parcels, size_m, np.random.default_rng([seed, 4]))
        plan = Plan(aged, plan.boundaries, plan.warp, plan.zones)
    Painter(seed, canvas, Palette(flight), noise, plan).paint()
    progress(_PAINTING_SHARE)
    prepare(noise)
    mountain = sum(zone.theme is Theme.MOUNTAIN for zone in places) / len(places)
    relief_m = 6 + 50 * mountain
    imagery = np.empty((5, size_px, size_px), np.uint8)

    sunlit = np.empty((size_px, size_px), np.uint8)

    def shade(window: Window) -> None:
        around = _grown(window, size_px, SHADOW_REACH_PX)
        share = sunlit_share(canvas.height[around.slices], flight)
        rows, columns = window.within(around)
        sunlit[window.slices] = share[rows, columns] * 255

    def shoot(window: Window) -> None:
        around = _grown(window, size_px, _FILTER_REACH_PX)
        sun = np.asarray(sunlit[around.slices] / np.float32(255), np.float32)
        shot = photograph(canvas, sun, around, noise, flight, relief_m)
        rows, columns = window.within(around)
        imagery[:, window.top : window.bottom, window.left : window.right] = shot[:, rows, columns]

    windows = _windows(size_px)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(shade, windows))
        for done, _ in enumerate(pool.map(shoot, windows), start=1):
            progress(_PAINTING_SHARE + (1 - _PAINTING_SHARE) * done / len(windows))
    return Scene(imagery, CLASS_OF_MATERIAL[canvas.material])


def draw_plan(seed: int, size_px: int, zones: Sequence[Zone]) -> Plan:
    """The plan of a scene at its first vintage, metres from the upper left corner."""
    rng = np.random.default_rng([seed, 1])
    grain = 1.0 if size_px >= COMMUNE_PX else float(rng.uniform(0.15, 0.8))
    return make_plan(rng, size_px / 5.0, list(zones), grain)


def _windows(size_px: int) -> list[Window]:
    starts = range(0, size_px, _STRIP_PX)
    return [
        Window(left, top, min(left + _STRIP_PX, size_px), min(top + _STRIP_PX, size_px))
        for top in starts
        for left in starts
    ]


def _grown(window: Window, size_px: int, margin: int) -> Window:
    return Window(
        max(window.left - margin, 0),
        max(window.top - margin, 0),
        min(window.right + margin, size_px),
        min(window.bottom + margin, size_px),
    )
