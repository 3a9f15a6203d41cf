"""Where files lie. Rows hold hrefs (relative names such as `blocks/ab/abcd….tif`); only this module knows the place."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from app.errors import Misconfigured, Unavailable
from app.settings import settings

_HREF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_CHUNK_BYTES = 1 << 20


class Storage:
    """A folder. Files appear whole or not at all: written beside, fsynced, renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, href: str) -> Path:
        """The local path of an href. Raises ValueError for anything that is not a plain relative name."""
        if not _HREF.fullmatch(href):
            raise ValueError(f"not an href: {href!r}")
        return self.folder / href

    def gdal_path(self, href: str) -> str:
        """What GDAL opens for an href."""
        return str(self.path(href))

    def exists(self, href: str) -> bool:
        return self.path(href).is_file()

    @contextmanager
    def writing(self, href: str) -> Iterator[Path]:
        """A temporary path to write to; it becomes `href` when the block ends well and vanishes when it does not.

        Raises Unavailable when the storage is full, read-only or failing.
        """
        target = self.path(href)
        # The suffix stays last: GDAL chooses and names side files by it.
        temporary = target.with_name(f".{target.stem}.{uuid.uuid4().hex}.tmp{target.suffix}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)
        except OSError as error:
            raise Unavailable(f"the storage cannot be written: {error.strerror or 'input/output error'}") from error
        finally:
            with suppress(OSError):
                temporary.unlink()

    def remove(self, href: str) -> None:
        """Removes a file or a folder of files; nothing happens where there is none."""
        path = self.path(href)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@lru_cache
def storage() -> Storage:
    """The storage of this process's settings."""
    if settings().data.startswith("s3://"):
        raise Misconfigured("COSIA_DATA must be a folder: this version does not store in S3 yet")
    return Storage(settings().data_folder)
