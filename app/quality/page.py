"""The report as one page: tables and plots, no script, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from app.quality import plots
from app.quality.report import Borders, Calibration, ClassFigures, Label, QualityReport

_STYLE = (
    "body{font:15px/1.5 sans-serif;color:#1c2733;background:#fff;margin:2em auto;max-width:62em;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}caption{text-align:left;font-weight:bold;padding-bottom:.4em}"
    "th,td{border:1px solid #c9d1d9;padding:.2em .6em;text-align:right}"
    "th[scope=row],thead th:first-child{text-align:left}"
    ".wide{overflow-x:auto}svg{max-width:100%;height:auto}dt{font-weight:bold}"
)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
"""Of an HTTP answer with a page: its own style sheet and nothing else."""


def page(report: QualityReport) -> str:
    """The HTML document of a report."""
    subject, by_value = report.subject, {label.value: label for label in report.labels}
    sections = [
        f"<h1>Quality of {escape(subject.title)}</h1>",
        _facts(report),
        _means(report),
        _classes(report, by_value),
        _matrix(report),
        _borders(report.borders, by_value),
        *([_calibration(report.calibration)] if report.calibration is not None else []),
    ]
    return document(f"Quality of {subject.title}", sections)


def document(title: str, sections: Iterable[str]) -> str:
    """An HTML document in the style of all such pages."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows; cells are text."""
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in others) + "</tr>"
        for first, *others in rows
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(picture: str) -> str:
    """A plot in a box of its own that scrolls where the window is narrow."""
    return f'<div class="wide">{picture}</div>'


def _facts(report: QualityReport) -> str:
    subject, reference = report.subject, report.reference
    facts = {
        "Evaluated": f"{subject.kind} {subject.id}" + (f", version {subject.version}" if subject.version else ""),
        "Model": subject.model or "unknown",
        "Reference": reference.name
        + (f", coding {reference.coding}" if reference.coding else "")
        + (f", sha256 {reference.sha256}" if reference.sha256 else ""),
        "Made": report.made_at.isoformat(timespec="seconds"),
        "Compared": _pixels(report.compared_pixels, report.pixel_m2),
        "Left out: a class that is not evaluated": _pixels(report.left_out_pixels, report.pixel_m2),
        "Left out: reference without prediction": _pixels(report.unpredicted_pixels, report.pixel_m2),
        "Overall accuracy": _share(report.overall_accuracy),
        "Kappa": _share(report.kappa),
    }
    return (
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in facts.items()) + "</dl>"
    )


def _means(report: QualityReport) -> str:
    rows = [
        (mean.words, str(mean.classes), _share(mean.mean_iou), _share(mean.overall_accuracy)) for mean in report.means
    ]
    return "<h2>Means, and the rule that made each</h2>" + table(
        "Mean intersection over union", ("Rule", "Classes", "Mean IoU", "Overall accuracy"), rows
    )


def _classes(report: QualityReport, by_value: dict[int | None, Label]) -> str:
    rows = [
        (
            _title(by_value[figures.value]),
            f"{figures.reference_pixels:,}",
            f"{figures.predicted_pixels:,}",
            *map(_share, (figures.iou, figures.precision, figures.recall, figures.f1)),
            _share(figures.area_ratio),
        )
        for figures in report.classes
    ]
    head = ("Class", "Reference px", "Predicted px", "IoU", "Precision", "Recall", "F1", "Predicted / reference area")
    drawn = [
        (by_value[figures.value].title_fr, by_value[figures.value].colour, figures.iou) for figures in report.classes
    ]
    picture = plots.bars("Intersection over union per class", _extremes(report.classes, by_value), drawn)
    return "<h2>Classes</h2>" + figure(picture) + table("Figures per class", head, rows)


def _extremes(classes: Sequence[ClassFigures], by_value: dict[int | None, Label]) -> str:
    """What the bars show, in words."""
    known = [(each.iou, by_value[each.value].title_en) for each in classes if each.iou is not None]
    if not known:
        return "No class occurs."
    (low, worst), (high, best) = min(known), max(known)
    return f"Highest: {best}, {high:.3f}. Lowest: {worst}, {low:.3f}. The table below has all numbers."


def _matrix(report: QualityReport) -> str:
    shown = [
        place
        for place, row in enumerate(report.confusion_matrix)
        if any(row) or any(other[place] for other in report.confusion_matrix)
    ]
    names = [report.labels[place].title_fr for place in shown]
    counts = [[report.confusion_matrix[row][column] for column in shown] for row in shown]
    shares = [[count / sum(row) if sum(row) else None for count in row] for row in counts]
    picture = plots.heat_map(
        "Confusion matrix",
        "Rows are classes of the reference, columns what was predicted there, in per cent of the row. "
        "The table below has the counts.",
        names,
        shares,
    )
    rows = [(name, *(f"{count:,}" for count in row)) for name, row in zip(names, counts, strict=True)]
    counted = table("Pixels: rows are the reference, columns the prediction", ("Reference", *names), rows)
    return "<h2>Confusion matrix</h2><p>Per cent of each row.</p>" + figure(picture) + counted


def _borders(borders: Borders, by_value: dict[int | None, Label]) -> str:
    zones = (("Near edges", borders.near), ("Inside", borders.inside))
    summary = table(
        f"Within {borders.within_px} px of an edge between classes, and elsewhere",
        ("Pixels", "Number", "Errors", "Overall accuracy", "Mean IoU"),
        [
            (name, f"{zone.pixels:,}", f"{zone.errors:,}", _share(zone.overall_accuracy), _share(zone.mean_iou))
            for name, zone in zones
        ],
    )
    per_class = table(
        "Intersection over union",
        ("Class", *(name for name, _ in zones)),
        [(_title(by_value[value]), *(_share(zone.iou[value]) for _, zone in zones)) for value in borders.near.iou],
    )
    told = (
        f"{escape(borders.rule)} {_share(borders.share_of_pixels_near)} of the pixels lie there, and "
        f"{_share(borders.share_of_errors_near)} of the errors."
    )
    return f"<h2>Edges of classes</h2><p>{told}</p>{summary}{per_class}"


def _calibration(calibration: Calibration) -> str:
    filled = [each for each in calibration.bins if each.confidence is not None and each.accuracy is not None]
    pixels = sum(each.pixels for each in filled)
    error = _share(calibration.expected_calibration_error)
    picture = plots.reliability(
        "Reliability of the confidence",
        f"Accuracy over confidence; expected calibration error {error}.",
        [
            (each.confidence or 0.0, each.accuracy or 0.0, each.pixels / pixels, each.up_to - each.above)
            for each in filled
        ],
    )
    rows = [
        (f"{each.above:.1f} - {each.up_to:.1f}", f"{each.pixels:,}", _share(each.confidence), _share(each.accuracy))
        for each in calibration.bins
    ]
    counted = table("Confidence and accuracy", ("Confidence", "Pixels", "Mean confidence", "Accuracy"), rows)
    told = f"<p>Expected calibration error {error}. {escape(calibration.rule)}</p>"
    return "<h2>Confidence</h2>" + told + (figure(picture) if filled else "") + counted


def _title(label: Label) -> str:
    return f"{label.title_fr} ({label.title_en})"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _pixels(count: int, pixel_m2: float | None) -> str:
    return f"{count:,} px" + (f", {count * pixel_m2 / 10_000:,.2f} ha" if pixel_m2 is not None else "")
