"""What every storage can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol


class StoredFile(NamedTuple):
    """A file of the storage. age_s: since it was written, by the clock of who asks."""

    href: str
    bytes: int
    age_s: float


class Storage(Protocol):
    """Files under hrefs: relative names such as `blocks/ab/abcd….tif`; every part begins with a letter or a digit.

    Files appear whole or not at all, and readers see the old or the new one. Every method raises ValueError for what
    is no href and Unavailable where the storage does not answer; those that read also where the file is not there.
    """

    def gdal_path(self, href: str) -> str:
        """What GDAL opens for an href."""
        ...

    def exists(self, href: str) -> bool: ...

    def size_bytes(self, href: str) -> int: ...

    def sha256(self, href: str) -> str:
        """Hex digest of the file's bytes."""
        ...

    def names(self, prefix: str) -> list[str]:
        """The hrefs of all files in the folder `prefix` and in folders inside it, sorted."""
        ...

    def listing(self, prefix: str) -> Iterator[StoredFile]:
        """What `names` gives, in any order, with size and age."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """The hrefs of the folders directly inside the folder `prefix`, sorted."""
        ...

    def clear_unfinished(self, prefix: str, *, older_than_s: float) -> int:
        """Removes what writers that were killed left in the folder `prefix`; gives the number of files.

        Where files are first written elsewhere, what lies there on this machine, whatever the prefix.
        """
        ...

    def writing(self, href: str) -> AbstractContextManager[Path]:
        """A temporary local path to write to; it becomes `href` when the block ends well and vanishes when it does not.

        Raises Unavailable when the storage, or the disk written to first, is full, read-only or failing.
        """
        ...

    def copy(self, href: str, to: str, sha256: str) -> bool:
        """Gives a file's content another name, without reading it over a network; neither name is changed later.

        False, and nothing is written, where the file is gone or is not of that sha256.
        """
        ...

    def reading(self, href: str) -> AbstractContextManager[Path]:
        """A local path of the file, valid inside the block, to read only. Its name ends as the href does."""
        ...

    def chunks(self, href: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end` (excluded), in pieces of bounded size."""
        ...

    def remove(self, href: str) -> None:
        """Removes a file or a folder of files; nothing happens where there is none.

        Raises Unavailable where it cannot be removed.
        """
        ...

    def free_bytes(self) -> int | None:
        """Room that is left; None where the storage does not tell."""
        ...
