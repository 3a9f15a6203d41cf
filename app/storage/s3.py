"""Storage in a bucket of Amazon S3 or of a server that speaks its language (MinIO, Ceph, OVH, Scaleway …).

Keys and region come from the standard variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION) or from the role of the machine: obstore and GDAL read them themselves, so none passes through our hands.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from app.errors import Misconfigured, Unavailable
from app.storage.contract import StoredFile
from app.storage.hrefs import checked, is_href, sha256

log = structlog.get_logger(__name__)

_PIECE_BYTES = 8 << 20
"""One request's share of a file: large enough to be fast, small enough to end within the time limit."""
_MISSING = (NotFoundError, FileNotFoundError)  # obstore says both
_REFUSED = (PermissionDeniedError, UnauthenticatedError, PermissionError)
_SCRATCH_PREFIX = "tmp"
_SHA256 = "sha256"  # name of the object's metadata
_CONNECT_S, _REQUEST_S, _RETRY_S = 2, 60, 5


class S3Storage:
    """A prefix of a bucket. See `Storage` for what its methods promise.

    An object appears when its upload is complete, so readers see the old or the new one; its sha256 is its metadata.
    scratch: local folder where files are written before they are sent.
    """

    def __init__(self, address: str, endpoint: str, scratch: Path) -> None:
        """address: `s3://bucket/prefix`. endpoint: `https://host`, or empty for Amazon's. Raises Misconfigured."""
        parts = urlsplit(address)
        self._prefix = parts.path.strip("/")
        if parts.scheme != "s3" or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise Misconfigured("COSIA_DATA must be a folder or s3://bucket/prefix")
        if self._prefix:
            try:
                checked(self._prefix)
            except ValueError as error:
                raise Misconfigured(
                    "the prefix in COSIA_DATA may hold letters, digits, '.', '_', '-' and '/'"
                ) from error
        self._bucket = parts.netloc
        self._scratch = scratch
        self._store = S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config={"endpoint": endpoint} if endpoint else {},
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=_CONNECT_S),
                "timeout": timedelta(seconds=_REQUEST_S),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=_RETRY_S)},
        )
        _tell_gdal(endpoint)

    def gdal_path(self, href: str) -> str:
        return "/".join(part for part in ("/vsis3", self._bucket, self._prefix, checked(href)) if part)

    def exists(self, href: str) -> bool:
        with _answers():
            try:
                obstore.head(self._store, checked(href))
            except _MISSING:
                return False
        return True

    def size_bytes(self, href: str) -> int:
        with _answers():
            return int(obstore.head(self._store, checked(href))["size"])

    def sha256(self, href: str) -> str:
        with _answers():
            found = obstore.get(self._store, checked(href), options={"head": True})
            known, size = found.attributes.get(_SHA256), int(found.meta["size"])
        if known is not None:
            return str(known)
        digest = hashlib.sha256()
        for chunk in self.chunks(href, 0, size):
            digest.update(chunk)
        return digest.hexdigest()

    def names(self, prefix: str) -> list[str]:
        with _answers():
            pages = obstore.list(self._store, checked(prefix) + "/")
            return sorted(str(entry["path"]) for page in pages for entry in page)

    def listing(self, prefix: str) -> Iterator[StoredFile]:
        now = datetime.now(UTC)
        with _answers():
            for page in obstore.list(self._store, checked(prefix) + "/"):
                for entry in page:
                    age_s = (now - entry["last_modified"]).total_seconds()
                    yield StoredFile(str(entry["path"]), int(entry["size"]), age_s)

    def folders(self, prefix: str) -> list[str]:
        with _answers():
            found = obstore.list_with_delimiter(self._store, checked(prefix) + "/")
        return sorted(href for href in map(str, found["common_prefixes"]) if is_href(href))

    def clear_unfinished(self, prefix: str, *, older_than_s: float) -> int:
        before, cleared = time.time() - older_than_s, 0
        for folder in self._scratch.glob(f"{_SCRATCH_PREFIX}*"):
            with suppress(FileNotFoundError):  # its writer is alive after all, and has ended
                files = [path for path in folder.rglob("*") if path.is_file()]
                if max(path.stat().st_mtime for path in (folder, *files)) < before:
                    shutil.rmtree(folder, ignore_errors=True)
                    cleared += len(files)
        return cleared

    @contextmanager
    def writing(self, href: str) -> Iterator[Path]:
        # A folder of its own: what GDAL leaves beside the file goes with it.
        with self._scratch_folder() as folder:
            temporary = folder / checked(href).rpartition("/")[2]
            yield temporary
            digest = sha256(temporary)
            with _answers("the bucket that COSIA_DATA names does not exist"):
                obstore.put(self._store, href, temporary, attributes={_SHA256: digest}, chunk_size=_PIECE_BYTES)

    def copy(self, href: str, to: str, sha256: str) -> bool:
        if not self.exists(href) or self.sha256(href) != sha256:
            return False
        with _answers():
            obstore.copy(self._store, href, checked(to))
        return True

    @contextmanager
    def reading(self, href: str) -> Iterator[Path]:
        size = self.size_bytes(href)
        with self._scratch_folder() as folder:
            copy = folder / href.rpartition("/")[2]
            with copy.open("wb") as file:
                for chunk in self.chunks(href, 0, size):
                    file.write(chunk)
            yield copy

    def chunks(self, href: str, start: int, end: int) -> Iterator[bytes]:
        checked(href)
        while start < end:
            until = min(start + _PIECE_BYTES, end)
            with _answers():
                chunk = bytes(obstore.get_range(self._store, href, start=start, end=until))
            if len(chunk) != until - start:
                raise Unavailable("a file of the storage is shorter than it was")
            start = until
            yield chunk

    def remove(self, href: str) -> None:
        inside = self.names(href)
        with _answers():
            try:
                obstore.delete(self._store, [href, *inside])
            except _MISSING:  # some servers mind
                return

    def free_bytes(self) -> int | None:
        return None

    @contextmanager
    def _scratch_folder(self) -> Iterator[Path]:
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=_SCRATCH_PREFIX, dir=self._scratch))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or "input/output error"
            raise Unavailable(f"the scratch folder of the storage cannot be written: {reason}") from error


