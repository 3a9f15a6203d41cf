"""The outputs of a job that predicted, from its block files alone.

Idempotent: the same job gives the same files under the same names, whoever writes them and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from app import aoi, areas, imagery, jobs, models
from app.catalogue import Catalogue, Layer
from app.database import BlockRow, JobRow, Sessions
from app.definitions import ImagerySource, ModelCard, nomenclature
from app.errors import Invalid, Unknown
from app.expiry import storage_is_there
from app.outputs import Asked, Language, Prediction, write_outputs
from app.settings import Settings
from app.storage import Storage
from worker.compared import changes, layer_of_blocks, with_gaps
from worker.predicted import Clipped, window_grid


class PredictionOutputs:
    """Writes what a job asked for. `alive` is told of each piece of work, and raises where it is not wanted any more.

    Raises BlocksDamaged, Unavailable where the storage is full or away, Invalid where what the job is about was
    withdrawn.
    """

    def __init__(
        self,
        sessions: Sessions,
        storage: Storage,
        settings: Settings,
        catalogue: Catalogue,
        job: JobRow,
        alive: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._settings = settings
        self._catalogue = catalogue
        self._job = job
        self._alive = alive
        self._inputs = job.inputs or {}

    def write(self) -> dict[str, str]:
        """Output name -> href of its file: what was asked for, and what that needs."""
        return write_outputs(self._prediction(), f"jobs/{self._job.id}")

    def _prediction(self) -> Prediction:
        job = self._job
        with self._sessions.read() as session:
            rows = jobs.ended_blocks(session, job.id)
            try:
                source = imagery.find(session, str(job.source_id))
                card = models.find_model(session, self._storage, str(job.model_id)).card
            except Unknown as error:
                raise Invalid(f"{error.message} (it was there when the job was asked)") from error
        classes = nomenclature(card.nomenclature)
        blocks = self._clipped(rows, source)
        blocks.require_whole(self._storage_is_there)
        return Prediction(
            grid=blocks.grid,
            polygon=blocks.polygon,
            aoi=job.aoi,
            classes=blocks.classes,
            confidence=blocks.confidence,
            areas={
                "asked_m2": round(job.area_m2, 3),
                **areas.area_table(blocks.counts, blocks.grid.resolution_m, classes),
                "gaps_m2": round(sum(gap.area_m2 for gap in blocks.gaps), 6),
                "gaps": [gap.document() for gap in blocks.gaps],
                "coverage": job.coverage,
                "source": source.id,
                "vintage": source.year,
                "model": card.id,
                "rule": areas.RULE,
            },
            changes=self._changes(rows, source, card, blocks),
            gaps=blocks.gaps,
            nomenclature=classes,
            source=source,
            card=card,
            asked=Asked(
                permalink=job.permalink,
                address=f"{self._settings.public_url}/api/jobs/{job.permalink}",
                area_m2=job.area_m2,
                coverage=job.coverage,
                created_at=job.created_at,
                outputs=tuple(job.outputs["names"]),
                language=Language(self._inputs.get("language", Language.FRENCH)),
                minimum_area_m2=self._inputs.get("minimum_area_m2", 0.0),
            ),
            storage=self._storage,
            alive=self._alive,
        )

    def _clipped(self, rows: Sequence[BlockRow], source: ImagerySource) -> Clipped:
        job = self._job
        polygon = aoi.to_grid_crs(job.aoi, job.epsg)
        own = [row for row in rows if row.source_id == source.id]
        return Clipped(
            storage=self._storage,
            done=[row for row in own if row.status == "done"],
            failed=[row for row in own if row.status == "failed"],
            polygon=polygon,
            grid=window_grid(polygon, job.epsg),
            alive=self._alive,
        )

    def _storage_is_there(self) -> bool:
        return storage_is_there(self._sessions, self._storage)

    def _changes(
        self, rows: Sequence[BlockRow], source: ImagerySource, card: ModelCard, blocks: Clipped
    ) -> dict[str, Any] | None:
        """What changed since, or until, what the job is to be compared with; None where that was not asked."""
        asked = self._inputs.get("compare")
        if asked is None:
            return None
        gaps = list(blocks.gaps)
        if "source" in asked:
            with self._sessions.read() as session:
                other_source = imagery.find(session, asked["source"])
            others = self._clipped(rows, other_source)
            others.require_whole(self._storage_is_there)
            gaps += others.gaps
            other = layer_of_blocks(self._job, other_source, card, others)
        else:
            other = self._layer(asked["layer"])
        predicted = layer_of_blocks(self._job, source, card, blocks)
        counted = changes(self._job, predicted, other, blocks, threads=self._settings.statistics_threads)
        return with_gaps(counted, gaps)

    def _layer(self, layer_id: str) -> Layer:
        self._catalogue.refresh()
        try:
            return self._catalogue.layer(layer_id)
        except Unknown as error:
            raise Invalid(f"layer {layer_id} was withdrawn since the job was asked") from error
