"""The report of a layer, in the database: it holds for the version of the layer's content that was evaluated."""

from __future__ import annotations

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import LayerQualityRow, LayerRow, Sessions, now_s
from app.errors import Conflict, Unknown
from app.quality.report import QualityReport

log = structlog.get_logger(__name__)


def publish_report(sessions: Sessions, report: QualityReport) -> None:
    """Show a report with its layer, in place of the one before.

    Raises Unknown where there is no such layer, Conflict where its content has changed since it was evaluated.
    """
    layer_id = report.subject.id
    with sessions.write() as session:
        layer = session.scalar(select(LayerRow).where(LayerRow.id == layer_id).with_for_update())
        if layer is None:
            raise Unknown(f"there is no layer {layer_id!r} to show the figures with", "layer")
        if layer.version != report.subject.version:
            raise Conflict(f"layer {layer_id} was published anew meanwhile: evaluate it again")
        document = report.model_dump(mode="json")
        session.merge(LayerQualityRow(layer_id=layer_id, version=layer.version, document=document))
        layer.published_at = now_s()  # those who follow the layers read again what has another time


def find_report(session: Session, layer_id: str, version: str) -> QualityReport | None:
    """The report of a layer's content; None where none was made of this version, or by a program of another format."""
    document = session.scalar(
        select(LayerQualityRow.document).where(LayerQualityRow.layer_id == layer_id, LayerQualityRow.version == version)
    )
    if document is None:
        return None
    try:
        return QualityReport.model_validate(document)
    except ValidationError:  # the layer is worth more than its figures
        log.warning("quality_report_unreadable", layer=layer_id)
        return None
