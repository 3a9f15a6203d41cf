"""A file of the storage as a download: whole, or the one range that is asked for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.api.languages import answer_language
from app.api.problems import problem
from app.storage import Storage

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class _Part(NamedTuple):
    """Bytes from `start` up to `end` (excluded)."""

    start: int
    end: int


def file_response(
    request: Request, storage: Storage, href: str, media_type: str, filename: str, *, etag: str
) -> Response:
    """GET or HEAD of a file. Ranges let GDAL read single tiles of a COG.

    etag: plain letters, digits, '-' and '.' that change with the content. Several ranges at once are answered with the
    whole file, which RFC 9110 allows. Raises Unavailable before anything is sent.
    """
    size = storage.size_bytes(href)
    tag = f'"{etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
    }
    if {tag, "*"} & _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range", "")
    if request.headers.get("if-range", tag) != tag:
        wanted = ""  # the client holds a part of another version
    part = _part(wanted, size)
    if part is None:
        headers["Content-Length"] = str(size)
        return _sent(request, storage, href, _Part(0, size), 200, headers, media_type)
    if part.start >= part.end:
        return problem(
            416,
            "range-not-satisfiable",
            f"the file has {size} bytes: ask for a range inside it",
            answer_language(request.headers),
            headers={"Content-Range": f"bytes */{size}"},
        )
    headers["Content-Length"] = str(part.end - part.start)
    headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return _sent(request, storage, href, part, 206, headers, media_type)


def _sent(
    request: Request, storage: Storage, href: str, part: _Part, status: int, headers: dict[str, str], media_type: str
) -> Response:
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    chunks = storage.chunks(href, part.start, part.end)
    return StreamingResponse(chunks, status_code=status, headers=headers, media_type=media_type)


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


def _part(header: str, size: int) -> _Part | None:
    """The range that is asked for, empty where it lies beyond the end; None where it is no single range."""
    found = _RANGE.fullmatch(header)
    if found is None or not (found[1] or found[2]):
        return None
    first, last = found[1], found[2]
    if not first:  # the last n bytes
        return _Part(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return _Part(int(first), min(int(last) + 1, size) if last else size)
