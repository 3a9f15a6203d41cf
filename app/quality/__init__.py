"""How good a map or a model is: the report of an evaluation, its page, and where a layer's report is kept."""

from __future__ import annotations

from app.quality.elements import CONTENT_SECURITY_POLICY
from app.quality.page import page
from app.quality.records import find_report, publish_report
from app.quality.report import QualityReport

__all__ = ["CONTENT_SECURITY_POLICY", "QualityReport", "find_report", "page", "publish_report"]
