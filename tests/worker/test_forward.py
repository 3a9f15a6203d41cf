"""The forward pass as its device computes it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

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


class Noted:
    """Stands for a recording on a GPU: it gives its shape's number of patches everywhere."""

    made: list[torch.Size]

    def __init__(self, forward: object, x: Tensor) -> None:
        self.made.append(x.shape)

    def replay(self, x: Tensor) -> Tensor:
        return torch.full_like(x, len(x))


def test_only_shapes_that_come_often_are_recorded_and_each_once(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    Noted.made = []
    monkeypatch.setattr("worker.forward._Recording", Noted)
    forward = Forward(network, CPU)
    forward.records = True
    one, two = torch.rand(1, 3, 64, 64), torch.rand(2, 3, 64, 64)

    with torch.inference_mode():
        assert [forward(x, often=True).unique().item() for x in (one, two, one)] == [1, 2, 1]
        assert forward(torch.rand(1, 3, 32, 64)).shape == (1, 3, 32, 64)
        assert Noted.made == [one.shape, two.shape]
        forward.forget()
        forward(one, often=True)

    assert Noted.made == [one.shape, two.shape, one.shape]


def test_no_recording_is_begun_where_there_was_no_memory_for_one(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def full(forward: object, x: Tensor) -> None:
        tries.append(x)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("worker.forward._Recording", full)
    forward = Forward(network, CPU)
    forward.records = True
    x = torch.rand(1, 3, 64, 64)

    with torch.inference_mode():
        assert torch.equal(forward(x, often=True), forward(x, often=True))
    assert len(tries) == 1
