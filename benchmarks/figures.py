"""One line of the table that `make benchmark` ends with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Figure(NamedTuple):
    """What was measured, ours and the peer's (with their units), and how they stand to the target.

    met: None where there is no target, or where the peer could not be had.
    """

    what: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def share(what: str, found: float, least: float | None, beside: str = "") -> Figure:
    """A share (0-1) that should be at least so large."""
    target = "" if least is None else f">= {least:.1%}"
    return Figure(what, f"{found:.3%}", beside, None, target, None if least is None else found >= least)


def times_faster(what: str, mpx: float, ours_s: float, peer_s: float, least: float | None) -> Figure:
    """Megapixels a second of ours and the peer's, ours so many times as many at least."""
    ratio, target = peer_s / ours_s, "" if least is None else f">= {least:g}x"
    met = None if least is None else ratio >= least
    return Figure(what, f"{mpx / ours_s:.3f} Mpx/s", f"{mpx / peer_s:.3f} Mpx/s", ratio, target, met)


def table(figures: Iterable[Figure]) -> str:
    """The figures as aligned columns."""
    rows = [("what", "ours", "peer", "ratio", "target", "met")]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = "" if figure.met is None else ("yes" if figure.met else "NO")
        rows.append((figure.what, figure.ours, figure.peer, ratio, figure.target, met))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])
