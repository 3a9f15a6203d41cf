"""Where files lie. Rows hold hrefs (relative names such as `blocks/ab/abcd….tif`); only this package knows places."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.settings import settings
from app.storage.contract import Storage, StoredFile
from app.storage.folder import FolderStorage
from app.storage.hrefs import sha256
from app.storage.s3 import S3Storage

_SCRATCH_KEPT_S = 86_400.0

__all__ = ["FolderStorage", "S3Storage", "Storage", "StoredFile", "sha256", "storage"]


@lru_cache
def storage() -> Storage:
    """The storage of this process's settings. Raises Misconfigured for an address that is none."""
    config = settings()
    if config.is_s3:
        bucket = S3Storage(config.data, config.s3_endpoint, config.local_folder / "scratch")
        # The sweeper clears a folder for all; nobody but us reaches the scratch of this machine.
        bucket.clear_unfinished("", older_than_s=_SCRATCH_KEPT_S)
        return bucket
    return FolderStorage(Path(config.data).resolve())
