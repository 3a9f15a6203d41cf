"""Scenes: decided by their seed, complete in classes, coherent between imagery, height and truth."""

from dataclasses import replace

import numpy as np
import pytest

from app.demonstration import scene
from app.demonstration.conditions import Conditions, draw_conditions
from app.demonstration.layout import Zone
from app.demonstration.scene import Scene, compose
from app.demonstration.themes import Theme
from app.demonstration.zones import commune, draw_zones

SIZE_PX = 512
BUILDING, IMPERVIOUS, POOL, WATER, CONIFER, DECIDUOUS = 1, 3, 4, 6, 8, 9


def exact_heights(seed: int) -> Conditions:
    """Conditions of `seed` with a height model free of faults."""
    drawn = draw_conditions(np.random.default_rng(seed))
    return replace(
        drawn, height_noise_m=0.0, height_smoothing_px=0.0, height_shift_px=(0.0, 0.0), height_jitter_px=0.0,
        height_holes=0.0, height_floor_m=0.0,
    )  # fmt: skip


def everywhere(theme: Theme) -> list[Zone]:
    return [Zone((50.0, 50.0), theme)]


@pytest.fixture(scope="module")
def suburb() -> Scene:
    return compose(5, 768, conditions=exact_heights(1), zones=everywhere(Theme.SUBURB))


def test_scene_has_five_bands_and_one_class_per_pixel(suburb: Scene) -> None:
    assert suburb.imagery.shape == (5, 768, 768)
    assert suburb.truth.shape == (768, 768)
    assert suburb.imagery.dtype == suburb.truth.dtype == np.uint8
    assert set(np.unique(suburb.truth)) <= set(range(1, 17))


def test_same_seed_gives_the_same_bytes() -> None:
    first, second = compose(7, 320), compose(7, 320)

    assert first.imagery.tobytes() == second.imagery.tobytes()
    assert first.truth.tobytes() == second.truth.tobytes()


def test_threads_do_not_change_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "_STRIP_PX", 128)
    alone, together = compose(3, 400), compose(3, 400, threads=3)

    assert alone.imagery.tobytes() == together.imagery.tobytes()


def test_another_seed_gives_another_place() -> None:
    assert (compose(1, 320).truth != compose(2, 320).truth).mean() > 0.2


def test_commune_holds_all_sixteen_classes() -> None:
    whole = compose(11, 2000, zones=commune(2000 / 5))

    assert set(np.unique(whole.truth)) == set(range(1, 17))


@pytest.mark.parametrize(
    ("theme", "values"),
    [
        (Theme.VILLAGE, {1, 3, 9}),
        (Theme.SUBURB, {1, 3, 4, 8, 9, 12}),
        (Theme.INDUSTRY, {1, 2, 3, 5, 15}),
        (Theme.FARMLAND, {12, 13, 14}),
        (Theme.VINEYARDS, {11, 12}),
        (Theme.FOREST, {8, 9, 10, 16}),
        (Theme.RIVERSIDE, {6, 9, 12}),
        (Theme.QUARRY, {5, 6}),
        (Theme.MOUNTAIN, {5, 7, 10}),
    ],
)
def test_each_theme_shows_its_classes(theme: Theme, values: set[int]) -> None:
    scenes = [compose(seed, 400, zones=everywhere(theme)) for seed in (1, 2, 3)]

    assert values <= set(np.unique([each.truth for each in scenes]))


def test_every_theme_is_drawn_for_training() -> None:
    drawn = {zone.theme for seed in range(40) for zone in draw_zones(np.random.default_rng(seed), 768)}

    assert drawn == set(Theme)


def test_buildings_stand_above_two_metres(suburb: Scene) -> None:
    height_m = suburb.imagery[4] * 0.2

    assert (height_m[suburb.truth == BUILDING] > 2).mean() > 0.9


@pytest.mark.parametrize("value", [POOL, IMPERVIOUS])
def test_pools_and_roads_lie_on_the_ground(suburb: Scene, value: int) -> None:
    height_m = suburb.imagery[4] * 0.2

    assert (suburb.truth == value).sum() > 200
    assert (height_m[suburb.truth == value] < 1).mean() > 0.9


def test_woods_are_tall_and_bright_in_infrared() -> None:
    wood = compose(4, SIZE_PX, conditions=exact_heights(2), zones=everywhere(Theme.FOREST))
    trees = np.isin(wood.truth, (CONIFER, DECIDUOUS))
    red, infrared = wood.imagery[0][trees].astype(float), wood.imagery[3][trees].astype(float)

    assert (wood.imagery[4][trees] * 0.2 > 2).mean() > 0.9
    assert infrared.mean() > 1.2 * red.mean()


def test_shadow_falls_away_from_the_sun(suburb: Scene) -> None:
    low = replace(exact_heights(1), sun_azimuth_deg=180.0, sun_elevation_deg=35.0, sensor_noise=0.0)
    lit = compose(5, 768, conditions=low, zones=everywhere(Theme.SUBURB))
    flat = np.isin(lit.truth, (2, 3, 5, 12)) & (lit.imagery[4] < 2)
    tall = lit.imagery[4] * 0.2 > 4
    north, south = np.zeros_like(tall), np.zeros_like(tall)
    north[:-8] = tall[8:]  # 1.6 m to the north of something over 4 m
    south[8:] = tall[:-8]
    brightness = lit.imagery[:3].astype(float).mean(0)

    assert brightness[flat & north & ~south].mean() < 0.75 * brightness[flat & south & ~north].mean()


def test_vintages_differ_in_few_pixels_and_only_by_real_changes() -> None:
    zones = [Zone((0.0, 0.0), Theme.FARMLAND), Zone((160.0, 0.0), Theme.FOREST), Zone((80.0, 160.0), Theme.VINEYARDS)]
    before, after = compose(8, 960, zones=zones), compose(8, 960, zones=zones, vintage=1)
    changed = before.truth != after.truth

    assert 0.003 < changed.mean() < 0.15
    mineral_and_water = np.isin(before.truth, (IMPERVIOUS, WATER))
    assert changed[mineral_and_water].mean() < 0.02


def test_vacant_plots_are_built_upon_in_the_later_vintage() -> None:
    before, after = (compose(5, 768, zones=everywhere(Theme.SUBURB), vintage=each) for each in (0, 1))
    built = (after.truth == BUILDING) & (before.truth != BUILDING)

    assert built.sum() * 0.04 > 60  # m2, at least one house
    assert ((before.truth == BUILDING) & (after.truth != BUILDING)).sum() < 0.05 * built.sum()


def test_conditions_change_the_picture_and_not_the_ground() -> None:
    hazy = replace(exact_heights(1), offset=(30.0, 30.0, 30.0, 30.0))
    clear = compose(6, SIZE_PX, conditions=exact_heights(1))
    veiled = compose(6, SIZE_PX, conditions=hazy)

    assert (clear.truth == veiled.truth).all()
    assert veiled.imagery[:4].mean() > clear.imagery[:4].mean() + 15
