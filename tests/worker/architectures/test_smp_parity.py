"""Networks of segmentation_models_pytorch and timm: the same numbers, and the formats of IGN's published weights.

Expected numbers were recorded from those libraries by tests/worker/parity/record_smp.py. Weights are seeded by the
name of each tensor, so a tensor under another name would already make other numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from tests.worker.parity import smp_cases as cases
from tests.worker.parity.seeding import seeded_input, seeded_state
from worker.architectures import ARCHITECTURES
from worker.architectures.folding import fold_batch_norms

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
FORMATS: dict[str, str] = {
    name: digest
    for path in sorted(FIXTURES.glob("smp_formats_*.json"))
    for name, digest in json.loads(path.read_text()).items()
}
"""Published network -> digest of the names and shapes of its tensors."""


class Published(NamedTuple):
    """Tensors and parameters were counted by hand from the libraries' sources; parameters leave out statistics."""

    name: str
    architecture: str
    bands: int
    tensors: int
    parameters: int
    chosen: dict[str, Any] = {}  # noqa: RUF012


SWIN_SMALL = {"embedding": 96, "heads": (3, 6, 12, 24), "attention_window": 7}
CONVNEXT_TINY = {"widths": (96, 192, 384, 768), "blocks": (3, 3, 9, 3)}
PUBLISHED = [
    Published("FLAIR-INC_rgbie_15cl_resnet34-unet", "unet-resnet", 5, 278, 21_290_944 + 3_154_307),
    Published("FLAIR-INC_rgb_15cl_resnet34-fpn", "fpn-resnet", 3, 247, 21_284_672 + 1_873_043),
    Published("FLAIR-INC_rgb_15cl_resnet34-deeplabv3", "deeplabv3-resnet", 3, 260, 21_284_672 + 4_727_059),
    Published("FLAIR-INC_rgb_15cl_mitb5-unet", "unet-mit", 3, 1052 + 62, 84_726_339),
    Published("FLAIR-HUB_LC-A_RGB_swintiny-upernet", "upernet-swin", 3, 169 + 62, 29_415_885,
              {**SWIN_SMALL, "blocks": (2, 2, 6, 2)}),
    Published("FLAIR-HUB_LC-A_RGB_swinsmall-upernet", "upernet-swin", 3, 325 + 62, 50_733_789, SWIN_SMALL),
    Published("FLAIR-HUB_LC-A_RGB_swinbase-upernet", "upernet-swin", 3, 325 + 62, 89_422_283),
    Published("FLAIR-HUB_LC-A_RGB_swinlarge-upernet", "upernet-swin", 3, 325 + 62, 199_429_767,
              {"embedding": 192, "heads": (6, 12, 24, 48)}),
    Published("FLAIR-HUB_LC-A_IR_convnextv2tiny-upernet", "upernet-convnext", 3, 196 + 62, 29_763_027, CONVNEXT_TINY),
    Published("FLAIR-HUB_LC-A_IR_convnextv2base-upernet", "upernet-convnext", 3, 376 + 62, 90_236_499),
    Published("FLAIR-HUB_LC-A_IR_convnextv2base-unet", "unet-convnext", 3, 376 + 62, 92_780_419),
]  # fmt: skip


def test_every_recorded_format_is_checked() -> None:
    assert {published.name for published in PUBLISHED} == FORMATS.keys()


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.name)
def test_published_network_has_the_names_shapes_and_numbers_of_tensors(published: Published) -> None:
    with torch.device("meta"):
        network = ARCHITECTURES[published.architecture](published.bands, 19, published.chosen)

    state = network.state_dict()

    assert len(state) == published.tensors
    assert sum(parameter.numel() for parameter in network.parameters()) == published.parameters
    assert cases.format_digest(state) == FORMATS[published.name]


@pytest.mark.parametrize("case", [*cases.FLAIR_INC, *cases.FLAIR_HUB], ids=lambda case: case.name)
def test_logits_are_those_of_the_reference(case: cases.Case) -> None:
    network = ARCHITECTURES[case.architecture](case.bands, cases.LOGITS, case.parameters)
    network.load_state_dict(seeded_state(network.state_dict(), cases.SEED), strict=True)
    imagery = seeded_input((1, case.bands, *case.size_px), cases.SEED)
    expected = np.load(FIXTURES / f"smp_{case.name}.npy")

    with torch.inference_mode():
        logits = network.eval()(imagery)
        # As the pipeline runs it:
        folded = fold_batch_norms(network)(imagery.to(memory_format=torch.channels_last))

    assert np.abs(expected - expected.mean(axis=(2, 3), keepdims=True)).max() > 0.1  # not merely the biases
    assert np.abs(cases.kept(logits).numpy() - expected).max() <= 1e-4
    assert np.abs(cases.kept(folded).numpy() - expected).max() <= 1e-4
