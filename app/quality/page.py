"""The report as one page, in French or English: tables, and plots whose numbers stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.definitions import Language
from app.quality import plots
from app.quality.elements import document, figure, table
from app.quality.report import ClassFigures, Label, QualityReport
from app.quality.wording import Wording, wording


def page(report: QualityReport, language: Language) -> str:
    """The HTML document of a report."""
    return _Page(report, wording(language)).document()


class _Page:
    """The sections of a report in one language."""

    def __init__(self, report: QualityReport, words: Wording) -> None:
        self._report = report
        self._words = words
        self._title_of = {label.value: self._title(label) for label in report.labels}

    def document(self) -> str:
        title = self._words.title.format(title=self._report.subject.title)
        sections = [
            f"<h1>{escape(title)}</h1>",
            self._facts(),
            self._means(),
            self._classes(),
            self._matrix(),
            self._borders(),
            self._calibration(),
        ]
        return document(title, sections, self._words.language)

    def _facts(self) -> str:
        report, words = self._report, self._words
        subject, reference = report.subject, report.reference
        facts = {
            words.evaluated: ", ".join(
                [
                    f"{words.kinds[subject.kind]} {subject.id}",
                    *([words.version.format(version=subject.version)] if subject.version else []),
                ]
            ),
            words.model: subject.model or words.unknown,
            words.reference: ", ".join(
                [
                    reference.name,
                    *([words.coding.format(coding=reference.coding)] if reference.coding else []),
                    *([f"sha256 {reference.sha256}"] if reference.sha256 else []),
                ]
            ),
            words.made: report.made_at.strftime(words.date_format),
            words.compared: self._pixels(report.compared_pixels),
            words.left_out: self._pixels(report.left_out_pixels),
            words.unpredicted: self._pixels(report.unpredicted_pixels),
            words.overall_accuracy: words.share(report.overall_accuracy),
            words.kappa: words.share(report.kappa),
        }
        listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in facts.items())
        return f"<dl>{listed}</dl>"

    def _means(self) -> str:
        words = self._words
        rows = [
            (words.rules[mean.rule], str(mean.classes), words.share(mean.mean_iou), words.share(mean.overall_accuracy))
            for mean in self._report.means
        ]
        head = (words.rule, words.classes, words.mean_iou, words.overall_accuracy)
        return f"<h2>{escape(words.means)}</h2>" + table(words.means_caption, head, rows)

    def _classes(self) -> str:
        words, classes = self._words, self._report.classes
        rows = [
            (
                self._title_of[each.value],
                words.count(each.reference_pixels),
                words.count(each.predicted_pixels),
                *map(words.share, (each.iou, each.precision, each.recall, each.f1, each.area_ratio)),
            )
            for each in classes
        ]
        head = (
            words.class_,
            words.reference_px,
            words.predicted_px,
            "IoU",
            words.precision,
            words.recall,
            "F1",
            words.area_ratio,
        )
        colour_of = {label.value: label.colour for label in self._report.labels}
        drawn = [
            plots.Bar(self._title_of[each.value], colour_of[each.value], each.iou, words.share(each.iou, 3))
            for each in classes
        ]
        picture = plots.bars(words.iou_per_class, self._extremes(classes), drawn, words.language)
        return f"<h2>{escape(words.classes)}</h2>" + figure(picture) + table(words.figures_per_class, head, rows)

    def _extremes(self, classes: Sequence[ClassFigures]) -> str:
        """What the bars show, in words."""
        words = self._words
        known = [(each.iou, self._title_of[each.value]) for each in classes if each.iou is not None]
        if not known:
            return words.no_class
        (low, worst), (high, best) = min(known), max(known)
        return words.highest_and_lowest.format(
            best=best, high=words.share(high, 3), worst=worst, low=words.share(low, 3)
        )

    def _matrix(self) -> str:
        words, matrix = self._words, self._report.confusion_matrix
        shown = [place for place, row in enumerate(matrix) if any(row) or any(other[place] for other in matrix)]
        names = [self._title(self._report.labels[place]) for place in shown]
        counts = [[matrix[row][column] for column in shown] for row in shown]
        shares = [[count / sum(row) if sum(row) else None for count in row] for row in counts]
        picture = plots.heat_map(words.confusion_matrix, words.confusion_words, names, shares)
        rows = [(name, *map(words.count, row)) for name, row in zip(names, counts, strict=True)]
        counted = table(words.counts_caption, (words.reference, *names), rows)
        told = f"<h2>{escape(words.confusion_matrix)}</h2><p>{escape(words.per_cent_of_rows)}</p>"
        return told + figure(picture) + counted

    def _borders(self) -> str:
        words, borders = self._words, self._report.borders
        zones = ((words.near, borders.near), (words.inside, borders.inside))
        summary = table(
            words.edges_caption.format(within=borders.within_px),
            (words.pixels, words.number, words.errors, words.overall_accuracy, words.mean_iou),
            [
                (
                    name,
                    *map(words.count, (zone.pixels, zone.errors)),
                    *map(words.share, (zone.overall_accuracy, zone.mean_iou)),
                )
                for name, zone in zones
            ],
        )
        per_class = table(
            words.iou,
            (words.class_, *(name for name, _ in zones)),
            [
                (self._title_of[value], *(words.share(zone.iou[value]) for _, zone in zones))
                for value in borders.near.iou
            ],
        )
        rule = words.edges_rule.format(within=borders.within_px)
        shares = words.edges_shares.format(
            pixels=words.share(borders.share_of_pixels_near), errors=words.share(borders.share_of_errors_near)
        )
        return f"<h2>{escape(words.edges)}</h2><p>{escape(rule)} {escape(shares)}</p>{summary}{per_class}"

    def _calibration(self) -> str:
        """Nothing where no confidence was there to be held against."""
        words, calibration = self._words, self._report.calibration
        if calibration is None:
            return ""
        filled = [each for each in calibration.bins if each.confidence is not None and each.accuracy is not None]
        pixels = sum(each.pixels for each in filled)
        error = words.share(calibration.expected_calibration_error)
        picture = plots.reliability(
            words.reliability,
            words.reliability_words.format(error=error),
            [
                (each.confidence or 0.0, each.accuracy or 0.0, each.pixels / pixels, each.up_to - each.above)
                for each in filled
            ],
            (words.confidence, words.accuracy),
            words.language,
        )
        rows = [
            (
                f"{words.share(each.above, 1)} - {words.share(each.up_to, 1)}",
                words.count(each.pixels),
                *map(words.share, (each.confidence, each.accuracy)),
            )
            for each in calibration.bins
        ]
        head = (words.confidence, words.pixels, words.mean_confidence, words.accuracy)
        rule = words.calibration_rule.format(bins=len(calibration.bins))
        told = f"<p>{escape(words.calibration_error.format(error=error))} {escape(rule)}</p>"
        counted = table(words.confidence_caption, head, rows)
        return f"<h2>{escape(words.confidence)}</h2>" + told + (figure(picture) if filled else "") + counted

    def _title(self, label: Label) -> str:
        return self._words.language.class_title(label.title_fr, label.title_en)

    def _pixels(self, count: int) -> str:
        told, pixel_m2 = f"{self._words.count(count)} px", self._report.pixel_m2
        if pixel_m2 is None:
            return told
        return f"{told}, {self._words.language.number(count * pixel_m2 / 10_000, 2)} ha"
