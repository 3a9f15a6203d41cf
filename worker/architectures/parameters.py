"""What the parameters of every architecture have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, PositiveInt

PerStage = tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
"""One number for each of the four stages of an encoder, shallow to deep."""


class NetworkParameters(BaseModel):
    """in_channels: bands of the imagery. logits: channels of the output. The rest is of each architecture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: PositiveInt
    logits: PositiveInt
