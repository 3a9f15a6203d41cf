"""What a hub says of a file before it gives it: its size, its sha256, its commit, and where its bytes are."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote

from app.errors import Unknown
from worker.hub.door import Door, FileAbsent

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors")


class HubFile(NamedTuple):
    """Name of a file on a hub. repository: OWNER/NAME; revision: branch, tag or commit."""

    repository: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"{self.file} of {self.repository}@{self.revision}"

    def address_on(self, door: Door) -> str:
        return f"{door.url}/{self.repository}/resolve/{quote(self.revision, safe='')}/{quote(self.file)}"


class Offer(NamedTuple):
    """address: of the bytes, signed for some minutes. The others are None where the hub does not state them."""

    address: str
    commit: str | None
    size_bytes: int | None
    sha256: str | None


def offer_of(door: Door, wanted: HubFile) -> Offer:
    """Raises as `Door.head`; Unknown names the weights files there are where this one is not in the repository."""
    url = wanted.address_on(door)
    try:
        headers, address = door.head(url, str(wanted))
    except FileAbsent as error:
        raise Unknown(f"{error.message}; {_listed(door, wanted)}", "file") from error
    # Large files lie in another store: the plain ETag and length would be those of the redirect.
    tag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"')
    size = headers.get("X-Linked-Size") or (headers.get("Content-Length") if address == url else None)
    return Offer(
        address,
        headers.get("X-Repo-Commit"),
        int(size) if size and size.isdecimal() else None,
        tag if _SHA256.fullmatch(tag) else None,
    )


def _listed(door: Door, wanted: HubFile) -> str:
    url = f"{door.url}/api/models/{wanted.repository}/revision/{quote(wanted.revision, safe='')}"
    names = [name for name in door.files(url, str(wanted)) if name.endswith(_WEIGHTS)]
    return f"it has {', '.join(names)}: give one by --file" if names else "it has no file of weights"
