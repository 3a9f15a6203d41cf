"""A report as text, for terminals."""

from __future__ import annotations

from app.quality.report import QualityReport


def table(report: QualityReport) -> str:
    """A line per class with its reference in pixels, IoU, precision, recall, area bias and most frequent confusion;
    then the means, each with its rule, edges and confidence."""
    lines = [
        f"{'class':<26}{'pixels':>12}{'IoU':>8}{'prec.':>8}{'recall':>8}{'area':>7}  most often taken for",
    ]
    places = {label.value: place for place, label in enumerate(report.labels)}
    for each in report.classes:
        row = list(report.confusion_matrix[places[each.value]])
        row[0] = row[places[each.value]] = 0
        other = row.index(max(row))
        seen = each.reference_pixels
        confused = f"{report.labels[other].title_en} {row[other] / seen:.1%}" if row[other] and seen else "-"
        lines.append(
            f"{report.labels[places[each.value]].title_en:<26}{seen:>12}{_told(each.iou):>8}{_told(each.precision):>8}"
            f"{_told(each.recall):>8}{_told(each.area_ratio, 2):>7}  {confused}"
        )
    lines.append(f"overall accuracy {_told(report.overall_accuracy, 4)}, kappa {_told(report.kappa, 4)}")
    lines += [f"mean IoU {_told(mean.mean_iou, 4)} over {mean.classes}: {mean.words}" for mean in report.means]
    borders = report.borders
    lines.append(
        f"within {borders.within_px} px of an edge: accuracy {_told(borders.near.overall_accuracy, 4)}, elsewhere "
        f"{_told(borders.inside.overall_accuracy, 4)}; {_told(borders.share_of_errors_near)} of the errors and "
        f"{_told(borders.share_of_pixels_near)} of the pixels are there"
    )
    if report.calibration is not None:
        lines.append(
            f"expected calibration error of the confidence {_told(report.calibration.expected_calibration_error, 4)}"
        )
    if report.left_out_pixels or report.unpredicted_pixels:
        lines.append(
            f"left out: {report.left_out_pixels} pixels of classes that are not evaluated, "
            f"{report.unpredicted_pixels} without prediction"
        )
    return "\n".join(lines)


def _told(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
