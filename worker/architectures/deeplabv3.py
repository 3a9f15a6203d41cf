"""DeepLabV3 with a ResNet encoder, with the keys and shapes of `DeepLabV3("resnet34")` in
segmentation_models_pytorch, so that the weights IGN publishes for FLAIR-INC load strictly.

Its average over the whole window makes every class depend on all of it: no margin is exactly sufficient.

Source: Chen et al. 2017 (atrous convolution, spatial pyramid pooling).
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from worker.architectures.convolutions import convolution, convolution_norm_relu
from worker.architectures.network import Network
from worker.architectures.resnet import ResNetEncoder, ResNetParameters


class DeepLabV3Parameters(ResNetParameters):
    """The defaults are those of FLAIR-INC's DeepLabV3.

    pyramid: channels of the decoder. rates: pixels of the deepest map between the taps of its three 3x3
    convolutions.
    """

    pyramid: PositiveInt = 256
    rates: tuple[PositiveInt, PositiveInt, PositiveInt] = (12, 24, 36)


class DeepLabV3(Network):
    """The whole network; its decoder works at 1/8 of full size."""

    stride_px = 8

    def __init__(self, parameters: DeepLabV3Parameters) -> None:
        super().__init__()
        self.encoder = ResNetEncoder(parameters)
        _dilate(self.encoder.layer3, 2)
        _dilate(self.encoder.layer4, 4)
        self.decoder = nn.Sequential(
            SpatialPyramid(parameters.encoder[3], parameters.pyramid, parameters.rates),
            convolution(parameters.pyramid, parameters.pyramid),
            nn.BatchNorm2d(parameters.pyramid),
            nn.ReLU(inplace=True),
        )
        self.segmentation_head = nn.Sequential(nn.Conv2d(parameters.pyramid, parameters.logits, 1))

    def forward(self, x: Tensor) -> Tensor:
        coarse = self.segmentation_head(self.decoder(self.encoder(x)[-1]))
        # Corners aligned, as trained: logits lie up to 3.5 px towards the centre at the edges of the window.
        return functional.interpolate(coarse, scale_factor=8, mode="bilinear", align_corners=True)


def _dilate(stage: nn.Module, rate: int) -> None:
    """Let a stage keep the size of its input, and its convolutions see as far as if it had not."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            module.dilation = (rate, rate)
            padding = module.kernel_size[0] // 2 * rate
            module.padding = (padding, padding)


class SpatialPyramid(nn.Module):
    """A 1x1 convolution, three dilated ones and the average of the whole window, joined."""

    def __init__(self, in_channels: int, out_channels: int, rates: tuple[int, int, int]) -> None:
        super().__init__()
        dilated = (convolution_norm_relu(in_channels, out_channels, dilation=rate) for rate in rates)
        point = convolution_norm_relu(in_channels, out_channels, kernel_px=1)
        average = nn.Sequential(nn.AdaptiveAvgPool2d(1), *convolution_norm_relu(in_channels, out_channels, kernel_px=1))
        self.convs = nn.ModuleList([point, *dilated, average])
        self.project = convolution_norm_relu(len(self.convs) * out_channels, out_channels, kernel_px=1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        *local, average = (branch(x) for branch in self.convs)
        joined = torch.cat([*local, average.expand(-1, -1, *x.shape[2:])], dim=1)
        projected: Tensor = self.dropout(self.project(joined))
        return projected
