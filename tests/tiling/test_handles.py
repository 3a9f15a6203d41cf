"""Open rasters: how many, and whose."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import RasterUnreadable
from app.tiling import RasterRef, handles
from app.tiling.grids import Rectangle
from tests.conftest import forget_settings
from tests.tiling.blobs import GRID, level, reference

PIXEL = Rectangle(10, 10, 1, 1)


def _open_files(folder: Path) -> int:
    """Descriptors of this process that point into a folder."""
    return sum(
        str(link.readlink()).startswith(str(folder)) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
    )


def test_the_least_recently_used_handle_is_closed(
    raster: RasterRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_RASTER_HANDLES", "3")
    forget_settings()
    data = Path(raster.path).read_bytes()
    for number in range(6):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(data)
        handles.read(reference(path, GRID).classes, handles.FULL_RESOLUTION, PIXEL)

    assert _open_files(tmp_path) == 3


def test_a_new_version_is_opened_anew(raster: RasterRef, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(Path(raster.path).read_bytes())
    old = reference(path, GRID, "old").classes
    handles.read(old, handles.FULL_RESOLUTION, PIXEL)
    path.unlink()

    with pytest.raises(RasterUnreadable):
        handles.read(reference(path, GRID, "new").classes, handles.FULL_RESOLUTION, PIXEL)


def test_levels_are_the_overviews_of_the_file(raster: RasterRef) -> None:
    band = reference(Path(raster.path), GRID).classes

    assert handles.factors(band) == (2, 4, 8)
    assert handles.level_size(band, 1) == (512, 512)
    assert handles.read(band, 1, PIXEL)[0, 0] == level(raster.path, 4)[10, 10]
