"""The state of a training and one step of it."""

from __future__ import annotations

import copy
import math
import os
import pickle
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.definitions import ModelCard
from app.errors import WeightsUnreadable
from worker import weights as weight_files
from worker.architectures import build
from worker.architectures.extra_batches import together
from worker.architectures.network import Network
from worker.flair import FLAIR_BANDS
from worker.training.average import AveragedNetwork
from worker.training.loss import IGNORED, ClassWeights, segmentation_loss
from worker.training.optimiser import Optimiser
from worker.training.samples import Batch

_WARM_UP = 0.04
_LOWEST_RATE = 0.01
_LARGEST_GRADIENT = 2.0


@dataclass
class Progress:
    """How far a training is; kept in its checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    scenes: int = 0


def rate_at(progress: float) -> float:
    """Share of the peak learning rate at a progress of 0-1: a short rise, then half a cosine down to 1 %."""
    if progress < _WARM_UP:
        return progress / _WARM_UP
    falling = (min(progress, 1.0) - _WARM_UP) / (1 - _WARM_UP)
    return _LOWEST_RATE + (1 - _LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * falling))


class Trainer:
    """A network in training with all that must survive an interruption.

    replicas: parts of a batch that are learnt from at the same time, each by a copy of the network in a thread of its
    own. On a CPU that other programs use too this is up to four times faster than torch's own threads, which wait
    for the slowest of them in every operation: run it with one torch thread.
    class_weights: see Recipe; automatic ones where none is given.
    """

    def __init__(
        self,
        card: ModelCard,
        peak_rate: float,
        seed: int,
        device: torch.device,
        *,
        bf16: bool = False,
        replicas: int = 1,
        class_weights: Mapping[int, float] | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.card = card
        self.progress = Progress()
        self._peak_rate = peak_rate
        self.device = device
        self._bf16 = bf16
        self.network = build(card).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._replicas = [self.network, *(copy.deepcopy(self.network) for _ in range(replicas - 1))]
        self._threads = ThreadPoolExecutor(replicas, thread_name_prefix="replica")
        self.averaged = AveragedNetwork(self.network)
        self._optimiser = Optimiser(self.network.parameters(), peak_rate)
        self._weights = ClassWeights(len(card.values))
        self._mean = torch.tensor(card.mean, device=device).view(-1, 1, 1)
        self._scale = 1 / torch.tensor(card.std, device=device).view(-1, 1, 1)
        self._bands = [FLAIR_BANDS.index(band) for band in card.bands]
        given = class_weights or {}
        self._given = torch.tensor([given.get(value, 1.0) for value in card.values]) if given else None
        channels = torch.full((256,), IGNORED)
        for channel, value in enumerate(card.values):
            if value and given.get(value, 1.0) > 0:
                channels[value] = channel
        self._channel_of_value = channels

    def step(self, batch: Batch, progress: float) -> float:
        """Learn from one batch at a progress of 0-1; returns its loss."""
        target = self._channel_of_value[torch.from_numpy(batch.truth).long()]
        automatic = self._weights.update(target)
        weights = (automatic if self._given is None else self._given).to(self.device)
        count = len(self._replicas)
        learnt = self._threads.map(
            self._learn, self._replicas, batch.parts(count), target.tensor_split(count), [weights] * count
        )
        losses, scores = zip(*learnt, strict=True)
        self._weights.observe(torch.cat(scores).cpu(), target)
        self._gather_gradients()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _LARGEST_GRADIENT)
        self._optimiser.step(self._peak_rate * rate_at(progress))
        self._spread_weights()
        self.averaged.update(self.network)
        self.progress.step += 1
        return float(np.mean(losses))

    def _learn(self, replica: Network, part: Batch, target: Tensor, weights: Tensor) -> tuple[float, Tensor]:
        """Leave the gradients of a part of a batch in a replica; returns its loss and scores."""
        replica.train().zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16):
            scores = replica(self._normalised(part), **together(part.extra, self.device))
        loss = segmentation_loss(scores.float(), target.to(self.device), weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach()), scores.detach()

    def _gather_gradients(self) -> None:
        """The mean gradient of all replicas, in the first one."""
        for parameters in zip(*(replica.parameters() for replica in self._replicas), strict=True):
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            if gradients:  # some published networks have tensors that nothing depends on
                parameters[0].grad = torch.stack(gradients).mean(dim=0)

    @torch.no_grad()
    def _spread_weights(self) -> None:
        """Give all replicas the weights of the first one. Statistics of norms stay each replica's own."""
        for replica in self._replicas[1:]:
            for copied, parameter in zip(replica.parameters(), self.network.parameters(), strict=True):
                copied.copy_(parameter)

    def _normalised(self, batch: Batch) -> Tensor:
        """As `worker.pipeline.normalise`, for a batch."""
        pixels = torch.from_numpy(np.ascontiguousarray(batch.imagery[:, self._bands])).to(self.device)
        x = pixels.to(torch.float32, memory_format=torch.channels_last).sub_(self._mean).mul_(self._scale)
        if not batch.valid.all():
            x *= torch.from_numpy(batch.valid).to(self.device).unsqueeze(1)
        return x

    def start_from(self, path: Path) -> None:
        """Begin with the weights of a file in place of random ones. Raises WeightsUnreadable, WeightsMismatch."""
        state = weight_files.read(path, self.card.part)
        for network in (*self._replicas, self.averaged.network):
            weight_files.load(network, state, name=path.name)

    def save(self, path: Path) -> None:
        """Write a checkpoint beside and rename it: an interruption leaves the one before."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.network.state_dict(),
            "updates": self.averaged.updates,
            "optimiser": self._optimiser.state_dict(),
            "counts": self._weights.counts,
            "recall": self._weights.recall,
            "progress": asdict(self.progress),
        }
        beside = path.with_suffix(".tmp")
        with beside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same card. Raises WeightsUnreadable if it cannot be read or does not fit."""
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            for replica in self._replicas:
                replica.load_state_dict(state["network"])
            self.averaged.network.load_state_dict(state["averaged"])
            self.averaged.updates = state["updates"]
            self._optimiser.load_state_dict(state["optimiser"])
            self._weights.counts = state["counts"].cpu()
            self._weights.recall = state["recall"].cpu()
            self.progress = Progress(**state["progress"])
        except (OSError, pickle.UnpicklingError, *weight_files.DAMAGED) as error:
            raise WeightsUnreadable(f"{path.name} is no checkpoint of a training of {self.card.id}") from error
