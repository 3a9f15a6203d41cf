"""A prediction as one A4 page: map, table, and all that a reader has to know to trust it or not.

PDF without a date of its own: the same job gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from PIL import Image
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Spacer

from app.outputs.fonts import BOLD, REGULAR, register_report_fonts
from app.outputs.legend_rows import LegendRow, legend_rows
from app.outputs.map_picture import MapPicture, draw_map, round_length_m
from app.outputs.prediction import Prediction
from app.outputs.report_text import Section, sections
from app.outputs.wording import Wording, wording

# Lengths are points, 1/72 inch, counted from the lower left corner of the page.
_WIDTH, _HEIGHT = A4
_MARGIN = 36.0
_GUTTER = 16.0
_MAP = 300.0
_MAP_PX = 1400
_ROW = 14.6
_SWATCH = (16.0, 9.0)
_MARKS = 30.0
_FOOT = 24.0
_SIZES = (8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0, 4.5)
_INK, _GREY, _RED = Color(0.1, 0.1, 0.1), Color(0.42, 0.42, 0.42), Color(0.69, 0.09, 0.09)


class _Box(NamedTuple):
    left: float
    top: float
    width: float
    height: float


class _Measured(NamedTuple):
    flowable: Flowable
    height: float


def write_report(prediction: Prediction, path: Path) -> None:
    register_report_fonts()
    words = wording(prediction.asked.language)
    canvas = Canvas(
        str(path),
        pagesize=A4,
        pageCompression=1,
        invariant=1,
        lang=words.language.value,
        initialFontName=REGULAR,  # type: ignore[arg-type]  # the stub says it is a number
    )
    canvas.setTitle(f"{words.title} {prediction.asked.permalink}")
    canvas.setSubject(words.imagery_of(prediction.source))
    canvas.setCreator("CoSIA Map")

    top = _draw_head(canvas, prediction, words)
    shown = draw_map(prediction, _MAP_PX)
    map_box = _map_box(shown, top)
    rows = legend_rows(prediction, words)
    _draw_map(canvas, shown, map_box, words)
    table_left = _MARGIN + _MAP + _GUTTER
    _draw_table(canvas, rows, words, _Box(table_left, top, _WIDTH - _MARGIN - table_left, 0.0))
    body_px = max(map_box.height + _MARKS, _ROW * (len(rows) + 1) + _MARKS / 2)
    text_top = top - body_px
    _draw_text(canvas, sections(prediction, words), text_top)
    _draw_foot(canvas, prediction, words)
    canvas.showPage()
    canvas.save()


def _draw_head(canvas: Canvas, prediction: Prediction, words: Wording) -> float:
    """Gives the height at which the head ends."""
    top = _HEIGHT - _MARGIN - 14
    _write(canvas, (_MARGIN, top), words.title, name=BOLD, size=17)
    top -= 16
    _write(canvas, (_MARGIN, top), _fitting(canvas, words.imagery_of(prediction.source), 9), size=9, colour=_GREY)
    if prediction.source.demonstration:
        top -= 14
        _write(canvas, (_MARGIN, top), words.demonstration, name=BOLD, size=10, colour=_RED)
    return top - 12


def _map_box(shown: MapPicture, top: float) -> _Box:
    height, width = shown.pixels.shape[:2]
    scale = _MAP / max(height, width)
    return _Box(_MARGIN, top, width * scale, height * scale)


def _draw_map(canvas: Canvas, shown: MapPicture, box: _Box, words: Wording) -> None:
    lower = box.top - box.height
    canvas.drawImage(ImageReader(Image.fromarray(shown.pixels)), box.left, lower, box.width, box.height)
    canvas.setStrokeColor(_GREY)
    canvas.setLineWidth(0.5)
    canvas.rect(box.left, lower, box.width, box.height)
    _draw_north(canvas, box.left + 5, lower - 6)
    _draw_scale(canvas, shown, box, (box.left + 26, lower - 19), words)


def _draw_north(canvas: Canvas, left: float, top: float) -> None:
    """North of the grid, which in Lambert-93 is true north to within some degrees."""
    arrow = canvas.beginPath()
    arrow.moveTo(left, top)
    for x, y in ((left + 4, top - 11), (left, top - 8.5), (left - 4, top - 11)):
        arrow.lineTo(x, y)
    arrow.close()
    canvas.setFillColor(_INK)
    canvas.drawPath(arrow, stroke=0, fill=1)
    canvas.setFont(BOLD, 6.5)
    canvas.drawCentredString(left, top - 18, "N")


def _draw_scale(canvas: Canvas, shown: MapPicture, box: _Box, corner: tuple[float, float], words: Wording) -> None:
    left, lower = corner
    width_m = shown.pixels.shape[1] * shown.pixel_m
    length_m = round_length_m(width_m / 3)
    length = length_m / width_m * box.width
    canvas.setStrokeColor(_INK)
    canvas.setFillColor(_INK)
    canvas.rect(left, lower, length, 3, fill=0)
    canvas.rect(left, lower, length / 2, 3, fill=1)
    canvas.setFont(REGULAR, 6.5)
    canvas.drawCentredString(left, lower + 5.5, "0")
    canvas.drawCentredString(left + length, lower + 5.5, words.length(length_m))


def _draw_table(canvas: Canvas, rows: Sequence[LegendRow], words: Wording, box: _Box) -> None:
    swatch_width, swatch_height = _SWATCH
    area_right, share_right = box.left + box.width - 44, box.left + box.width
    _write(canvas, (box.left, box.top - 8), words.land_cover, name=BOLD, size=8)
    _write(canvas, (area_right, box.top - 8), "m²", name=BOLD, size=8, right=True)
    _write(canvas, (share_right, box.top - 8), words.share, name=BOLD, size=8, right=True)
    canvas.setLineWidth(0.4)
    for number, row in enumerate(rows, start=1):
        lower = box.top - 8 - number * _ROW
        swatch = Image.fromarray(row.swatch(round(4 * swatch_height), round(4 * swatch_width)))
        canvas.drawImage(ImageReader(swatch), box.left, lower - 1.5, swatch_width, swatch_height)
        canvas.setStrokeColor(_GREY)
        canvas.rect(box.left, lower - 1.5, swatch_width, swatch_height)
        _write(canvas, (box.left + swatch_width + 5, lower), row.title, size=8)
        _write(canvas, (area_right, lower), words.number(row.area_m2), size=8, right=True)
        if row.share is not None:
            _write(canvas, (share_right, lower), words.percent(row.share), size=8, right=True)


def _draw_text(canvas: Canvas, parts: Sequence[Section], top: float) -> None:
    """Two columns of whole sections, in the largest letters in which all of it fits."""
    width = (_WIDTH - 2 * _MARGIN - _GUTTER) / 2
    height = top - _MARGIN - _FOOT
    for size in _SIZES:
        columns = _columns([_set(part, size, width) for part in parts])
        if max(map(_height_of, columns)) <= height:
            break
    for number, column in enumerate(columns):
        lower = top
        for flowable, flowable_height in column:
            lower -= flowable_height
            flowable.drawOn(canvas, _MARGIN + number * (width + _GUTTER), lower)


def _set(part: Section, size: float, width: float) -> list[_Measured]:
    """A section in letters of that size."""
    text = ParagraphStyle("text", fontName=REGULAR, fontSize=size, leading=1.28 * size, textColor=_INK)
    listed = ParagraphStyle("listed", text, leftIndent=size, bulletIndent=1, bulletFontName=REGULAR)
    heading = ParagraphStyle("heading", text, fontName=BOLD, fontSize=size + 0.5)
    flowables: list[Flowable] = [
        Paragraph(escape(part.heading), heading),
        *(
            Paragraph(markup, listed, bulletText="•") if part.listed else Paragraph(markup, text)
            for markup in part.paragraphs
        ),
        Spacer(width, 0.6 * size),
    ]
    return [_Measured(each, each.wrap(width, _HEIGHT)[1] + 0.2 * size) for each in flowables]


def _columns(parts: Sequence[list[_Measured]]) -> tuple[list[_Measured], list[_Measured]]:
    """The two columns that are the least high."""
    splits = [
        (list(chain.from_iterable(parts[:n])), list(chain.from_iterable(parts[n:]))) for n in range(1, len(parts) + 1)
    ]
    return min(splits, key=lambda columns: max(map(_height_of, columns)))


def _height_of(column: Sequence[_Measured]) -> float:
    return sum(each.height for each in column)


def _draw_foot(canvas: Canvas, prediction: Prediction, words: Wording) -> None:
    asked, lower = prediction.asked, _MARGIN
    canvas.setStrokeColor(_GREY)
    canvas.setLineWidth(0.4)
    canvas.line(_MARGIN, lower + 11, _WIDTH - _MARGIN, lower + 11)
    when = f"{words.labelled(words.job, asked.permalink)}, {words.asked_at.format(date=words.time(asked.created))}"
    _write(canvas, (_MARGIN, lower), when, size=6.5, colour=_GREY)
    address = f"{asked.address}/results"
    _write(canvas, (_MARGIN, lower - 9), address, size=6.5, colour=_GREY)
    reach = canvas.stringWidth(address, REGULAR, 6.5)
    canvas.linkURL(address, (_MARGIN, lower - 11, _MARGIN + reach, lower - 2))


def _write(
    canvas: Canvas,
    place: tuple[float, float],
    text: str,
    *,
    name: str = REGULAR,
    size: float,
    colour: Color = _INK,
    right: bool = False,
) -> None:
    canvas.setFont(name, size)
    canvas.setFillColor(colour)
    (canvas.drawRightString if right else canvas.drawString)(*place, text)


def _fitting(canvas: Canvas, text: str, size: float) -> str:
    """As much of a line as the page is wide."""
    while canvas.stringWidth(text, REGULAR, size) > _WIDTH - 2 * _MARGIN:
        text = f"{text[:-2]}…"
    return text
