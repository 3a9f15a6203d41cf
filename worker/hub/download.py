"""A file of a hub's repository onto this machine: whole, of the stated sha256, taken up again where it broke off."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import httpx

from app.definitions.model_card import Origin
from app.errors import Conflict, ParameterInvalid, Unavailable, WeightsUnreadable
from worker.hub.door import Door, Weather
from worker.hub.offers import HubFile, Offer, offer_of
from worker.weights import file_sha256

_T = TypeVar("_T")

Show = Callable[[int, int | None], None]
"""Is told the bytes that have arrived, and those of all the file where the hub states them."""


class Hub(NamedTuple):
    """A hub and how patiently it is asked.

    timeout_s: of each wait for bytes. attempts: without a new byte in between. longest_wait_s: a server that wants
    to be left alone for longer is left alone. wait: lets so many seconds pass.
    """

    url: str
    token: str | None = None
    timeout_s: float = 10.0
    attempts: int = 4
    longest_wait_s: float = 120.0
    wait: Callable[[float], None] = time.sleep


@contextmanager
def downloaded(
    hub: Hub, wanted: HubFile, folder: Path, show: Show, sha256: str | None = None
) -> Iterator[tuple[Path, Origin]]:
    """The fetched file, verified, and where it came from; the file goes when the context ends.

    folder: keeps what has arrived if the download breaks off, for the next try. sha256: as the card or the operator
    states it; otherwise the hub's own statement is what is verified.
    Raises Unknown, Unauthorised or Forbidden as the hub answers, Unavailable where it cannot be reached or there is
    no room, ParameterInvalid where nobody states a sha256, WeightsUnreadable for another sha256, and Conflict while
    another process fetches the same file.
    """
    fetch = _Fetch(hub, wanted, show)
    expected, commit = fetch.until_done(lambda: _expected(fetch.offer(), sha256, wanted))
    place = folder / expected
    place.mkdir(parents=True, exist_ok=True)
    with (place / "part").open("ab") as part:
        _require_alone(part, wanted)
        try:
            fetch.until_done(lambda: fetch.complete(part, expected))
        except WeightsUnreadable:
            shutil.rmtree(place)
            raise
        path = Path(part.name).replace(place / Path(wanted.file).name)
        try:
            yield path, Origin(file=wanted.file, sha256=expected, repository=wanted.repository, revision=commit)
        finally:
            shutil.rmtree(place)


def _expected(offer: Offer, stated: str | None, wanted: HubFile) -> tuple[str, str | None]:
    """The sha256 the file must have, and its commit."""
    if stated and offer.sha256 and stated != offer.sha256:
        raise WeightsUnreadable(f"{wanted}: the hub offers a file of sha256 {offer.sha256}, expected is {stated}")
    expected = stated or offer.sha256
    if expected is None:
        raise ParameterInvalid(f"{wanted}: the hub does not state its sha256; give it by --sha256", "sha256")
    return expected, offer.commit


def _require_alone(part: BinaryIO, wanted: HubFile) -> None:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Conflict(f"{wanted} is being fetched by another process: wait for it") from error


def _start_over(part: BinaryIO) -> None:
    part.truncate(0)
    part.seek(0)


@dataclass
class _Fetch:
    """One file's way here. `_failures` are those in a row, `_furthest` the most bytes there have been."""

    hub: Hub
    wanted: HubFile
    show: Show
    _failures: int = 0
    _furthest: int = 0

    @property
    def _door(self) -> Door:
        return Door(self.hub.url, self.hub.token, self.hub.timeout_s)

    def offer(self) -> Offer:
        return offer_of(self._door, self.wanted)

    def until_done(self, attempt: Callable[[], _T]) -> _T:
        """Tries again after failures that may pass, as the server asked or after twice as long each time."""
        while True:
            try:
                return attempt()
            except Weather as weather:
                self._failures += 1
                wait_s = 2.0 ** (self._failures - 1) if weather.after_s is None else weather.after_s
                if self._failures >= self.hub.attempts or wait_s > self.hub.longest_wait_s:
                    raise Unavailable(
                        f"{self.wanted} could not be fetched: {weather}. Try again in {wait_s:.0f} s or more, or fetch "
                        f"{self.wanted.address_on(self._door)} elsewhere and run `cosia model add CARD --weights FILE`",
                        retry_after_s=round(wait_s),
                    ) from weather
                self.hub.wait(wait_s)

    def complete(self, part: BinaryIO, expected: str) -> None:
        """Appends to the part what it lacks, and verifies it."""
        offer = self.offer()  # anew each time: the address of the bytes is signed for some minutes
        before = part.seek(0, 2)
        if offer.size_bytes is None or before < offer.size_bytes:
            self._append(part, offer)
        found = file_sha256(Path(part.name))
        if found == expected:
            return
        _start_over(part)
        if before:
            raise Weather("what had arrived before is not the beginning of the file")
        raise WeightsUnreadable(f"{self.wanted}: what arrived is not the file (its sha256 is {found}, not {expected})")

    def _append(self, part: BinaryIO, offer: Offer) -> None:
        _require_room(part, offer)
        start = part.tell()
        with self._door.get(offer.address, str(self.wanted), start) as answer:
            if answer.status_code == 416 or (answer.status_code == 206 and not _begins_at(start, answer.headers)):
                _start_over(part)
                raise Weather("the server does not continue where the download broke off")
            if answer.status_code == 200:  # all of it, whatever was asked
                _start_over(part)
            for piece in answer.iter_raw():
                part.write(piece)
                self._progressed(part.tell(), offer)
                if offer.size_bytes is not None and part.tell() > offer.size_bytes:
                    break  # not the file: its sha256 will say so
        part.flush()
        if offer.size_bytes is not None and part.tell() < offer.size_bytes:
            raise Weather(f"the server gave {part.tell()} of {offer.size_bytes} bytes")

    def _progressed(self, position: int, offer: Offer) -> None:
        # Only what had never arrived counts: a server that begins anew each time would be asked for ever.
        if position > self._furthest:
            self._furthest, self._failures = position, 0
        self.show(position, offer.size_bytes)


def _begins_at(start: int, headers: httpx.Headers) -> bool:
    stated: str = headers.get("Content-Range", "")
    return stated.startswith(f"bytes {start}-")


def _require_room(part: BinaryIO, offer: Offer) -> None:
    lacking = (offer.size_bytes or 0) - part.tell()
    free = shutil.disk_usage(Path(part.name).parent).free
    if lacking > free:
        raise Unavailable(f"the file needs {lacking / 1e6:.0f} MB more, and the data folder has {free / 1e6:.0f} MB")
