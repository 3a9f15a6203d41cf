"""The elements of pages about quality: one style, no script, nothing fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from app.definitions import Language

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


def document(title: str, sections: Iterable[str], language: Language) -> str:
    """An HTML document in the style of all such pages."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
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
