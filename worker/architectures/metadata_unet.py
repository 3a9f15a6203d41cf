"""FLAIR#1's U-Net with metadata: sixteen numbers made of an acquisition are added to the deepest map.

Keys and shapes are those of IGN's challenge baseline (IGNF/FLAIR-1, branch legacy-torch) without its prefix
`seg_model.`: the U-Net's 278 tensors, and six under `enc.enc_mlp`.
"""

from __future__ import annotations

from torch import Tensor, nn

from app.definitions import ExtraInput
from app.errors import BandMismatch
from worker.architectures.metadata import ENCODED
from worker.architectures.network import Network
from worker.architectures.unet import UNet, UNetParameters

METADATA_ROWS = 16
"""Rows of the deepest map of a 512 px patch, the only height for which the addition is defined."""


class MetadataUNet(Network):
    """A U-Net that also takes metadata. Its patches are 512 px high."""

    stride_px = UNet.stride_px
    extra_inputs = frozenset({ExtraInput.METADATA})

    def __init__(self, parameters: UNetParameters) -> None:
        super().__init__()
        unet = UNet(parameters)
        self.encoder, self.decoder, self.segmentation_head = unet.encoder, unet.decoder, unet.segmentation_head
        # The last ReLU belongs to the published network: what is added is never negative.
        self.enc = MetadataEncoder(dropout=0.4, last=(nn.Dropout(0.4), nn.ReLU()))

    def forward(self, x: Tensor, metadata: Tensor) -> Tensor:
        *shallow, deepest = self.encoder(x)
        logits: Tensor = self.segmentation_head(self.decoder([*shallow, add_metadata(deepest, self.enc(metadata))]))
        return logits


class MetadataEncoder(nn.Module):
    """(batch, 45) metadata -> (batch, 16). last: what follows the third linear layer."""

    def __init__(self, dropout: float, last: tuple[nn.Module, ...] = ()) -> None:
        super().__init__()
        self.enc_mlp = nn.Sequential(
            nn.Linear(ENCODED, 64),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(32, METADATA_ROWS),
            *last,
        )

    def forward(self, metadata: Tensor) -> Tensor:
        encoded: Tensor = self.enc_mlp(metadata)
        return encoded


def add_metadata(deepest: Tensor, encoded: Tensor) -> Tensor:
    """The deepest map with one of sixteen numbers added to each of its rows, the same in all columns and channels.

    deepest: (batch, channels, 16, width). encoded: (batch, 16). Raises BandMismatch for another height.
    A number per row is the published computation, odd as it is; trained weights expect it.
    """
    if deepest.shape[-2] != METADATA_ROWS:
        raise BandMismatch(
            f"a network with metadata takes patches of {METADATA_ROWS * UNet.stride_px} px in height, "
            f"not {deepest.shape[-2] * UNet.stride_px}"
        )
    return deepest + encoded[:, None, :, None]
