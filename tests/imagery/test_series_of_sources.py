"""Registration of Sentinel-2 series: what is taken, what is refused, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from pyproj import Transformer

from app import imagery
from app.cli import main
from app.database import Sessions, connect
from app.definitions import Band, ExtraInput, ImagerySource, SatelliteSeries
from app.errors import ImageryRefused
from tests.imagery_files import LEFT, TOP, random_bytes, write_raster
from tests.series_files import LEFT as SERIES_LEFT
from tests.series_files import TOP as SERIES_TOP
from tests.series_files import ground, write_image

UTM = "EPSG:32631"


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "stack.tif", random_bytes(5, 64, 64))


@pytest.fixture
def register(sessions: Sessions, stack: Path) -> Callable[..., ImagerySource]:
    def registered(*series: Path, **changes: Any) -> ImagerySource:
        return imagery.register(sessions, source_id="ortho", title="Ortho", stack=[stack], series=series, **changes)

    return registered


Register = Callable[..., ImagerySource]


def utm_corner() -> tuple[float, float]:
    """Left and top of an image in UTM 31N, on its 10 m, half a kilometre north-west of the pictures."""
    x, y = Transformer.from_crs(2154, 32631, always_xy=True).transform(LEFT - 500, TOP + 500)
    return round(x, -1), round(y, -1)


def test_series_of_a_folder_is_known_by_its_dates(register: Register, sessions: Sessions, tmp_path: Path) -> None:
    left, top = utm_corner()
    for day in ("20210710", "20210402"):
        write_image(tmp_path / "s2", day, ground())
    write_image(tmp_path / "s2", "20210710", ground(), name="other_{day}", left=left, top=top, crs=UTM)

    source = register(tmp_path / "s2")

    assert source.series == SatelliteSeries(first=date(2021, 4, 2), last=date(2021, 7, 10), dates=2)
    assert source.extra_inputs == (ExtraInput.SERIES,)
    with sessions.read() as session:
        images = imagery.series_images(session, "ortho")
    assert [(image.taken, image.epsg, Path(image.mask_href).name) for image in images] == [
        (date(2021, 4, 2), 2154, "S2_20210402_mask.tif"),
        (date(2021, 7, 10), 2154, "S2_20210710_mask.tif"),
        (date(2021, 7, 10), 32631, "other_20210710_mask.tif"),
    ]
    assert images[0].bounds == (SERIES_LEFT, SERIES_TOP - 1200, SERIES_LEFT + 1200, SERIES_TOP)
    assert images[2].bounds == (left, top - 1200, left + 1200, top)


def test_source_without_a_series_gives_none(register: Register) -> None:
    source = register()

    assert (source.series, source.extra_inputs) == (None, ())


def test_images_are_found_by_place(register: Register, sessions: Sessions, tmp_path: Path) -> None:
    left, top = utm_corner()
    write_image(tmp_path / "s2", "20210402", ground())
    write_image(tmp_path / "s2", "20210710", ground(), left=left, top=top, crs=UTM)
    write_image(tmp_path / "s2", "20210801", ground(), left=LEFT + 5, top=TOP)
    source = register(tmp_path / "s2")

    with sessions.read() as session:
        west_of_the_third = imagery.series_over(session, source, (LEFT - 90, TOP - 90, LEFT - 10, TOP - 10))
        far = imagery.series_over(session, source, (LEFT + 9000, TOP - 90, LEFT + 9100, TOP - 10))

    assert [image.taken.month for image in west_of_the_third] == [4, 7]
    assert far == []


def test_share_of_an_area_counts_where_a_date_shows_it(register: Register, sessions: Sessions, tmp_path: Path) -> None:
    # Pictures of 12.8 m; the series of one day begins in their middle, that of another 3.2 m before it.
    write_image(tmp_path / "s2", "20210402", ground(), left=LEFT + 6.4, top=TOP + 100)
    write_image(tmp_path / "s2", "20210710", ground(), left=LEFT + 3.2, top=TOP + 100)
    register(tmp_path / "s2")
    to_lonlat = Transformer.from_crs(2154, 4326, always_xy=True)
    area = shapely.transform(shapely.box(LEFT, TOP - 12.8, LEFT + 12.8, TOP), to_lonlat.transform, interleaved=False)

    with sessions.read() as session:
        assert imagery.covered_share(session, "ortho", (Band.R,), area) == pytest.approx(1, abs=1e-3)
        share = imagery.covered_share(session, "ortho", (Band.R,), area, [ExtraInput.SERIES])

    assert share == pytest.approx(0.75, abs=1e-3)


def test_changed_image_or_mask_gives_a_new_version(register: Register, tmp_path: Path) -> None:
    write_image(tmp_path / "s2", "20210402", ground())
    versions = [register().version, register(tmp_path / "s2", replace=True).version]
    write_image(tmp_path / "s2", "20210402", ground(), np.full((2, 120, 120), 7, np.uint8))
    versions.append(register(tmp_path / "s2").version)

    assert register(tmp_path / "s2").version == versions[-1]
    assert len(set(versions)) == 3


def test_other_images_under_a_known_id_need_replace(register: Register, sessions: Sessions, tmp_path: Path) -> None:
    first = write_image(tmp_path / "s2", "20210402", ground())
    second = write_image(tmp_path / "s2", "20210710", ground())
    register(first)

    with pytest.raises(ImageryRefused, match="there is an imagery source 'ortho' with other files"):
        register(first, second)
    register(second, replace=True)

    with sessions.read() as session:
        assert [image.taken.month for image in imagery.series_images(session, "ortho")] == [7]


def image(folder: Path, day: str = "20210402", pixels: np.ndarray | None = None, **changes: Any) -> Path:
    return write_image(folder, day, ground() if pixels is None else pixels, **changes)


def image_with_mask(folder: Path, bands: int, value: int = 0, left: float = SERIES_LEFT) -> None:
    image(folder)
    mask = np.full((bands, 120, 120), value, np.uint8)
    write_raster(folder / "S2_20210402_mask.tif", mask, left=left, top=SERIES_TOP, pixel_m=(10, 10))


def without_mask(folder: Path) -> None:
    image(folder)
    (folder / "S2_20210402_mask.tif").unlink()


def without_image(folder: Path) -> None:
    image(folder)
    image(folder, "20210710").unlink()


def cut_short(folder: Path) -> None:
    path = image(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def twice(folder: Path) -> None:
    image(folder)
    image(folder, name="again_{day}")


REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "four bands": (
        lambda folder: image(folder, pixels=ground()[:4]),
        "S2_20210402.tif has 4 bands of uint16: an image of a series has 10 of uint16",
    ),
    "floats": (
        lambda folder: image(folder, pixels=ground().astype(np.float32)),
        "has 10 bands of float32: an image of a series has 10 of uint16",
    ),
    "no such day": (lambda folder: image(folder, "20211340"), "the name of S2_20211340.tif tells no day"),
    "no number": (lambda folder: image(folder, "summer"), "S2_summer.tif tells no day: expected one such as 20210710"),
    "two days": (lambda folder: image(folder, name="S2_{day}_20210404"), r"tells 2 days \(20210402, 20210404\)"),
    "no mask": (without_mask, "S2_20210402.tif has no mask beside it: expected S2_20210402_mask.tif with 2 bands"),
    "mask alone": (without_image, "S2_20210710_mask.tif is the mask of no image beside it"),
    "mask of one band": (
        lambda folder: image_with_mask(folder, bands=1),
        r"has 1 band of uint8: a mask of a series has 2 of uint8, probability in percent \(snow, cloud\)",
    ),
    "mask beyond percent": (
        lambda folder: image_with_mask(folder, bands=2, value=255),
        "S2_20210402_mask.tif holds 255: expected probabilities in percent",
    ),
    "mask elsewhere": (
        lambda folder: image_with_mask(folder, bands=2, left=SERIES_LEFT + 30),
        "S2_20210402_mask.tif lies elsewhere than S2_20210402.tif",
    ),
    "a day twice": (twice, "S2_20210402.tif and again_20210402.tif are both of 2021-04-02 and of the same ground"),
    "elsewhere": (
        lambda folder: image(folder, left=SERIES_LEFT + 50_000),
        "S2_20210402.tif lies over no picture of the source",
    ),
    "60 m": (
        lambda folder: image(folder, pixel_m=60),
        "has pixels of 60 m x 60 m: expected squares of 8 m to 12 m",
    ),
    "5 m": (lambda folder: image(folder, pixel_m=5), "has pixels of 5 m x 5 m"),
    "degrees": (
        lambda folder: image(folder, left=3.2, top=43.6, crs="EPSG:4326", pixel_m=1e-4),
        "is in EPSG:4326: expected a projection in metres with an EPSG code",
    ),
    "cut short": (cut_short, "S2_20210402.tif cannot be read: it is damaged"),
    "empty folder": (
        lambda folder: folder.mkdir(),
        "s2 holds no image of a series: expected files such as S2_20210710.tif",
    ),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_is_no_series_is_refused_with_what_is_expected(
    fault: str, stack: Path, sqlite_url: str, tmp_path: Path
) -> None:
    make, message = REFUSALS[fault]
    make(tmp_path / "s2")
    sessions = Sessions(connect(sqlite_url))

    with pytest.raises(ImageryRefused, match=message):
        imagery.register(sessions, source_id="ortho", title="Ortho", stack=[stack], series=[tmp_path / "s2"])

    with sessions.read() as session:
        assert imagery.list_sources(session) == []


def test_commands_tell_of_the_series(stack: Path, tmp_path: Path) -> None:
    for day in ("20210402", "20210710"):
        write_image(tmp_path / "s2", day, ground())

    files = ["--stack", str(stack), "--series", str(tmp_path / "s2")]
    added = CliRunner().invoke(main, ["imagery", "add", "town", *files])
    listed = CliRunner().invoke(main, ["imagery", "list"])

    assert added.exit_code == 0, added.output
    assert "with a Sentinel-2 series, 2 dates from 2021-04-02 to 2021-07-10" in added.output
    assert "files, series of 2 dates from 2021-04-02 to 2021-07-10" in listed.output
