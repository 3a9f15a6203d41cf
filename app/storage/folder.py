"""Storage in a folder: written beside, fsynced, renamed."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.errors import Unavailable
from app.storage.contract import StoredFile
from app.storage.hrefs import CHUNK_BYTES, checked, is_href, sha256

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{32}\.tmp.*")
"""Names that `writing` gives, and what libraries leave beside them (.aux.xml, -journal)."""


class FolderStorage:
    """A folder, on one machine or seen by all hosts. See `Storage` for what its methods promise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, href: str) -> Path:
        """The local path of an href. Only a folder has such paths: code for any storage asks for `reading`."""
        return self.folder / checked(href)

    def gdal_path(self, href: str) -> str:
        return str(self.path(href))

    def exists(self, href: str) -> bool:
        with _reads():
            return self.path(href).is_file()

    def size_bytes(self, href: str) -> int:
        with _reads():
            return self.path(href).stat().st_size

    def sha256(self, href: str) -> str:
        with _reads():
            return sha256(self.path(href))

    def names(self, prefix: str) -> list[str]:
        found = []
        with _reads():
            for folder, _, files in os.walk(self.path(prefix)):
                place = Path(folder).relative_to(self.folder).as_posix()
                # A leading dot: somebody is writing it.
                found += [f"{place}/{name}" for name in files if not name.startswith(".")]
        return sorted(found)

    def listing(self, prefix: str) -> Iterator[StoredFile]:
        now = time.time()
        for href in self.names(prefix):
            with _reads():
                try:
                    found = (self.folder / href).stat()
                except FileNotFoundError:
                    continue  # removed meanwhile
            yield StoredFile(href, found.st_size, now - found.st_mtime)

    def folders(self, prefix: str) -> list[str]:
        path = self.path(prefix)
        with _reads():
            if not path.is_dir():
                return []
            with os.scandir(path) as entries:
                inside = [f"{prefix}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)]
        return sorted(href for href in inside if is_href(href))

    def clear_unfinished(self, prefix: str, *, older_than_s: float) -> int:
        before, cleared = time.time() - older_than_s, 0
        with _reads():
            for folder, _, files in os.walk(self.path(prefix)):
                for name in filter(_UNFINISHED.fullmatch, files):
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # its writer is alive after all, and has ended
                        if path.stat().st_mtime < before:
                            path.unlink()
                            cleared += 1
        return cleared

    @contextmanager
    def writing(self, href: str) -> Iterator[Path]:
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

    def copy(self, href: str, to: str, sha256: str) -> bool:
        if not self.exists(href) or self.sha256(href) != sha256:
            return False
        with self.writing(to) as path:
            try:
                path.hardlink_to(self.path(href))
            except OSError:  # a file system without links, or with too many of this file
                shutil.copyfile(self.path(href), path)
        return True

    @contextmanager
    def reading(self, href: str) -> Iterator[Path]:
        self.size_bytes(href)  # raises where there is no such file
        yield self.path(href)

    def chunks(self, href: str, start: int, end: int) -> Iterator[bytes]:
        with _reads(), self.path(href).open("rb") as file:
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK_BYTES, end - start))
                if not chunk:
                    raise Unavailable("a file of the storage is shorter than it was")
                start += len(chunk)
                yield chunk

    def remove(self, href: str) -> None:
        path = self.path(href)
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return  # somebody else was removing it too
        except OSError as error:
            raise Unavailable(f"the storage cannot be written: {error.strerror or 'input/output error'}") from error

    def free_bytes(self) -> int | None:
        with _reads():
            self.folder.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self.folder).free


@contextmanager
def _reads() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Unavailable("this file is not in the storage any more") from error
    except OSError as error:
        raise Unavailable(f"the storage cannot be read: {error.strerror or 'input/output error'}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
