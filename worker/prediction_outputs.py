"""The outputs of a job that predicted, from its block files alone.

Idempotent: the same job gives the same files under the same names, whoever writes them and however often.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from app import aoi, areas, imagery, jobs, models
from app.catalogue import Catalogue, Layer
from app.database import BlockRow, JobRow, Sessions
from app.definitions import Ensemble, ImagerySource, Language, Nomenclature, nomenclature
from app.errors import Invalid, Unknown
from app.expiry import storage_is_there
from app.jobs import Files
from app.outputs import (
    FORMAT_VERSION,
    Asked,
    Prediction,
    Written,
    copy_outputs,
    shared_outputs,
    write_outputs,
)
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

    def write(self) -> tuple[dict[str, str], Files]:
        """Output name -> href of its file: what was asked for, and what that needs; and what is known of the files.

        Where an equal job has left its results, they are copied.
        """
        job = self._job
        with self._sessions.read() as session:
            rows = jobs.ended_blocks(session, job.id)
            try:
                source = imagery.find(session, str(job.source_id))
                ensemble = models.ensemble_of_job(session, self._storage, job)
            except Unknown as error:
                raise Invalid(f"{error.message} (it was there when the job was asked)") from error
        key = self._key(rows, source, ensemble)
        written = write_outputs(self._prediction(rows, source, ensemble, self._copied(key)), f"jobs/{job.id}")
        checksums = {name: file.sha256 for name, file in written.items()}
        files = Files(checksums, sum(file.bytes for file in written.values()), key)
        return {name: file.href for name, file in written.items()}, files

    def _key(self, rows: Sequence[BlockRow], source: ImagerySource, ensemble: Ensemble) -> str:
        documents = (source, *ensemble.cards, _classes(ensemble))
        told = [str(FORMAT_VERSION), *(document.model_dump_json() for document in documents)]
        compared = self._inputs.get("compare") or {}
        if "layer" in compared:
            layer = self._layer(compared["layer"])
            told += [layer.version, layer.title]
        return jobs.results_key(self._job, rows, told=told)

    def _copied(self, key: str) -> dict[str, Written]:
        """By name, the outputs of an equal job that this one has now too."""
        with self._sessions.read() as session:
            equal = jobs.equal_results(session, key)
        if equal is None or equal.results is None or equal.checksums is None:
            return {}
        names = self._job.outputs["names"]
        return copy_outputs(self._storage, names, f"jobs/{self._job.id}", equal.results, equal.checksums)

    def _prediction(
        self, rows: Sequence[BlockRow], source: ImagerySource, ensemble: Ensemble, written: dict[str, Written]
    ) -> Prediction:
        """written: outputs that are there already. Where those hold all that blocks are read for, no block is."""
        job = self._job
        blocks = self._clipped(rows, source)
        figures = {"areas"} if self._inputs.get("compare") is None else {"areas", "changes"}
        if shared_outputs(job.outputs["names"]) | figures <= written.keys():
            counted, changed = (self._document(written, name) for name in ("areas", "changes"))
        else:
            blocks.require_whole(self._storage_is_there)
            counted, changed = self._areas(source, ensemble, blocks), self._changes(rows, source, ensemble, blocks)
        return Prediction(
            grid=blocks.grid,
            polygon=blocks.polygon,
            aoi=job.aoi,
            classes=blocks.classes,
            confidence=blocks.confidence,
            areas=counted or {},
            changes=changed,
            gaps=blocks.gaps,
            nomenclature=_classes(ensemble),
            source=source,
            ensemble=ensemble,
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
            written=written,
        )

    def _document(self, written: dict[str, Written], output: str) -> dict[str, Any] | None:
        """The figures in an output that is there already."""
        if output not in written:
            return None
        with self._storage.reading(written[output].href) as path:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document

    def _areas(self, source: ImagerySource, ensemble: Ensemble, blocks: Clipped) -> dict[str, Any]:
        return {
            "asked_m2": round(self._job.area_m2, 3),
            **areas.area_table(blocks.counts, blocks.grid.resolution_m, _classes(ensemble)),
            "gaps_m2": round(sum(gap.area_m2 for gap in blocks.gaps), 6),
            "gaps": [gap.document() for gap in blocks.gaps],
            "coverage": self._job.coverage,
            "source": source.id,
            "vintage": source.year,
            **ensemble.document(),
            "rule": areas.RULE,
        }

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
        self, rows: Sequence[BlockRow], source: ImagerySource, ensemble: Ensemble, blocks: Clipped
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
            other = layer_of_blocks(self._job, other_source, ensemble, others)
        else:
            other = self._layer(asked["layer"])
        predicted = layer_of_blocks(self._job, source, ensemble, blocks)
        counted = changes(self._job, predicted, other, blocks, threads=self._settings.statistics_threads)
        return with_gaps(counted, gaps)

    def _layer(self, layer_id: str) -> Layer:
        self._catalogue.refresh()
        try:
            return self._catalogue.layer(layer_id)
        except Unknown as error:
            raise Invalid(f"layer {layer_id} was withdrawn since the job was asked") from error


def _classes(ensemble: Ensemble) -> Nomenclature:
    return nomenclature(ensemble.cards[0].nomenclature)
