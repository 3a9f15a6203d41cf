"""What the pipeline asks of every architecture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple, TypedDict, Unpack

from torch import Tensor, nn

from app.definitions import ExtraInput
from app.errors import ParameterInvalid


class Series(NamedTuple):
    """One satellite series per item of a batch, padded to the longest.

    dates: (batch, time, bands, height, width) float32, acquisitions of an item in order of time.
    positions: (batch, time) float32, days of each date from the reference day of the training.
    lengths: own dates of each item, 1 or more; what follows in `dates` and `positions` is padding, never looked at.
    """

    dates: Tensor
    positions: Tensor
    lengths: tuple[int, ...]


class ExtraInputs(TypedDict, total=False):
    """The values of each ExtraInput, for the same items of a batch.

    metadata: (batch, 45) float32, of `worker.architectures.metadata.encode`.
    series: satellite images of the same place.
    """

    metadata: Tensor
    series: Series


class Network(nn.Module):
    """(batch, bands, height, width) float32 and its extra inputs -> (batch, logits, height, width) float32."""

    stride_px: ClassVar[int]
    """Height and width of the input must be multiples of this."""

    depends_on_patch: ClassVar[bool] = True
    """Whether logits depend on the patch as a whole: its size, or what lies in it however far away.

    No margin makes such a network's classes those of another patch: a block is predicted in patches of one size on a
    fixed grid, so that they are the same for everybody who asks.
    """

    extra_inputs: frozenset[ExtraInput] = frozenset()
    """What this network cannot run without; it takes no others."""

    def __call__(self, x: Tensor, **extra: Unpack[ExtraInputs]) -> Tensor:
        """Raises ParameterInvalid where the extra inputs are not those that the network needs."""
        if extra.keys() != self.extra_inputs:
            raise ParameterInvalid(
                f"this network takes {listed(self.extra_inputs)} beside the imagery; it was given {listed(extra)}",
                "model",
            )
        logits: Tensor = super().__call__(x, **extra)
        return logits


def listed(names: Iterable[str]) -> str:
    """Names as a sentence lists them, in alphabetical order."""
    return " and ".join(sorted(names)) or "nothing"
