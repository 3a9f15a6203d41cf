"""How far classes hang on the precision of the device and on the margin that a card names."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from app.definitions import BLOCK_PX, Augmentation, Band, ModelCard, shipped_model_cards, shipped_weights
from app.errors import Misconfigured
from benchmarks import recorded
from benchmarks.blocks import Place, place, random_network
from benchmarks.figures import Figure, share
from worker.architectures.network import Network
from worker.devices import select_device, select_precision
from worker.pipeline import Predictor
from worker.weights import network_of

_PUBLISHED = "flair-inc-rvbie"
_MOST_MARGIN_PX = (
    128  # the networks of FLAIR-HUB have 512: minutes on a processor, and their classes depend on the patch
)
_KEPT_PX = 512


def measure() -> list[Figure]:
    """On scenes of the demonstration; networks whose weights are not shipped have random ones."""
    torch.manual_seed(0)
    device = select_device("auto")
    with tempfile.TemporaryDirectory() as folder:
        blocks = place(Path(folder), 1)
    figures = [*_precision(blocks, device), *_margins(blocks, device)]
    recorded.record("agreement", device, figures)
    return figures


def _precision(blocks: Place, device: torch.device) -> list[Figure]:
    """Classes in bfloat16 against float32."""
    try:
        precision = select_precision("bf16", device)
    except Misconfigured as missing:
        print(f"  bf16 against fp32: {missing.message}")
        return []
    cards = shipped_model_cards()
    networks = [(cards[_PUBLISHED], random_network(cards[_PUBLISHED], blocks.pixels))]
    networks += [(card, network_of(card, file)) for card in cards.values() if (file := shipped_weights(card))]
    figures = []
    for card, network in networks:
        full, half = (
            _classes(card, network, blocks, card.margin_px, BLOCK_PX // 2, device, each)
            for each in (torch.float32, precision)
        )
        figures.append(share(f"classes of {_name(card)} in bf16 as in fp32", _equal(full, half), 0.995))
    return figures


def _margins(blocks: Place, device: torch.device) -> list[Figure]:
    """Classes with the margin of the card against those with twice the margin.

    Of every card whose weights are shipped in its own windows; of each published network with random weights in small
    ones, where more pixels are near an edge. Where classes depend on the patch, its size is part of the network and
    there is nothing to hold to.
    """
    figures = []
    seen: set[tuple[str, str, int]] = set()
    for card in shipped_model_cards().values():
        kind = (card.architecture, str(card.parameters), len(card.bands))
        if card.margin_px > _MOST_MARGIN_PX or card.extra_inputs or kind in seen:
            continue
        seen.add(kind)
        file = shipped_weights(card)
        network = network_of(card, file) if file else random_network(card, blocks.pixels)
        least = None if network.depends_on_patch else 0.999
        side = card.window_px if file else min(_KEPT_PX, card.window_px)
        equal = _equal(*(_classes(card, network, blocks, times * card.margin_px, side, device) for times in (1, 2)))
        figures.append(share(f"classes of {_name(card)} as with twice the margin", equal, least))
    return figures


def _name(card: ModelCard) -> str:
    return card.id if card.weights else f"{card.id}, random weights,"


def _classes(
    card: ModelCard,
    network: Network,
    blocks: Place,
    margin_px: int,
    side_px: int,
    device: torch.device,
    precision: torch.dtype = torch.float32,
) -> np.ndarray:
    """(side, side) of the middle of the raster, mirrored at its edges, seen with a margin."""
    card = card.model_copy(update={"margin_px": margin_px, "window_px": side_px})
    bands = [list(Band).index(band) for band in card.bands]
    pixels = np.pad(blocks.pixels[bands, :, :BLOCK_PX], ((0, 0), (margin_px,) * 2, (margin_px,) * 2), "symmetric")
    first = (BLOCK_PX - side_px) // 2
    window = np.s_[first : first + side_px + 2 * margin_px]
    predictor = Predictor([(card, network)], Augmentation.NONE, device, precision)
    return predictor.predict(np.ascontiguousarray(pixels[:, window, window])).classes


def _equal(one: np.ndarray, other: np.ndarray) -> float:
    return float((one == other).mean())
