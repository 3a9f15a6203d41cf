"""A prediction as a picture: map, legend, scale, north, source. No date and no id: equal blocks, equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from app.outputs.fonts import BOLD, REGULAR, picture_font
from app.outputs.legend_rows import LegendRow, legend_rows
from app.outputs.map_picture import MapPicture, draw_map, round_length_m
from app.outputs.prediction import Prediction
from app.outputs.wording import Wording, wording

_MAP_PX = 2000
_MARGIN_PX = 48
_LEAST_BODY_WIDTH_PX = 900
_LEGEND_WIDTH_PX = 560
_ROW_PX = 46
_SWATCH_PX = (52, 30)
_ARROW_PX = (36, 90)
_BAR_PX = 14
_INK, _GREY, _RED, _PAPER = (25, 25, 25), (105, 105, 105), (176, 24, 24), (255, 255, 255)


class _Line(NamedTuple):
    text: str
    bold: bool
    size_px: int
    colour: tuple[int, int, int]
    height_px: int


def write_picture(prediction: Prediction, path: Path) -> None:
    words, shown = wording(prediction.asked.language), draw_map(prediction, _MAP_PX)
    rows, head, foot = legend_rows(prediction, words), _head(prediction, words), _foot(prediction, words)
    map_height, map_width = shown.pixels.shape[:2]
    body_top = _MARGIN_PX + _height_px(head)
    marks_top = body_top + max(map_height, _ROW_PX * (len(rows) + 1)) + _MARGIN_PX // 2
    foot_top = marks_top + _ARROW_PX[1] + _MARGIN_PX // 2
    legend_left = _MARGIN_PX + max(map_width, _LEAST_BODY_WIDTH_PX) + _MARGIN_PX
    size = (legend_left + _LEGEND_WIDTH_PX, foot_top + _height_px(foot) + _MARGIN_PX // 2)

    picture = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(picture)
    _draw_lines(draw, head, (_MARGIN_PX, _MARGIN_PX // 2))
    picture.paste(Image.fromarray(shown.pixels), (_MARGIN_PX, body_top))
    draw.rectangle((_MARGIN_PX - 1, body_top - 1, _MARGIN_PX + map_width, body_top + map_height), outline=_GREY)
    _draw_legend(picture, rows, words, (legend_left, body_top))
    _draw_north(draw, (_MARGIN_PX, marks_top))
    _draw_scale(draw, shown, words, (_MARGIN_PX + 3 * _ARROW_PX[0], marks_top))
    _draw_lines(draw, foot, (_MARGIN_PX, foot_top))
    picture.save(path, "PNG")


def _head(prediction: Prediction, words: Wording) -> list[_Line]:
    lines = [
        _Line(words.title, True, 44, _INK, 64),
        _Line(words.imagery_of(prediction.source), False, 26, _INK, 42),
    ]
    if prediction.source.demonstration:
        lines.append(_Line(words.demonstration, True, 28, _RED, 44))
    return lines


def _foot(prediction: Prediction, words: Wording) -> list[_Line]:
    texts = (
        *(words.labelled(words.model, words.words_of(card).title) for card in prediction.ensemble.cards),
        *words.together(prediction.ensemble),
        words.labelled(words.nomenclature, f"{prediction.nomenclature.title}, {prediction.nomenclature.licence}"),
    )
    return [_Line(text, False, 22, _GREY, 32) for text in texts]


def _height_px(lines: Sequence[_Line]) -> int:
    return sum(line.height_px for line in lines)


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    *,
    bold: bool = False,
    size_px: int,
    colour: tuple[int, int, int] = _INK,
    anchor: str = "la",
) -> None:
    # Vera's no-break space is twice as wide as its space, and nothing is broken here.
    plain = text.replace("\N{NO-BREAK SPACE}", " ")
    draw.text(place, plain, colour, picture_font(BOLD if bold else REGULAR, size_px), anchor=anchor)


def _draw_lines(draw: ImageDraw.ImageDraw, lines: Sequence[_Line], corner: tuple[int, int]) -> None:
    left, top = corner
    for line in lines:
        _write(draw, (left, top), line.text, bold=line.bold, size_px=line.size_px, colour=line.colour)
        top += line.height_px


def _draw_legend(picture: Image.Image, rows: Sequence[LegendRow], words: Wording, corner: tuple[int, int]) -> None:
    draw, (left, top) = ImageDraw.Draw(picture), corner
    width, height = _SWATCH_PX
    _write(draw, (left, top), words.legend, bold=True, size_px=28)
    for number, row in enumerate(rows, start=1):
        upper = top + number * _ROW_PX
        picture.paste(Image.fromarray(row.swatch(height, width)), (left, upper))
        draw.rectangle((left, upper, left + width, upper + height), outline=_GREY)
        _write(draw, (left + width + 16, upper), row.title, size_px=24)
        if row.share is not None:
            right = left + _LEGEND_WIDTH_PX - _MARGIN_PX
            _write(draw, (right, upper), words.percent(row.share), size_px=24, anchor="ra")


def _draw_north(draw: ImageDraw.ImageDraw, corner: tuple[int, int]) -> None:
    """North of the grid, which in Lambert-93 is true north to within some degrees."""
    left, top = corner
    width, height = _ARROW_PX
    middle, foot = left + width // 2, top + height - 34
    draw.polygon([(middle, top), (left + width, foot), (middle, foot - 14), (left, foot)], fill=_INK)
    _write(draw, (middle, top + height), "N", bold=True, size_px=26, anchor="ms")


def _draw_scale(draw: ImageDraw.ImageDraw, shown: MapPicture, words: Wording, corner: tuple[int, int]) -> None:
    left, top = corner
    length_m = round_length_m(shown.pixels.shape[1] * shown.pixel_m / 3)
    length_px, upper = round(length_m / shown.pixel_m), top + _ARROW_PX[1] // 2
    draw.rectangle((left, upper, left + length_px, upper + _BAR_PX), outline=_INK, fill=_PAPER)
    draw.rectangle((left, upper, left + length_px // 2, upper + _BAR_PX), outline=_INK, fill=_INK)
    _write(draw, (left, upper - 10), "0", size_px=22, anchor="ms")
    _write(draw, (left + length_px, upper - 10), words.length(length_m), size_px=22, anchor="ms")
