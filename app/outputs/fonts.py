"""The letters of pictures and reports: Bitstream Vera, which comes with reportlab and may be embedded freely."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import reportlab
from PIL import ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "Vera", "VeraBd"
_FOLDER = Path(reportlab.__file__).parent / "fonts"
_SPACE, _NO_BREAK_SPACE = 0x20, 0xA0


@lru_cache
def picture_font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FOLDER / f"{name}.ttf", size_px)


@lru_cache(1)
def register_report_fonts() -> None:
    """Lets reportlab find the fonts by name, <b> in paragraphs too."""
    for name in (REGULAR, BOLD):
        font = TTFont(name, _FOLDER / f"{name}.ttf")
        # Vera's no-break space is twice as wide as its space.
        font.face.charWidths[_NO_BREAK_SPACE] = font.face.charWidths[_SPACE]
        font.face.charToGlyph[_NO_BREAK_SPACE] = font.face.charToGlyph[_SPACE]
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
