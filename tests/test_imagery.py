"""Registration and look-up of imagery sources: what is taken, what is refused and in which words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from app import imagery
from app.database import Sessions, connect
from app.definitions import Band, ImagerySource, Role
from app.definitions.projection import prediction_epsg
from app.errors import ImageryRefused, Unavailable, Unknown
from tests.imagery_files import LEFT, TOP, UNNAMED_LAMBERT_93, random_bytes, write_raster

Register = Callable[..., ImagerySource]


@pytest.fixture
def register(sessions: Sessions) -> Register:
    def register(**given: Any) -> ImagerySource:
        return imagery.register(sessions, **{"source_id": "trial", "title": "Trial", "year": 2021, **given})

    return register


def _raster(path: Path, bands: int = 3, side: int = 50, **options: Any) -> Path:
    return write_raster(path, random_bytes(bands, side, side), **options)


def _hrefs(sessions: Sessions, bounds: tuple[float, float, float, float]) -> list[str]:
    with sessions.read() as session:
        return [Path(file.href).name for file in imagery.files_for(session, "trial", bounds)]


def test_a_source_has_the_bands_of_its_files(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    source = register(
        rgb=[_raster(tmp_path / "rgb.tif")],
        irc=[_raster(tmp_path / "irc.tif")],
        height=[_raster(tmp_path / "e.tif", bands=1)],
    )

    assert source.bands == (Band.R, Band.G, Band.B, Band.NIR, Band.E)
    assert (source.epsg, source.year, source.attribution, source.resampled) == (2154, 2021, "IGN", False)
    with sessions.read() as session:
        assert imagery.find(session, "trial") == source
        assert imagery.list_sources(session) == [source]


def test_files_as_they_are_delivered_are_taken_and_resampled(register: Register, tmp_path: Path) -> None:
    upper = _raster(tmp_path / "1.tif", bands=5, pixel_m=(0.2, 0.1998), crs=UNNAMED_LAMBERT_93)
    lower = _raster(tmp_path / "2.tif", bands=5, pixel_m=(0.2, 0.1997), crs=UNNAMED_LAMBERT_93, top=TOP - 50 * 0.1998)

    source = register(stack=[upper, lower])

    assert (source.epsg, source.resampled) == (2154, True)


def test_pixels_of_the_grid_but_for_rounding_are_not_resampled(register: Register, tmp_path: Path) -> None:
    rgb = _raster(tmp_path / "rgb.tif", left=LEFT - 0.2, pixel_m=(0.19999999999963042, 0.2000000000014783))

    assert not register(rgb=[rgb]).resampled


@pytest.mark.parametrize("shift_m", [0.1, 0.05])
def test_pixels_beside_the_grid_are_resampled(register: Register, tmp_path: Path, shift_m: float) -> None:
    assert register(rgb=[_raster(tmp_path / "rgb.tif", left=LEFT + shift_m)]).resampled


def test_a_folder_stands_for_its_rasters(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    _raster(tmp_path / "a.tif")
    _raster(tmp_path / "b.TIFF", left=LEFT + 10)
    (tmp_path / "readme.txt").write_text("not imagery")

    register(rgb=[tmp_path])

    assert _hrefs(sessions, (LEFT, TOP - 10, LEFT + 20, TOP)) == ["a.tif", "b.TIFF"]


def test_jpeg_2000_and_an_alpha_band_are_taken(register: Register, tmp_path: Path) -> None:
    jpeg = _raster(tmp_path / "rgb.jp2", driver="JP2OpenJPEG")
    opaque = np.full((1, 50, 50), 255, np.uint8)
    with_alpha = np.concatenate([random_bytes(3, 50, 50), opaque])
    tiff = write_raster(tmp_path / "rgb.tif", with_alpha, left=LEFT + 10, photometric="RGB", alpha="YES")

    assert register(rgb=[jpeg, tiff]).bands == (Band.R, Band.G, Band.B)


def _refusals(folder: Path) -> dict[str, tuple[dict[str, list[Path]], str]]:
    """What is given, and words that the refusal must hold."""
    rgb = _raster(folder / "rgb.tif")
    bad = folder / "bad.tif"
    text = folder / "text.tif"
    text.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    cut = _raster(folder / "cut.tif", side=300)
    cut.write_bytes(cut.read_bytes()[:100_000])
    sixteen = write_raster(folder / "sixteen.tif", np.ones((3, 9, 9), np.uint16))
    upward = write_raster(folder / "upward.tif", random_bytes(3, 9, 9), pixel_m=(0.2, -0.2))
    four = write_raster(folder / "four.tif", random_bytes(4, 50, 50), photometric="RGB", alpha="YES")
    (folder / "empty").mkdir()
    return {
        "another CRS": ({"rgb": [_raster(bad, crs="EPSG:32631")]}, "bad.tif is in EPSG:32631: expected EPSG:2154"),
        "missing bands": ({"rgb": [_raster(folder / "two.tif", bands=2)]}, "two.tif has 2 bands: .* has 3 .R, G, B"),
        "16 bits": ({"rgb": [sixteen]}, "sixteen.tif holds uint16 values: expected bytes"),
        "infrared as alpha": ({"rgb": [four]}, "four.tif has a band beyond R, G, B that is not a mask"),
        "pixel size": ({"rgb": [_raster(folder / "half.tif", pixel_m=(2.5, 2.5))]}, "half.tif has pixels of 2.5 m"),
        "south up": ({"rgb": [upward]}, "upward.tif is rotated, not north up"),
        "no raster": ({"rgb": [text]}, "text.tif is not a raster: expected a GeoTIFF or a JPEG 2000"),
        "cut short": ({"rgb": [cut]}, "cut.tif cannot be read"),
        "absent": ({"rgb": [folder / "absent.tif"]}, "absent.tif does not exist"),
        "empty folder": ({"rgb": [folder / "empty"]}, "folder empty holds no GeoTIFF"),
        "infrared elsewhere": (
            {"rgb": [rgb], "irc": [_raster(folder / "far.tif", left=LEFT + 10)]},
            r"rgb.tif \(rgb\) lies over no irc file",
        ),
        "infrared alone": ({"irc": [_raster(folder / "irc.tif")]}, "RGB files or stacks are missing"),
        "stack and pictures": (
            {"rgb": [rgb], "stack": [_raster(folder / "stack.tif", bands=5)]},
            "not of both",
        ),
    }


@pytest.mark.parametrize(
    "fault",
    [
        "another CRS",
        "missing bands",
        "16 bits",
        "infrared as alpha",
        "pixel size",
        "south up",
        "no raster",
        "cut short",
        "absent",
        "empty folder",
        "infrared elsewhere",
        "infrared alone",
        "stack and pictures",
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, sqlite_url: str, fault: str) -> None:
    given, words = _refusals(tmp_path)[fault]
    sessions = Sessions(connect(sqlite_url))

    with pytest.raises(ImageryRefused, match=words) as caught:
        imagery.register(sessions, source_id="trial", title="Trial", **given)

    assert str(tmp_path) not in caught.value.message
    with sessions.read() as session:
        assert imagery.list_sources(session) == []


@pytest.mark.parametrize("source_id", ["../etc", "Ville", "", "a b"])
def test_an_id_that_is_no_name_is_refused(register: Register, tmp_path: Path, source_id: str) -> None:
    with pytest.raises(ImageryRefused, match="id"):
        register(source_id=source_id, rgb=[_raster(tmp_path / "rgb.tif")])


def test_registering_equal_files_again_changes_nothing(register: Register, tmp_path: Path) -> None:
    rgb = _raster(tmp_path / "rgb.tif")

    assert register(rgb=[rgb]) == register(rgb=[rgb])


def test_a_file_that_changed_in_place_gives_a_new_version(register: Register, tmp_path: Path) -> None:
    rgb = _raster(tmp_path / "rgb.tif")
    before = register(rgb=[rgb])
    os.utime(rgb, ns=(0, rgb.stat().st_mtime_ns + 1))

    assert register(rgb=[rgb]).version != before.version


def test_other_files_under_a_known_id_need_replace(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    first, second = _raster(tmp_path / "a.tif"), _raster(tmp_path / "b.tif", left=LEFT + 10)
    before = register(rgb=[first])

    with pytest.raises(ImageryRefused, match="'trial' with other files"):
        register(rgb=[first, second])
    assert _hrefs(sessions, (LEFT, TOP - 10, LEFT + 20, TOP)) == ["a.tif"]

    assert register(rgb=[first, second], replace=True).version != before.version
    assert _hrefs(sessions, (LEFT, TOP - 10, LEFT + 20, TOP)) == ["a.tif", "b.tif"]


def test_files_are_found_by_place(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    register(rgb=[_raster(tmp_path / f"{i}.tif", left=LEFT + 10 * i) for i in range(4)])

    assert _hrefs(sessions, (LEFT + 12, TOP - 5, LEFT + 13, TOP - 4)) == ["1.tif"]
    assert _hrefs(sessions, (LEFT + 10, TOP - 5, LEFT + 20, TOP - 4)) == ["1.tif"]  # its neighbours only touch
    assert _hrefs(sessions, (LEFT + 19, TOP - 5, LEFT + 21, TOP - 4)) == ["1.tif", "2.tif"]
    assert _hrefs(sessions, (LEFT, TOP + 1, LEFT + 40, TOP + 9)) == []


def test_files_inside_the_data_folder_are_named_relative_to_it(
    register: Register, data_folder: Path, tmp_path: Path, sessions: Sessions
) -> None:
    (data_folder / "imagery").mkdir()
    inside = _raster(data_folder / "imagery/rgb.tif")
    outside = _raster(tmp_path / "rgb.tif", left=LEFT + 10)
    register(rgb=[inside, outside])

    with sessions.read() as session:
        files = imagery.files_for(session, "trial", (LEFT, TOP - 10, LEFT + 20, TOP))
    assert {file.href for file in files} == {"imagery/rgb.tif", str(outside)}
    assert {Path(file.open().name) for file in files} == {inside, outside}
    assert {file.role for file in files} == {Role.RGB}


def test_coverage_is_where_all_bands_are(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    register(
        rgb=[_raster(tmp_path / "1.tif"), _raster(tmp_path / "2.tif", left=LEFT + 10)],
        irc=[_raster(tmp_path / "irc.tif", side=75)],
    )
    to_metres = Transformer.from_crs(4326, 2154, always_xy=True).transform

    with sessions.read() as session:
        whole = shapely.transform(imagery.coverage(session, "trial"), to_metres, interleaved=False)
        colours = imagery.coverage(session, "trial", (Band.R, Band.G, Band.B))
        colours = shapely.transform(colours, to_metres, interleaved=False)
    # RGB is 20 m x 10 m; the infrared sheet, 15 m x 15 m, covers 15 m x 10 m of it.
    assert whole.area == pytest.approx(150, abs=0.1)
    assert colours.area == pytest.approx(200, abs=0.1)
    assert colours.geom_type == "Polygon"


def test_an_unknown_source_is_said_with_those_there_are(register: Register, tmp_path: Path, sessions: Sessions) -> None:
    register(rgb=[_raster(tmp_path / "rgb.tif")])

    with sessions.read() as session, pytest.raises(Unknown, match="'other'; known: trial"):
        imagery.find(session, "other")


@pytest.mark.parametrize(
    ("crs", "code"),
    [
        (UNNAMED_LAMBERT_93, 2154),
        ("EPSG:2154", 2154),
        ("EPSG:5698", 2154),  # Lambert-93 with heights
        ("EPSG:9794", 2154),  # the newer realisation: centimetres away
        ("+proj=utm +zone=20 +ellps=GRS80 +units=m", 5490),  # Antilles, without names or codes
        ("+proj=utm +zone=22 +ellps=GRS80 +units=m", 2972),  # Guyane
        ("+proj=utm +zone=40 +south +ellps=GRS80 +units=m", 2975),  # La Réunion
        ("+proj=utm +zone=38 +south +ellps=GRS80 +units=m", 4471),  # Mayotte
        ("+proj=utm +zone=21 +ellps=GRS80 +units=m", 4467),  # Saint-Pierre-et-Miquelon
        ("+proj=utm +zone=40 +ellps=GRS80 +units=m", None),  # the other hemisphere
        ("EPSG:32631", None),
        (UNNAMED_LAMBERT_93.replace("46.5", "46.4"), None),
        (UNNAMED_LAMBERT_93.replace("700000", "600000"), None),
        (UNNAMED_LAMBERT_93.replace("6378137,298.257223563", "6378249.2,293.4660213"), None),
        (UNNAMED_LAMBERT_93.replace('UNIT["metre",1]', 'UNIT["foot",0.3048]'), None),
        ("EPSG:27572", None),
        ("EPSG:4326", None),
    ],
)
def test_a_projection_is_known_by_what_it_does(crs: str, code: int | None) -> None:
    assert prediction_epsg(CRS.from_user_input(crs).to_wkt()) == code


def test_the_index_sees_a_new_version_and_serves_on_without_the_database(
    register: Register, tmp_path: Path, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = _raster(tmp_path / "rgb.tif")
    first = register(rgb=[rgb])
    index = imagery.ImageryIndex(sessions, refresh_s=1e-9)
    assert index.source("trial").source == first
    os.utime(rgb, ns=(0, 1))
    second = register(rgb=[rgb])
    assert index.source("trial").source == second

    def away() -> None:
        raise Unavailable("away")

    monkeypatch.setattr(sessions, "read", away)

    assert index.source("trial").source == second
