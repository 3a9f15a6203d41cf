"""U-TAE: the published format, parity with its authors' code, and items of a batch that do not see each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from tests.worker.parity import ign_cases as cases
from tests.worker.parity.seeding import seeded_input, seeded_state
from worker.architectures.network import Series
from worker.architectures.utae import UTAE, UTAEParameters, average_over_time
from worker.architectures.utae_attention import encode_positions

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
SMALL = UTAEParameters.model_validate(cases.SMALL_UTAE)


def test_map_is_that_of_the_authors_code() -> None:
    seen = seeded_network()(Series(cases.satellite(SMALL.bands), cases.POSITIONS, (5,)))

    np.testing.assert_allclose(cases.kept(seen), np.load(FIXTURES / "utae.npy"), atol=1e-4, rtol=0)


def test_series_gives_the_same_alone_and_beside_longer_and_shorter_ones() -> None:
    network = seeded_network()
    dates, positions = batch_of_series()

    together = network(Series(dates, positions, (2, 4, 1, 2)))

    for item, length in enumerate((2, 4, 1, 2)):
        alone = network(Series(dates[item : item + 1, :length], positions[item : item + 1, :length], (length,)))
        torch.testing.assert_close(together[item], alone[0], atol=1e-5, rtol=0)


def test_padding_is_never_looked_at() -> None:
    network = seeded_network()
    dates, positions = batch_of_series()
    before = network(Series(dates, positions, (2, 4, 1, 2)))

    for item, length in enumerate((2, 4, 1, 2)):
        dates[item, length:] = torch.nan
        positions[item, length:] = torch.nan

    assert torch.equal(network(Series(dates, positions, (2, 4, 1, 2))), before)


def test_date_without_an_image_gets_no_attention() -> None:
    dates = cases.satellite(SMALL.bands)
    network = seeded_network()
    attention: list[Tensor] = []
    network.temporal_encoder.register_forward_hook(lambda _module, _inputs, outputs: attention.append(outputs[1]))

    network(Series(dates, cases.POSITIONS, (5,)))

    assert attention[0].shape == (1, SMALL.heads, 5, 10, 10)
    assert (attention[0][:, :, cases.EMPTY_DATE] == 0).all()
    torch.testing.assert_close(attention[0].sum(dim=2), torch.ones(1, SMALL.heads, 10, 10))


def test_series_of_nothing_but_empty_dates_gives_finite_numbers() -> None:
    seen = seeded_network()(Series(torch.zeros(1, 2, SMALL.bands, 16, 16), torch.tensor([[0.0, 9.0]]), (2,)))

    assert torch.isfinite(seen).all()


def test_average_weighs_each_group_of_channels_by_its_own_head() -> None:
    maps = torch.tensor([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]]).view(1, 2, 4, 1, 1).expand(1, 2, 4, 2, 2)
    attention = torch.tensor([[1.0, 0.0], [0.25, 0.75]]).view(1, 2, 2, 1, 1)  # head 0 sees the first date only

    averaged = average_over_time(maps, attention)

    # Channels 0 and 1 are head 0's; for 2 and 3: 0.25 * 3 + 0.75 * 30 and 0.25 * 4 + 0.75 * 40.
    assert averaged[0, :, 0, 0].tolist() == [1, 2, 23.25, 31]
    assert averaged.shape == (1, 4, 2, 2)


def test_positions_are_sine_and_cosine_in_turns_and_the_same_for_each_head() -> None:
    encoded = encode_positions(torch.tensor([[100.0]]), width=8, heads=2)

    # Four numbers per head: periods 1000^0 = 1 and 1000^(2/4) = 31.6228; 100 / 31.6228 = 3.162278.
    one_head = [-0.506366, 0.862319, -0.020683, -0.999786]
    assert encoded.shape == (1, 1, 8)
    assert encoded[0, 0].tolist() == pytest.approx(one_head * 2, abs=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"encoder": (64, 64, 128), "decoder": (64, 128)}, "one width per size"),
        ({"encoder": (64, 128), "decoder": (64, 64)}, "the same at the deepest"),
        ({"encoder": (20, 64), "decoder": (20, 64)}, "multiples of heads"),
        ({"model": 100}, "multiples of heads"),
        ({"encoder": (64,), "decoder": (64,)}, "at least 2 items"),
    ],
)
def test_widths_that_do_not_go_together_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        UTAEParameters.model_validate(parameters)


def seeded_network() -> UTAE:
    network = UTAE(SMALL, logits=13)
    network.load_state_dict(seeded_state(network.state_dict(), cases.SEED))
    return network.eval().requires_grad_(False)


def batch_of_series() -> tuple[Tensor, Tensor]:
    """Four series of up to four dates; what an item's length leaves of them is padding."""
    return 10 + seeded_input((4, 4, SMALL.bands, 16, 16), 1), 50 * seeded_input((4, 4), 2)
