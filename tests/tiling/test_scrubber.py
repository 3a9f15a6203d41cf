"""Files of layers that change, vanish or rot under a running service."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.errors import RasterUnreadable
from app.tiling import RasterRef, handles
from app.tiling.grids import Rectangle
from app.tiling.integrity import Integrity, integrity
from app.tiling.scrubber import Scrubber
from tests.tiling.blobs import GRID, reference, write

PIXEL = Rectangle(10, 10, 1, 1)


@pytest.fixture
def published(raster: RasterRef, tmp_path: Path) -> RasterRef:
    """A raster under its true digest."""
    path = Path(shutil.copy(raster.path, tmp_path / "published.tif"))
    return reference(path, GRID, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def watch(published: RasterRef) -> Scrubber:
    """A scrubber that has seen the file once, and judges for the readers of this process."""
    handles.keep(frozenset({published.path}))  # forgets what other tests have damaged
    scrubber = Scrubber(lambda: [published], integrity, every_s=3.0, bytes_per_s=0)
    scrubber.look()
    return scrubber


def _read(raster: RasterRef) -> int:
    return int(handles.read(raster.classes, handles.FULL_RESOLUTION, PIXEL)[0, 0])


def _refused(raster: RasterRef) -> bool:
    try:
        _read(raster)
    except RasterUnreadable:
        return True
    return False


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def _replace(path: Path) -> None:
    write(path, np.full((GRID.height, GRID.width), 6, np.uint8), GRID)


@pytest.mark.parametrize(
    "harm", [_flip, _truncate, _replace, lambda path: path.write_bytes(b""), Path.unlink],
    ids=["a flipped bit", "truncated", "another valid raster", "empty", "removed"],
)  # fmt: skip
def test_nothing_is_read_from_a_file_that_is_not_what_was_published(
    published: RasterRef, watch: Scrubber, harm: object
) -> None:
    path = Path(published.path)
    good, value = path.read_bytes(), _read(published)
    assert callable(harm)
    harm(path)
    watch.look()

    assert _refused(published)
    assert integrity.doubtful() == {published.path}

    path.write_bytes(good)
    watch.look()

    assert _read(published) == value
    assert integrity.doubtful() == frozenset()


def test_a_file_that_was_written_to_is_refused_before_the_scrubber_comes(published: RasterRef, watch: Scrubber) -> None:
    path = Path(published.path)
    good, value = path.read_bytes(), _read(published)
    _flip(path)
    assert _refused(published)

    path.write_bytes(good)  # another time of modification: refused until its content is found right
    assert _refused(published)
    watch.look()
    assert _read(published) == value


def test_a_file_put_back_under_the_same_name_is_opened_anew(published: RasterRef, watch: Scrubber) -> None:
    path = Path(published.path)
    _read(published)
    shutil.copy(path, path.with_name("copy.tif")).replace(path)  # another inode, the same content
    watch.look()
    _read(published)

    opened = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert not [target for target in opened if str(target).startswith(published.path) and "deleted" in target.name]


def test_a_file_that_was_never_there_is_in_doubt(published: RasterRef) -> None:
    Path(published.path).unlink()
    judged = Integrity()
    Scrubber(lambda: [published], judged, every_s=3.0, bytes_per_s=0).look()

    assert judged.is_condemned(published.path)


def test_a_failed_read_of_a_good_file_is_forgiven(published: RasterRef, watch: Scrubber) -> None:
    integrity.suspect(published.path)
    watch.look()

    assert integrity.doubtful() == frozenset()


def _rot(path: Path) -> None:
    """Changes bytes, and neither size nor time."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        file.write(b"\0\0\0\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_reading_through_finds_rot_that_changes_neither_size_nor_time(published: RasterRef) -> None:
    judged = Integrity()
    scrubber = Scrubber(lambda: [published], judged, every_s=1.0, bytes_per_s=1 << 30)
    scrubber.look()
    assert judged.doubtful() == frozenset()

    _rot(Path(published.path))
    scrubber.look()

    assert judged.is_condemned(published.path)


def test_reading_through_keeps_to_its_speed(published: RasterRef) -> None:
    judged = Integrity()
    scrubber = Scrubber(lambda: [published], judged, every_s=1.0, bytes_per_s=1)
    scrubber.look()
    _rot(Path(published.path))

    scrubber.look()
    assert not judged.is_condemned(published.path)  # a byte a second has not brought it through the file yet
    for _ in range(5):
        scrubber.look()
    assert judged.is_condemned(published.path)


def test_what_belongs_to_no_layer_any_more_is_forgotten(published: RasterRef, watch: Scrubber) -> None:
    Path(published.path).unlink()
    watch.look()
    handles.keep(frozenset())

    assert integrity.doubtful() == frozenset()


def test_the_thread_starts_and_stops(published: RasterRef) -> None:
    judged = Integrity()
    scrubber = Scrubber(lambda: [published], judged, every_s=0.01, bytes_per_s=0)
    scrubber.start()
    scrubber.stop()

    assert judged.doubtful() == frozenset()
