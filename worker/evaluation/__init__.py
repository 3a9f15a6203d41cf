"""How good a classification is, by the measures of land-cover mapping: counting, figures, reports."""

from __future__ import annotations

from worker.evaluation.counts import Counts, Scheme, near_edges
from worker.evaluation.flair import evaluate_flair
from worker.evaluation.maps import MapAgreement, evaluate_map
from worker.evaluation.models import ModelCount
from worker.evaluation.references import ReferenceRaster
from worker.evaluation.reports import report
from worker.evaluation.scenes import evaluate_scenes
from worker.evaluation.subjects import evaluated_values, job_map, layer_subject
from worker.evaluation.table import table

__all__ = [
    "Counts",
    "MapAgreement",
    "ModelCount",
    "ReferenceRaster",
    "Scheme",
    "evaluate_flair",
    "evaluate_map",
    "evaluate_scenes",
    "evaluated_values",
    "job_map",
    "layer_subject",
    "near_edges",
    "report",
    "table",
]
