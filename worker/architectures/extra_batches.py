"""Extra inputs of several items, put together for one pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from worker.architectures.network import ExtraInputs, Series


def together(items: Sequence[ExtraInputs], device: torch.device) -> ExtraInputs:
    """The extra inputs of items (each a batch of one, all of the same kinds) as one batch on a device.

    Shorter series are padded with zeros, which no network looks at.
    """
    batch: ExtraInputs = {}
    if items and "metadata" in items[0]:
        batch["metadata"] = torch.cat([item["metadata"] for item in items]).to(device)
    if items and "series" in items[0]:
        series = [item["series"] for item in items]
        batch["series"] = Series(
            pad_sequence([each.dates[0] for each in series], batch_first=True).to(device),
            pad_sequence([each.positions[0] for each in series], batch_first=True).to(device),
            tuple(length for each in series for length in each.lengths),
        )
    return batch
