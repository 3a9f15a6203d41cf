"""FLAIR-INC's U-Net with a mix transformer as its encoder."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator
from torch import Tensor

from worker.architectures.mit import MixTransformer
from worker.architectures.network import Network
from worker.architectures.parameters import NetworkParameters, PerStage
from worker.architectures.unet import Decoder, DecoderWidths, unet_head


class MiTUNetParameters(NetworkParameters):
    """The defaults are MiT-B5's and the decoder of FLAIR-INC.

    widths: channels of the four stages (1/4, 1/8, 1/16, 1/32). blocks, heads: of attention, per stage.
    reductions: side of the tokens that become one key, per stage. decoder: as of UNetParameters.
    """

    widths: PerStage = (64, 128, 320, 512)
    blocks: PerStage = (3, 6, 40, 3)
    heads: PerStage = (1, 2, 5, 8)
    reductions: PerStage = (8, 4, 2, 1)
    decoder: DecoderWidths = (256, 128, 64, 32, 16)

    @field_validator("heads")
    @classmethod
    def _share_the_channels(cls, heads: PerStage, fields: ValidationInfo) -> PerStage:
        widths = fields.data.get("widths", heads)
        if any(width % each for width, each in zip(widths, heads, strict=True)):
            raise ValueError(f"each must divide the channels of its stage: {widths}")
        return heads


class MiTUNet(Network):
    """The whole network. Its input is halved five times, hence the stride."""

    stride_px = 32

    def __init__(self, parameters: MiTUNetParameters) -> None:
        super().__init__()
        self.encoder = MixTransformer(
            parameters.in_channels, parameters.widths, parameters.blocks, parameters.heads, parameters.reductions
        )
        self.decoder = Decoder(parameters.widths, parameters.decoder)
        self.segmentation_head = unet_head(parameters.decoder[-1], parameters.logits)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(x)))
        return logits