@contextmanager
def _answers(missing: str = "this file is not in the storage any more") -> Iterator[None]:
    """Turns obstore's errors into ours. Their text holds addresses and the server's words: it goes to the log alone.

    missing: what to say where the server knows no such thing.
    """
    try:
        yield
    except _MISSING as error:
        raise Unavailable(missing) from error
    except _REFUSED as error:
        log.error("storage_refuses", reason=f"{type(error).__name__}: {error}"[:500])
        raise Unavailable("the storage refuses access: are the AWS_ variables right?") from error
    except (BaseError, OSError) as error:
        log.warning("storage_away", reason=f"{type(error).__name__}: {error}"[:500])
        raise Unavailable("the storage does not answer: try again in a moment") from error


def _tell_gdal(endpoint: str) -> None:
    """Lets `/vsis3/` of this process and of its children find the server.

    As environment variables, which GDAL looks up at every request: rasterio's own settings belong to a thread.
    """
    settings = {
        "GDAL_HTTP_CONNECTTIMEOUT": str(_CONNECT_S),
        "GDAL_HTTP_TIMEOUT": str(_REQUEST_S),
        "GDAL_HTTP_MAX_RETRY": "2",
        "GDAL_HTTP_RETRY_DELAY": "0.5",
        # A file that was missing or damaged is looked at again when it is opened again.
        "CPL_VSIL_CURL_NON_CACHED": "/vsis3/",
    }
    if endpoint:
        parts = urlsplit(endpoint)
        settings |= {
            "AWS_S3_ENDPOINT": parts.netloc,
            "AWS_HTTPS": "YES" if parts.scheme == "https" else "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
        }
    os.environ.update(settings)
