"""Decoder blocks that double no map, beside those that do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.definitions import ModelCard
from worker.architectures import build
from worker.architectures.doubling import SparingBlock, spare_doubling
from worker.architectures.folding import fold_batch_norms
from worker.architectures.unet import DecoderBlock


@pytest.mark.parametrize("skip_channels", [0, 2])
@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_sparing_block_gives_what_the_block_gives_at_edges_too(skip_channels: int, size: tuple[int, int]) -> None:
    torch.manual_seed(3)
    block = DecoderBlock(4, skip_channels, 3)
    block.conv1[0], block.conv1[1] = nn.Conv2d(4 + skip_channels, 3, 3, padding=1), nn.Identity()
    below = torch.randn(2, 4, *size)
    skip = torch.randn(2, skip_channels, 2 * size[0], 2 * size[1]) if skip_channels else None

    with torch.inference_mode():
        expected = block.eval()(below, skip)
        found = SparingBlock(block)(below, skip)

    torch.testing.assert_close(found, expected)


def test_network_for_inference_doubles_no_map(card: ModelCard) -> None:
    network = fold_batch_norms(build(card))

    spare_doubling(network)

    assert not any(isinstance(module, DecoderBlock) for module in network.modules())
    assert sum(isinstance(module, SparingBlock) for module in network.modules()) == 5
