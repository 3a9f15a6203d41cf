"""A running average of a network's weights, which predicts better than the last weights themselves."""

from __future__ import annotations

import copy

import torch

from worker.architectures.network import Network

_DECAY = 0.998


class AveragedNetwork:
    """Exponential moving average of every floating-point tensor of a network (Polyak averaging)."""

    def __init__(self, network: Network) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.updates = 0

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Move towards the weights as they are; at first fast, so that the untrained start is forgotten."""
        self.updates += 1
        towards = 1 - min(_DECAY, (1 + self.updates) / (10 + self.updates))
        latest = network.state_dict()
        for key, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(latest[key], towards)
            else:
                tensor.copy_(latest[key])
