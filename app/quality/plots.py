"""Plots as SVG elements to stand in a page: no script, no style sheet, nothing fetched.

Each names itself (`title`) and says in a sentence what is to be seen (`desc`), for readers who do not see it; the
numbers behind it stand in a table of the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from app.definitions import Language

_INK, _FAINT, _ACCENT = "#1c2733", "#c9d1d9", "#1f5f99"
_TEXT = f'fill="{_INK}" font-size="11"'
_CELL = 34
_DARK = 0.55
"""Share from which a cell is so dark that its number is written in white (contrast of 4.5:1 or more either way)."""


class Bar(NamedTuple):
    """A share 0-1, or None where there is none; told: as it is written behind the bar."""

    name: str
    colour: str
    share: float | None
    told: str


class Line(NamedTuple):
    """A curve: its name and its points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


def heat_map(name: str, words: str, labels: Sequence[str], shares: Sequence[Sequence[float | None]]) -> str:
    """A matrix of shares 0-1, row by row; None where a row is empty. Percentages of 0.5 and more are written."""
    left, top = 178, 178
    side = _CELL * len(labels)
    parts = []
    for row, values in enumerate(shares):
        y = top + row * _CELL
        parts.append(
            f'<text x="{left - 6}" y="{y + _CELL / 2 + 4}" text-anchor="end" {_TEXT}>{escape(labels[row])}</text>'
        )
        for column, share in enumerate(values):
            x = left + column * _CELL
            parts.append(
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{_shade(share)}" stroke="{_FAINT}"/>'
            )
            if share is not None and share >= 0.005:
                ink = "#ffffff" if share >= _DARK else _INK
                parts.append(
                    f'<text x="{x + _CELL / 2}" y="{y + _CELL / 2 + 4}" text-anchor="middle" font-size="11" '
                    f'fill="{ink}">{100 * share:.0f}</text>'
                )
    for column, label in enumerate(labels):
        place = f"translate({left + (column + 0.5) * _CELL + 4} {top - 8})"
        parts.append(f'<text transform="{place} rotate(-60)" {_TEXT}>{escape(label)}</text>')
    return _svg(name, words, left + side + 90, top + side + 10, parts)


def bars(name: str, words: str, rows: Sequence[Bar], language: Language) -> str:
    """Shares as bars, the number written behind each."""
    left, width, step = 178, 420, 24
    parts = []
    for place, (label, colour, share, told) in enumerate(rows):
        y = 26 + place * step
        parts.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end" {_TEXT}>{escape(label)}</text>')
        if share is not None:
            parts.append(
                f'<rect x="{left}" y="{y}" width="{share * width:.1f}" height="{step - 6}" fill="{colour}" '
                f'stroke="{_INK}" stroke-width="0.5"/>'
            )
        behind = left + (share or 0) * width + 6
        parts.append(f'<text x="{behind:.1f}" y="{y + 13}" {_TEXT}>{escape(told)}</text>')
    bottom = 26 + len(rows) * step
    for tenth in range(0, 11, 2):
        x = left + width * tenth / 10
        parts.insert(0, f'<line x1="{x}" y1="18" x2="{x}" y2="{bottom}" stroke="{_FAINT}"/>')
        parts.append(f'<text x="{x}" y="12" text-anchor="middle" {_TEXT}>{language.number(tenth / 10, 1)}</text>')
    return _svg(name, words, left + width + 60, bottom + 8, parts)


