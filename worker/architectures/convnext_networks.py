"""FLAIR-HUB's networks with a ConvNeXt V2 encoder: under UPerNet's decoder, and under U-Net's."""

from __future__ import annotations

from pydantic import PositiveInt
from torch import Tensor, nn

from worker.architectures.convnext import ConvNeXtEncoder
from worker.architectures.network import Network
from worker.architectures.parameters import NetworkParameters, PerStage
from worker.architectures.unet import Decoder, DecoderWidths, unet_head
from worker.architectures.upernet import UPerNet


class ConvNeXtParameters(NetworkParameters):
    """The defaults are ConvNeXt V2 base's (`convnextv2_base`).

    widths: channels of the four stages (1/4, 1/8, 1/16, 1/32). blocks: per stage.
    """

    widths: PerStage = (128, 256, 512, 1024)
    blocks: PerStage = (3, 3, 27, 3)


class ConvNeXtUPerNetParameters(ConvNeXtParameters):
    """pyramid, segmentation: channels of the decoder's levels and of the map that the head sees."""

    pyramid: PositiveInt = 256
    segmentation: PositiveInt = 64


class ConvNeXtUNetParameters(ConvNeXtParameters):
    """decoder: as of UNetParameters."""

    decoder: DecoderWidths = (256, 128, 64, 32, 16)


def convnext_upernet(parameters: ConvNeXtUPerNetParameters) -> UPerNet:
    """The network with UPerNet's decoder, with untrained weights."""
    encoder = ConvNeXtEncoder(parameters.in_channels, parameters.widths, parameters.blocks)
    return UPerNet(encoder, parameters.widths, parameters.pyramid, parameters.segmentation, parameters.logits)


class ConvNeXtUNet(Network):
    """The network with U-Net's decoder. Its input is halved five times, hence the stride."""

    stride_px = 32

    def __init__(self, parameters: ConvNeXtUNetParameters) -> None:
        super().__init__()
        encoder = ConvNeXtEncoder(parameters.in_channels, parameters.widths, parameters.blocks)
        self.encoder = nn.ModuleDict({"model": encoder})  # the part of the published keys that names timm's network
        self.decoder = Decoder(parameters.widths, parameters.decoder)
        self.segmentation_head = unet_head(parameters.decoder[-1], parameters.logits)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder["model"](x)))
        return logits
