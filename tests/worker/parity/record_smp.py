"""Records what segmentation_models_pytorch and timm give for the cases of `smp_cases`, and their published formats.

    pip install segmentation-models-pytorch==0.3.3 timm==0.9.2    (the smp that FLAIR-INC's code pins)
    python -m tests.worker.parity.record_smp flair-inc
    pip install segmentation-models-pytorch==0.4.0 timm==1.0.12   (the smp that FLAIR-HUB's code pins)
    python -m tests.worker.parity.record_smp flair-hub

in an environment of their own with torch, and from the root of this repository. Only outputs and digests of names
and shapes are stored, in `fixtures`; weights and inputs are made from seeds on both sides.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from tests.worker.parity import smp_cases as cases
from tests.worker.parity.seeding import seeded_input, seeded_state

_FIXTURES = Path(__file__).parent / "fixtures"
_TRAINED_PX = 512


class Joined(nn.Module):
    """FLAIR-HUB's use of two networks of smp: the encoder of one, the decoder and head of another for one band."""

    def __init__(self, decoder: str, encoder: str, bands: int, logits: int, **arguments: Any) -> None:
        super().__init__()
        build: Callable[..., nn.Module] = getattr(smp, decoder)
        decoder_alone = {key: arguments.pop(key) for key in list(arguments) if key.startswith("decoder_")}
        encoder_alone = {key: arguments.pop(key) for key in ("img_size", "strict_img_size") if key in arguments}
        common = {"encoder_weights": None, "classes": logits, **arguments}
        trained = {"img_size": _TRAINED_PX} if "swin" in encoder else {}
        self.encoder = build(encoder, in_channels=bands, **common, **{**trained, **encoder_alone}).encoder
        second = build(encoder, in_channels=1, **common, **decoder_alone, **trained)
        self.decoder = second.decoder
        self.segmentation_head = second.segmentation_head

    def forward(self, x: Tensor) -> Tensor:
        return self.segmentation_head(self.decoder(*self.encoder(x)))


def flair_inc() -> dict[str, nn.Module]:
    arguments: dict[str, Any] = {"encoder_weights": None, "classes": cases.LOGITS}
    return {
        "unet_resnet34": smp.Unet("resnet34", in_channels=5, **arguments),
        "fpn_resnet18": smp.FPN("resnet18", in_channels=4, **arguments),
        "deeplabv3_resnet18": smp.DeepLabV3("resnet18", in_channels=3, **arguments),
        "unet_mit_b0": smp.Unet("mit_b0", in_channels=3, **arguments),
    }


def flair_inc_published() -> dict[str, nn.Module]:
    arguments: dict[str, Any] = {"encoder_weights": None, "classes": 19}
    return {
        "FLAIR-INC_rgbie_15cl_resnet34-unet": smp.Unet("resnet34", in_channels=5, **arguments),
        "FLAIR-INC_rgb_15cl_resnet34-fpn": smp.FPN("resnet34", **arguments),
        "FLAIR-INC_rgb_15cl_resnet34-deeplabv3": smp.DeepLabV3("resnet34", **arguments),
        "FLAIR-INC_rgb_15cl_mitb5-unet": smp.Unet("mit_b5", **arguments),
    }


def flair_hub() -> dict[str, nn.Module]:
    swin = {
        "embed_dim": cases.SMALL_SWIN["embedding"],
        "depths": cases.SMALL_SWIN["blocks"],
        "num_heads": cases.SMALL_SWIN["heads"],
        "window_size": cases.SMALL_SWIN["attention_window"],
    }
    convnext = {"dims": cases.SMALL_CONVNEXT["widths"], "depths": cases.SMALL_CONVNEXT["blocks"]}
    pyramid = {
        "decoder_pyramid_channels": cases.SMALL_DECODER["pyramid"],
        "decoder_segmentation_channels": cases.SMALL_DECODER["segmentation"],
    }
    swin_name, convnext_name = "tu-swin_tiny_patch4_window7_224", "tu-convnextv2_tiny"
    size = cases.FLAIR_HUB[0].size_px
    return {
        "upernet_swin": Joined("UPerNet", swin_name, 4, cases.LOGITS, img_size=size, **swin, **pyramid),
        "upernet_swin_small_input": Joined(
            "UPerNet", swin_name, 3, cases.LOGITS, strict_img_size=False, **swin, **pyramid
        ),
        "upernet_convnext": Joined("UPerNet", convnext_name, 3, cases.LOGITS, **convnext, **pyramid),
        "unet_convnext": Joined("Unet", convnext_name, 3, cases.LOGITS, **convnext),
    }


def flair_hub_published() -> dict[str, nn.Module]:
    return {
        f"FLAIR-HUB_LC-A_{name}": Joined(decoder, f"tu-{encoder}", 3, 19)
        for name, decoder, encoder in (
            ("RGB_swintiny-upernet", "UPerNet", "swin_tiny_patch4_window7_224"),
            ("RGB_swinsmall-upernet", "UPerNet", "swin_small_patch4_window7_224"),
            ("RGB_swinbase-upernet", "UPerNet", "swin_base_patch4_window12_384"),
            ("RGB_swinlarge-upernet", "UPerNet", "swin_large_patch4_window12_384"),
            ("IR_convnextv2tiny-upernet", "UPerNet", "convnextv2_tiny"),
            ("IR_convnextv2base-upernet", "UPerNet", "convnextv2_base"),
            ("IR_convnextv2base-unet", "Unet", "convnextv2_base"),
        )
    }


def record(family: str, networks: dict[str, nn.Module], published: dict[str, nn.Module]) -> None:
    """Writes one .npy file per case of a family, and a JSON file with the digests of its published formats."""
    every = {case.name: case for case in (*cases.FLAIR_INC, *cases.FLAIR_HUB)}
    for name, network in networks.items():
        case = every[name]
        network.load_state_dict(seeded_state(network.state_dict(), cases.SEED))
        with torch.inference_mode():
            logits = network.eval()(seeded_input((1, case.bands, *case.size_px), cases.SEED))
        print(f"{name}: {tuple(logits.shape)}, standard deviation {logits.std():.2f}")
        np.save(_FIXTURES / f"smp_{name}.npy", cases.kept(logits).numpy())
    digests = {name: cases.format_digest(network.state_dict()) for name, network in published.items()}
    (_FIXTURES / f"smp_formats_{family}.json").write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "flair-inc":
        record("flair_inc", flair_inc(), flair_inc_published())
    else:
        record("flair_hub", flair_hub(), flair_hub_published())
