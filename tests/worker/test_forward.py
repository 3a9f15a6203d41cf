"""The forward pass as its device computes it."""

from __future__ import annotations

import pytest
import torch

from app.definitions import ModelCard
from worker.architectures import build
from worker.architectures.network import Network
from worker.forward import Forward

CPU = torch.device("cpu")


@pytest.fixture
def network(card: ModelCard) -> Network:
    torch.manual_seed(1)
    return build(card).eval()


def test_forward_gives_what_the_network_gives(network: Network) -> None:
    x = torch.rand(2, 3, 64, 64)

    with torch.inference_mode():
        assert torch.allclose(Forward(network, CPU)(x), network(x), atol=1e-5)


def test_bfloat16_scores_come_back_in_full_precision_and_close(network: Network) -> None:
    x = torch.rand(1, 3, 64, 64)

    with torch.inference_mode():
        scores = Forward(network, CPU, torch.bfloat16)(x)
        expected = network(x)

    assert scores.dtype == torch.float32
    assert 0 < (scores - expected).abs().max() < 0.05 * expected.abs().max()


def test_a_pass_that_cannot_be_recorded_is_computed_all_the_same(network: Network) -> None:
    """There is no GPU here: its streams cannot even be made."""
    x = torch.rand(1, 3, 64, 64)
    forward = Forward(network, CPU)
    forward.records = True

    with torch.inference_mode():
        assert torch.equal(forward(x, often=True), forward(x))
    assert not forward.records
