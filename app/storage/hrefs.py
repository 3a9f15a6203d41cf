"""Names of files: what rows hold, and never a path."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

CHUNK_BYTES = 1 << 20

_HREF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def is_href(name: str) -> bool:
    return _HREF.fullmatch(name) is not None


def checked(href: str) -> str:
    """The same href. Raises ValueError for anything that is not a plain relative name."""
    if not is_href(href):
        raise ValueError(f"not an href: {href!r}")
    return href


def sha256(path: Path) -> str:
    """Hex digest of a local file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
