"""Where reports of evaluations go: a folder with the document, its page and its schema."""

from __future__ import annotations

import json
from pathlib import Path

from app.definitions import Language
from app.quality import QualityReport, page

DOCUMENT, PAGE, SCHEMA = "report.json", "report.html", "report.schema.json"


def write_report(report: QualityReport, folder: Path, language: Language = Language.ENGLISH) -> None:
    """Write `report.json`, `report.html` and `report.schema.json` (JSON Schema of the first) into a folder.

    language: of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    schema = json.dumps(QualityReport.model_json_schema(), ensure_ascii=False, indent=1)
    for name, text in (
        (DOCUMENT, report.model_dump_json(indent=1)),
        (PAGE, page(report, language)),
        (SCHEMA, schema),
    ):
        (folder / name).write_text(f"{text.rstrip()}\n", encoding="utf-8")
