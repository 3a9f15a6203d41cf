"""Keys of blocks: another for whatever decides the pixels, and those of stored blocks for ever."""

from __future__ import annotations

import pytest

from app.block_keys import BlockKeys
from app.definitions import Augmentation, Band, BlockCell, Ensemble, ImagerySource, Member, PredictionGrid
from tests import samples


def block_key(cell: BlockCell, grid: PredictionGrid, source: ImagerySource, ensemble: Ensemble) -> str:
    return BlockKeys(grid, source, ensemble).of(cell)


@pytest.mark.parametrize(
    "change",
    [
        {"ensemble": Ensemble((Member(samples.card(), "c" * 64),))},
        {"source": samples.source(version="v2")},
        {"source": samples.source(id="other")},
        {"ensemble": samples.ensemble(samples.card(margin_px=128))},
        {"ensemble": samples.ensemble(samples.card(preprocessing=2))},
        {"ensemble": samples.ensemble(samples.card(values=tuple(range(16, 0, -1))))},
        {"ensemble": samples.ensemble(augmentation=Augmentation.FLIPS)},
        {"ensemble": samples.ensemble(samples.card(), samples.card(id="other"))},
        {"cell": BlockCell(1760, 13981)},
    ],
)
def test_the_key_changes_with_whatever_decides_the_pixels(change: dict[str, object]) -> None:
    given = {
        "cell": samples.CELL,
        "grid": samples.GRID,
        "source": samples.source(),
        "ensemble": samples.ensemble(),
    }

    assert block_key(**given) != block_key(**(given | change))  # type: ignore[arg-type]  # parametrized


def test_the_key_does_not_change_with_words_about_the_model() -> None:
    keys = {
        block_key(samples.CELL, samples.GRID, samples.source(), samples.ensemble(samples.card(title=title)))
        for title in ("Tiny", "Renamed")
    }

    assert len(keys) == 1


def test_keys_of_one_network_are_those_of_blocks_stored_before_there_were_ensembles() -> None:
    """Keys that the version before gave."""
    card = samples.card(margin_px=128, parameters={"stem": 4})

    plain = block_key(samples.CELL, samples.GRID, samples.source(), samples.ensemble())
    other = block_key(
        BlockCell(1760, 13981), samples.GRID, samples.source(version="v2"), Ensemble((Member(card, "c" * 64),))
    )

    assert plain == "99f9737e0ae6dc4efbe4d904455deec9"
    assert other == "efcb7537c7e943883702893c68f54b5e"


def test_keys_of_an_ensemble_are_those_of_blocks_stored_before() -> None:
    """Keys that the version before gave, of parameters that have the names of what else is hashed."""
    parameters = {"cell": None, "zeta": [1]}
    rgb = samples.card(bands=tuple(Band)[:3], mean=(1.0,) * 3, std=(2.0,) * 3, parameters=parameters)
    a, b = (Member(rgb.model_copy(update={"id": name}), digit * 64) for name, digit in (("a", "1"), ("b", "2")))

    keys = BlockKeys(samples.GRID, samples.source(), Ensemble((b, a), Augmentation.D4))

    assert keys.of(samples.CELL) == "19da77dc6e4621eaa73df1565d250903"
    assert keys.of(BlockCell(1760, 13981)) == "c2cd3232a2159d89c870e7a1429055fa"
    assert keys.of(samples.CELL) == "19da77dc6e4621eaa73df1565d250903"  # one key leaves no trace in the next


def test_keys_of_ensembles_differ_with_any_member_and_not_with_the_order_they_are_named_in() -> None:
    a, b, c = (Member(samples.card(id=name), digit * 64) for name, digit in (("a", "1"), ("b", "2"), ("c", "3")))
    b_anew = b._replace(sha256="4" * 64)
    ensembles = [(a,), (b,), (a, b), (a, c), (b, c), (a, b, c), (a, b_anew)]

    keys = {
        block_key(samples.CELL, samples.GRID, samples.source(), Ensemble(members, augmentation))
        for members in ensembles
        for augmentation in Augmentation
    }
    one, other = (
        block_key(samples.CELL, samples.GRID, samples.source(), Ensemble(members)) for members in ((a, b, c), (c, a, b))
    )

    assert len(keys) == len(ensembles) * len(Augmentation)
    assert one == other
