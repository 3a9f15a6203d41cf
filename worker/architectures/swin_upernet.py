"""FLAIR-HUB's network of one kind of imagery: a Swin transformer and UPerNet's decoder."""

from __future__ import annotations

from pydantic import Field, PositiveInt, ValidationInfo, field_validator

from worker.architectures.parameters import NetworkParameters, PerStage
from worker.architectures.swin import SwinEncoder
from worker.architectures.upernet import UPerNet


class SwinUPerNetParameters(NetworkParameters):
    """Size of the network; the defaults are Swin base with windows of 12 tokens (`swin_base_patch4_window12_384`).

    embedding: channels at 1/4 of full size, doubled at each of the next three stages.
    blocks, heads: of attention, per stage. attention_window: side of a window, tokens.
    pyramid, segmentation: channels of the decoder's levels and of the map that the head sees.
    """

    embedding: PositiveInt = 128
    blocks: PerStage = (2, 2, 18, 2)
    heads: PerStage = (4, 8, 16, 32)
    attention_window: int = Field(12, ge=2)
    pyramid: PositiveInt = 256
    segmentation: PositiveInt = 64

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the encoder's maps, 1/4 of full size first."""
        return self.embedding, self.embedding * 2, self.embedding * 4, self.embedding * 8

    @field_validator("heads")
    @classmethod
    def _share_the_channels(cls, heads: PerStage, fields: ValidationInfo) -> PerStage:
        embedding = fields.data.get("embedding", 0)
        if any(embedding * 2**stage % each for stage, each in enumerate(heads)):
            raise ValueError(f"each must divide the channels of its stage: {embedding}, doubled at each stage")
        return heads


def swin_upernet(parameters: SwinUPerNetParameters) -> UPerNet:
    """The network, with untrained weights."""
    encoder = SwinEncoder(
        parameters.in_channels, parameters.embedding, parameters.blocks, parameters.heads, parameters.attention_window
    )
    return UPerNet(encoder, parameters.widths, parameters.pyramid, parameters.segmentation, parameters.logits)
