"""A prediction beside another vintage of the same AOI: a published layer, or a prediction from other imagery.

Both sides are taken for layers, so that changes are counted as between layers (docs/decisions/0013).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

from app.aoi import Aoi
from app.catalogue import Layer
from app.database import JobRow
from app.definitions import Ensemble, ImagerySource, nomenclature
from app.errors import Invalid
from app.outputs import Gap
from app.statistics import ChangeMeasurement, Tally, count
from app.tiling import RasterRef
from worker.predicted import Clipped, block_grid


def layer_of_blocks(job: JobRow, source: ImagerySource, ensemble: Ensemble, blocks: Clipped) -> Layer:
    """The blocks of one imagery source as a layer. Raises Invalid where none of them was predicted."""
    if not blocks.done:
        raise Invalid(f"no block of imagery source {source.id!r} was predicted: there is nothing to compare")
    digests = sorted(str(row.sha256) for row in blocks.done)
    return Layer(
        id=f"prediction-{source.id}",
        title=source.title,
        description="",
        nomenclature=nomenclature(ensemble.cards[0].nomenclature),
        vintage=source.year,
        imagery_source=source.id,
        model=ensemble.predicted_by,
        attribution=source.attribution,
        demonstration=source.demonstration,
        version=hashlib.sha256("\n".join(digests).encode()).hexdigest()[:12],
        published_at=job.created_at,
        rasters=tuple(
            RasterRef.of(blocks.storage.gdal_path(row.href or ""), block_grid(row), bands=2, version=str(row.sha256))
            for row in blocks.done
        ),
    )


def changes(job: JobRow, predicted: Layer, other: Layer, blocks: Clipped, *, threads: int) -> dict[str, Any]:
    """What changed from the older of two layers to the newer one; from `other` where their years do not tell.

    blocks: those of `predicted`, told of as the count goes on. Raises Invalid where the layers cannot be compared,
    RasterUnreadable.
    """
    before, after = (other, predicted) if _is_older(other, predicted) else (predicted, other)
    measurement = ChangeMeasurement(before, after, cast(Aoi, job.aoi))
    tally = Tally.of_nothing(measurement)
    with ThreadPoolExecutor(threads, "changes") as executor, closing(count(measurement, tally, executor)) as counting:
        for _ in counting:
            blocks.alive()
    return measurement.document(tally.counts)


def with_gaps(document: dict[str, Any], gaps: Sequence[Gap]) -> dict[str, Any]:
    """The same with the places that were not predicted."""
    return {**document, "gaps": [gap.document() for gap in gaps]}


def _is_older(other: Layer, predicted: Layer) -> bool:
    return other.vintage is None or predicted.vintage is None or other.vintage <= predicted.vintage
