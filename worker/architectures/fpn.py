"""Feature pyramid network with a ResNet encoder, with the keys and shapes of `FPN("resnet34")` in
segmentation_models_pytorch, so that the weights IGN publishes for FLAIR-INC load strictly.

Source: Lin et al. 2017 (feature pyramids), Kirillov et al. 2019 (their use for segmentation).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.convolutions import convolution
from worker.architectures.network import Network
from worker.architectures.resnet import ResNetEncoder, ResNetParameters

_GROUPS = 32


class FPNParameters(ResNetParameters):
    """The defaults are those of FLAIR-INC's FPN.

    pyramid: channels of its four levels. segmentation: channels of the map that the head sees, in 32 groups of
    which each is normalised.
    """

    pyramid: PositiveInt = 256
    segmentation: int = Field(128, gt=0, multiple_of=_GROUPS)


class FPN(Network):
    """The whole network; its decoder works at 1/4 of full size."""

    stride_px = 32

    def __init__(self, parameters: FPNParameters) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(parameters)
        self.decoder = FPNDecoder(parameters.encoder, parameters.pyramid, parameters.segmentation)
        self.segmentation_head = nn.Sequential(nn.Conv2d(parameters.segmentation, parameters.logits, 1))

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.segmentation_head(self.decoder(self.encoder(x)[1:]))
        # Corners aligned, as trained: logits lie up to 1.5 px towards the centre at the edges of the window.
        return functional.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=True)


class FPNDecoder(nn.Module):
    """Four levels from 1/32 to 1/4, each brought to 1/4 and added up; a fifth of the values are dropped in training."""

    def __init__(self, widths: Sequence[int], pyramid: int, segmentation: int) -> None:
        super().__init__()
        self.p5 = nn.Conv2d(widths[3], pyramid, 1)
        self.p4 = Level(widths[2], pyramid)
        self.p3 = Level(widths[1], pyramid)
        self.p2 = Level(widths[0], pyramid)
        self.seg_blocks = nn.ModuleList(Refinement(pyramid, segmentation, doublings) for doublings in (3, 2, 1, 0))
        self.dropout = nn.Dropout2d(0.2)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        quarter, eighth, sixteenth, deepest = maps
        p5 = self.p5(deepest)
        p4 = self.p4(p5, sixteenth)
        p3 = self.p3(p4, eighth)
        p2 = self.p2(p3, quarter)
        refined = [block(level) for block, level in zip(self.seg_blocks, (p5, p4, p3, p2), strict=True)]
        total: Tensor = self.dropout(refined[0] + refined[1] + refined[2] + refined[3])
        return total


class Level(nn.Module):
    """The level above at twice its size (nearest) plus the encoder's map of that size."""

    def __init__(self, skip_channels: int, pyramid: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip_channels, pyramid, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        level: Tensor = functional.interpolate(x, scale_factor=2.0, mode="nearest") + self.skip_conv(skip)
        return level


class Refinement(nn.Module):
    """As many convolutions as doublings, each doubled after; one convolution for a level already at 1/4."""

    def __init__(self, in_channels: int, out_channels: int, doublings: int) -> None:
        super().__init__()
        inputs = [in_channels, *[out_channels] * (doublings - 1)]
        self.block = nn.Sequential(*(NormalisedConvolution(each, out_channels, doublings > 0) for each in inputs))

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.block(x)
        return refined


class NormalisedConvolution(nn.Module):
    """3x3 convolution, group norm, ReLU, and twice the size where `doubles`."""

    def __init__(self, in_channels: int, out_channels: int, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        norm = nn.GroupNorm(_GROUPS, out_channels)
        self.block = nn.Sequential(convolution(in_channels, out_channels), norm, nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(x)
        if not self.doubles:
            return x
        return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
