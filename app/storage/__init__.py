"""Where files lie. Rows hold hrefs (relative names such as `blocks/ab/abcd….tif`); only this package knows places."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.settings import settings
from app.storage.contract import Storage, StoredFile
from app.storage.folder import FolderStorage
from app.storage.hrefs import sha256
from app.storage.s3 import S3Storage

__all__ = ["FolderStorage", "S3Storage", "Storage", "StoredFile", "sha256", "storage"]


@lru_cache
def storage() -> Storage:
    """The storage of this process's settings. Raises Misconfigured for an address that is none."""
    config = settings()
    if config.is_s3:
        return S3Storage(config.data, config.s3_endpoint, config.local_folder / "scratch")
    return FolderStorage(Path(config.data).resolve())
