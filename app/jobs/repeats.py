"""Results that are there already: those of a job that asked for the same pixels, clipped and told in the same way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import BlockRow, JobRow


def results_key(job: JobRow, rows: Sequence[BlockRow], *, told: Sequence[str]) -> str:
    """A hash over all that decides the results of a job, but for what names the job itself: equal key, equal bytes.

    rows: its blocks. told: documents that outputs quote: source, model card, classes, versions of layers and formats.
    """
    decides: dict[str, Any] = {
        "program": version("cosia-map"),
        "blocks": sorted((row.key, row.status, row.sha256 or row.reason or "") for row in rows),
        "aoi": job.aoi.wkb_hex,
        "area_m2": job.area_m2,
        "coverage": job.coverage,
        "inputs": {name: value for name, value in (job.inputs or {}).items() if name != "gaps"},
        "told": list(told),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def equal_results(session: Session, key: str) -> JobRow | None:
    """The latest job of that key whose results are still there."""
    return session.scalar(
        select(JobRow)
        .where(JobRow.results_key == key, JobRow.status == "successful", JobRow.expired_at.is_(None))
        .order_by(JobRow.finished_at.desc())
        .limit(1)
    )
