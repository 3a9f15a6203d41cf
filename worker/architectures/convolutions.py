"""Convolutions as every decoder here uses them. The order of the layers is part of the format of weights files."""

from __future__ import annotations

from torch import nn


def convolution(
    in_channels: int, out_channels: int, kernel_px: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A convolution without bias (a norm follows), of the input's size at stride 1."""
    padding = kernel_px // 2 * dilation
    return nn.Conv2d(
        in_channels, out_channels, kernel_px, stride=stride, padding=padding, dilation=dilation, bias=False
    )


def convolution_norm_relu(in_channels: int, out_channels: int, kernel_px: int = 3, dilation: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU: keys `0.weight` and `1.*`."""
    return nn.Sequential(
        convolution(in_channels, out_channels, kernel_px, dilation=dilation),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )
