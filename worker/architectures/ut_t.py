"""FLAIR#2's U-T&T ("textural and temporal"): a U-Net over aerial imagery that a satellite series lends a hand.

What U-TAE makes of the series around the patch is added to the U-Net's encoder maps in two forms: its middle, as large
as the patch on the ground, stretched over the map; and its mean, which tells of the surroundings.

With the default parameters the state dict has the keys and shapes of IGNF/FLAIR-2's `TimeTexture_flair`: 486
tensors, 27 254 744 parameters; 492 and 27 260 296 with metadata. Attribute names are therefore part of the format.

The published code takes the mean of the first item of a batch and adds it to all of them, and lets the padding of
short series into a norm. Here every item has its own mean and no padding, which is what the published code gives
for one item at a time.

Sources: Garioud et al. 2023 (FLAIR, NeurIPS datasets and benchmarks); github.com/IGNF/FLAIR-2.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from app.definitions import ExtraInput
from worker.architectures.metadata_unet import MetadataEncoder, add_metadata
from worker.architectures.network import Network, Series
from worker.architectures.unet import UNet, UNetParameters
from worker.architectures.utae import UTAE, UTAEParameters

_MIDDLE_PX = 10
"""Side of the middle of the satellite map: 100 m, which the published code takes for a patch's 102.4 m."""


class UTTParameters(UNetParameters):
    """Those of the U-Net, and: satellite, of the U-TAE; metadata, whether the network also takes metadata."""

    satellite: UTAEParameters = UTAEParameters()
    metadata: bool = False


class UTT(Network):
    """The whole network. A patch is 512 px and its series 40 px of 10 m with the same centre."""

    stride_px = UNet.stride_px

    def __init__(self, parameters: UTTParameters) -> None:
        super().__init__()
        satellite = parameters.satellite.decoder[0]
        widths = (parameters.in_channels, parameters.stem, *parameters.encoder)
        self.arch_vhr = UNet(parameters)
        self.arch_hr = UTAE(parameters.satellite, parameters.logits)
        self.fm_utae_featmap_cropped = Middle(satellite, widths)
        self.fm_utae_featmap_collapsed = Surroundings(satellite, widths)
        if parameters.metadata:
            self.mtd_mlp = MetadataEncoder(dropout=0.5)
        # Scores of the second loss that the network was trained with; a prediction does not need them.
        self.reshape_utae_output = nn.Sequential(nn.Identity(), nn.Conv2d(satellite, parameters.logits, 1))
        self.extra_inputs = frozenset(ExtraInput if parameters.metadata else {ExtraInput.SERIES})

    def forward(self, x: Tensor, series: Series, metadata: Tensor | None = None) -> Tensor:
        maps = self.arch_vhr.encoder(x)
        if metadata is not None:
            maps[-1] = add_metadata(maps[-1], self.mtd_mlp(metadata))
        seen = self.arch_hr(series)
        middles = self.fm_utae_featmap_cropped(seen, maps)
        surroundings = self.fm_utae_featmap_collapsed(seen)
        fused = [x + middle + mean for x, middle, mean in zip(maps, middles, surroundings, strict=True)]
        logits: Tensor = self.arch_vhr.segmentation_head(self.arch_vhr.decoder(fused))
        return logits


class Middle(nn.Module):
    """The middle of the satellite map, in the channels and the size of each encoder map.

    The published list begins with the imagery itself, to which the decoder does not listen: its convolution is kept
    for the format and not computed. The same holds for Surroundings.
    """

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.conv_list = nn.ModuleList(nn.Conv2d(channels, width, 1) for width in widths)

    def forward(self, seen: Tensor, maps: Sequence[Tensor]) -> list[Tensor]:
        """seen: (batch, channels, height, width). maps: those of the encoder, whose sizes are taken."""
        top, left = ((side - _MIDDLE_PX) // 2 for side in seen.shape[-2:])
        middle = seen[..., top : top + _MIDDLE_PX, left : left + _MIDDLE_PX]
        return [
            functional.interpolate(convolution(middle), size=target.shape[-2:], mode="bilinear")
            for convolution, target in zip(self.conv_list[1:], maps, strict=True)
        ]


class Surroundings(nn.Module):
    """The mean of the satellite map, in the channels of each encoder map."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.mlps = nn.ModuleList(_three_layers(channels, width) for width in widths)

    def forward(self, seen: Tensor) -> list[Tensor]:
        """seen: (batch, channels, height, width). Returns (batch, width, 1, 1) per encoder map."""
        mean = seen.mean(dim=(-2, -1))
        return [mlp(mean)[:, :, None, None] for mlp in self.mlps[1:]]


def _three_layers(before: int, after: int) -> nn.Sequential:
    """Three linear layers whose widths go from one to the other in steps of a third, or over the double if equal."""
    step = abs(after - before) // 3 * (1 if after > before else -1)
    first, second = (before + step, before + 2 * step) if after != before else (2 * before, 2 * before)
    layers: list[nn.Module] = []
    for inputs, outputs in ((before, first), (first, second)):
        layers += [nn.Linear(inputs, outputs), nn.Dropout(0.3), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(second, after))