def reliability(
    name: str,
    words: str,
    bins: Sequence[tuple[float, float, float, float]],
    axes: tuple[str, str],
    language: Language,
) -> str:
    """Accuracy over confidence: (mean confidence, accuracy, share of all pixels, width of the bin), each 0-1.

    axes: what is written across and up.
    Bars are shares of the pixels, points the accuracy; on the dashed line confidence is the chance of being right.
    """
    side, left, top = 320, 52, 16
    bottom = top + side
    parts = list(_axes(left, top, side, side, (0.0, 1.0), (0.0, 1.0), axes, language))
    parts.append(
        f'<line x1="{left}" y1="{bottom}" x2="{left + side}" y2="{top}" stroke="{_INK}" stroke-dasharray="5 4"/>'
    )
    for confidence, _, share, width in bins:
        middle = (math.ceil(confidence / width) - 0.5) * width if confidence else width / 2
        x = left + (middle - width / 2) * side
        parts.append(
            f'<rect x="{x:.1f}" y="{bottom - share * side:.1f}" width="{width * side - 1:.1f}" '
            f'height="{share * side:.1f}" fill="#dbe7f2"/>'
        )
    places = [(left + confidence * side, bottom - accuracy * side) for confidence, accuracy, _, _ in bins]
    parts.append(_polyline(places, _ACCENT))
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_ACCENT}"/>' for x, y in places]
    return _svg(name, words, left + side + 20, bottom + 40, parts)


def curves(name: str, words: str, lines: Sequence[Line], axes: tuple[str, str], language: Language) -> str:
    """Lines over a common x axis; dashes tell them apart besides colour. None of them may be without points.

    axes: what is written across and up.
    """
    left, top, width, height = 62, 16, 560, 240
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    over, along = _spread(xs), _spread([0.0, *ys])
    parts = list(_axes(left, top, width, height, over, along, axes, language))
    for place, line in enumerate(lines):
        points = [
            (
                left + (x - over[0]) / (over[1] - over[0]) * width,
                top + height - (y - along[0]) / (along[1] - along[0]) * height,
            )
            for x, y in line.points
        ]
        colour = (_ACCENT, "#b3471d", "#2f7d4f")[place % 3]
        dashes = ("", "6 3", "2 3")[place % 3]
        parts.append(_polyline(points, colour, dashes))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in points]
        y = top + 14 + 16 * place
        parts.append(_polyline([(left + width - 150, y - 4), (left + width - 120, y - 4)], colour, dashes))
        parts.append(f'<text x="{left + width - 112}" y="{y}" {_TEXT}>{escape(line.name)}</text>')
    return _svg(name, words, left + width + 20, top + height + 40, parts)


def _axes(
    left: float,
    top: float,
    width: float,
    height: float,
    over: tuple[float, float],
    along: tuple[float, float],
    axes: tuple[str, str],
    language: Language,
) -> Iterator[str]:
    bottom = top + height
    across, up = axes
    yield f'<path d="M{left} {top}V{bottom}H{left + width}" fill="none" stroke="{_INK}"/>'
    for quarter in range(5):
        x, y = left + width * quarter / 4, bottom - height * quarter / 4
        at_x = over[0] + (over[1] - over[0]) * quarter / 4
        at_y = along[0] + (along[1] - along[0]) * quarter / 4
        yield f'<line x1="{left}" y1="{y}" x2="{left + width}" y2="{y}" stroke="{_FAINT}" stroke-width="0.5"/>'
        yield f'<text x="{x}" y="{bottom + 15}" text-anchor="middle" {_TEXT}>{language.figure(f"{at_x:.4g}")}</text>'
        yield f'<text x="{left - 6}" y="{y + 4}" text-anchor="end" {_TEXT}>{language.figure(f"{at_y:.3g}")}</text>'
    yield f'<text x="{left + width / 2}" y="{bottom + 32}" text-anchor="middle" {_TEXT}>{escape(across)}</text>'
    yield (
        f'<text transform="translate(12 {top + height / 2}) rotate(-90)" text-anchor="middle" {_TEXT}>{escape(up)}'
        "</text>"
    )


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis, never the same."""
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + 1)


def _polyline(points: Sequence[tuple[float, float]], colour: str, dashes: str = "") -> str:
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{listed}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _shade(share: float | None) -> str:
    """From white to a dark blue; grey where there is nothing."""
    if share is None:
        return "#ececec"
    ends = zip((255, 255, 255), (16, 62, 110), strict=True)
    return "#" + "".join(f"{round(light + (dark - light) * share):02x}" for light, dark in ends)


def _svg(name: str, words: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif">'
        f"<title>{escape(name)}</title><desc>{escape(words)}</desc>{''.join(parts)}</svg>"
    )
