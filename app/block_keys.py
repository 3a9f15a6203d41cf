"""The key of a block: equal key, equal bytes, whatever job or area asked."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from app.definitions import Augmentation, BlockCell, Ensemble, ImagerySource, Member, PredictionGrid


class BlockKeys:
    """Keys of the blocks that one ensemble predicts from one source: 32 hexadecimal digits of a hash over all that
    decides the pixels.

    Of one network without augmentation a key is what it was before there were ensembles: stored blocks stay of use.
    """

    def __init__(self, grid: PredictionGrid, source: ImagerySource, ensemble: Ensemble) -> None:
        first, *further = (_decided_by(member) for member in ensemble.ordered)
        plain = ensemble.augmentation is Augmentation.NONE
        decides = {
            **first,
            **({"further": further} if further else {}),
            "source": source.id,
            "source_version": source.version,
            "epsg": grid.epsg,
            "resolution_m": grid.resolution_m,
            "block_px": grid.block_px,
            "augmentation": None if plain else ensemble.augmentation,
        }
        # What is hashed is one JSON object with its names in order, the cell among them: all but the cell is written
        # once, since an area may have tens of thousands of blocks.
        before = json.dumps({name: decides[name] for name in sorted(decides) if name < "cell"}, sort_keys=True)
        after = json.dumps({name: decides[name] for name in sorted(decides) if name > "cell"}, sort_keys=True)
        self._before = hashlib.sha256(f'{before[:-1]}, "cell": '.encode())
        self._after = f", {after[1:]}".encode()

    def of(self, cell: BlockCell) -> str:
        digest = self._before.copy()
        digest.update(f"[{cell.column}, {cell.row}]".encode())
        digest.update(self._after)
        return digest.hexdigest()[:32]


def _decided_by(member: Member) -> dict[str, Any]:
    card = member.card
    return {
        "weights": member.sha256,
        "architecture": card.architecture,
        "parameters": card.parameters,
        "bands": card.bands,
        "mean": card.mean,
        "std": card.std,
        "values": card.values,
        "preprocessing": card.preprocessing,
        "margin_px": card.margin_px,
        "window_px": card.window_px,
    }
