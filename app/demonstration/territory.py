"""The demonstration commune on disk: imagery and truth of two vintages, laid out as BD ORTHO is delivered."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
from rasterio.io import MemoryFile
from rasterio.shutil import copy as copy_raster
from rasterio.transform import from_origin

from app.definitions import nomenclature
from app.demonstration.conditions import Conditions
from app.demonstration.scene import Scene, compose
from app.demonstration.zones import commune

EPSG = 2154
LEFT_M, TOP_M = 720896.0, 6273792.0  # upper left corner of 3 x 3 blocks of the prediction grid
RESOLUTION_M = 0.2
SIZE_PX = 6144
SEED = 2021
_COMPOSING_SHARE = 0.8  # of the time a vintage takes; the rest is writing it
SHEETS = 2  # sheets per side; real sources come in several files too

Progress = Callable[[str, float], None]

# A clear June morning and a drier, hazier August: what two campaigns of BD ORTHO look like side by side.
_FLIGHTS = {
    2021: Conditions(
        sun_azimuth_deg=138, sun_elevation_deg=56, season=0.35, dryness=0.36, soil=(1.0, 0.99, 0.97, 1.0),
        roof_warmth=0.86, sky=(0.33, 0.38, 0.46, 0.29), gain=(1.0, 1.0, 1.0, 0.96), offset=(6, 8, 11, 3), gamma=0.97,
        blur_px=0.55, sharpness=0.35, sensor_noise=1.6, height_noise_m=0.05, height_smoothing_px=0.0,
        height_shift_px=(0.0, 0.0), height_jitter_px=0.7, height_holes=0.0, height_floor_m=0.3,
    ),
    2024: Conditions(
        sun_azimuth_deg=168, sun_elevation_deg=50, season=-0.15, dryness=0.55, soil=(1.05, 1.01, 0.96, 1.02),
        roof_warmth=0.86, sky=(0.37, 0.41, 0.47, 0.32), gain=(1.06, 1.03, 0.99, 0.92), offset=(9, 9, 10, 4), gamma=0.94,
        blur_px=0.65, sharpness=0.3, sensor_noise=1.9, height_noise_m=0.08, height_smoothing_px=0.5,
        height_shift_px=(0.4, -0.3), height_jitter_px=0.9, height_holes=0.0, height_floor_m=0.3,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Vintage:
    """The files of one campaign, in the order of the sheets. truth: class values with a colour table."""

    source_id: str
    year: int
    rgb: tuple[Path, ...]
    irc: tuple[Path, ...]
    height: tuple[Path, ...]
    truth: tuple[Path, ...]


def make_territory(folder: Path, progress: Progress, *, size_px: int = SIZE_PX, seed: int = SEED) -> list[Vintage]:
    """Writes what is missing of the 2021 and 2024 vintages under `folder`, and lists it.

    Imagery goes to `demo-<year>/`, truth to `demo-<year>-truth/`; both folders are written beside and renamed, so that
    one that exists is whole. progress is told (what is being done, share done 0..1).
    size_px: side of the square, 6144 px = 1228.8 m for the product.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vintages = [_listed(folder, year) for year in _FLIGHTS]
    missing = [number for number, vintage in enumerate(vintages) if not _is_whole(folder, vintage)]
    done = dict.fromkeys(missing, 0.0)
    lock = Lock()

    def make(number: int) -> None:
        def photographed(fraction: float) -> None:
            with lock:
                done[number] = _COMPOSING_SHARE * fraction
                progress(f"photographing the demonstration commune, {year}", sum(done.values()) / len(done))

        year, source_id = vintages[number].year, vintages[number].source_id
        zones = commune(size_px * RESOLUTION_M)
        scene = compose(seed, size_px, conditions=_FLIGHTS[year], vintage=number, zones=zones, progress=photographed)
        _write_vintage(folder, source_id, scene)

    # numpy, OpenCV and GDAL leave the interpreter lock while they work: two vintages side by side fill two cores.
    with ThreadPoolExecutor(len(vintages)) as pool:
        list(pool.map(make, missing))
    progress("demonstration imagery ready", 1.0)
    return [_listed(folder, year) for year in _FLIGHTS]


def _listed(folder: Path, year: int) -> Vintage:
    source_id = f"demo-{year}"
    imagery, truth = folder / source_id, folder / f"{source_id}-truth"
    return Vintage(
        source_id,
        year,
        rgb=tuple(sorted(imagery.glob("rgb_*.tif"))),
        irc=tuple(sorted(imagery.glob("irc_*.tif"))),
        height=tuple(sorted(imagery.glob("height_*.tif"))),
        truth=tuple(sorted(truth.glob("truth_*.tif"))),
    )


def _is_whole(folder: Path, vintage: Vintage) -> bool:
    return (folder / vintage.source_id).is_dir() and (folder / f"{vintage.source_id}-truth").is_dir()


def _write_vintage(folder: Path, source_id: str, scene: Scene) -> None:
    red, green, blue, infrared, height = scene.imagery
    layers = {
        f"{source_id}-truth": {"truth": scene.truth[None]},
        source_id: {
            "rgb": np.stack([red, green, blue]),
            "irc": np.stack([infrared, red, green]),
            "height": height[None],
        },
    }
    for name, rasters in layers.items():
        partial = folder / f".{name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for role, raster in rasters.items():
            _write_sheets(partial, role, raster)
        shutil.rmtree(folder / name, ignore_errors=True)
        partial.rename(folder / name)


def _write_sheets(folder: Path, role: str, raster: npt.NDArray[np.uint8]) -> None:
    side_px = raster.shape[1] // SHEETS
    for row in range(SHEETS):
        for column in range(SHEETS):
            left_m = LEFT_M + column * side_px * RESOLUTION_M
            top_m = TOP_M - row * side_px * RESOLUTION_M
            part = raster[:, row * side_px : (row + 1) * side_px, column * side_px : (column + 1) * side_px]
            _write_cog(folder / f"{role}_{int(left_m)}_{int(top_m)}.tif", part, left_m, top_m, classes=role == "truth")


def _write_cog(path: Path, raster: npt.NDArray[np.uint8], left_m: float, top_m: float, *, classes: bool) -> None:
    """A Cloud Optimized GeoTIFF, DEFLATE, 512 px tiles. Class overviews take the mode: no pixel is interpolated."""
    bands, height, width = raster.shape
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": bands, "height": height, "width": width, "crs": f"EPSG:{EPSG}",
        "transform": from_origin(left_m, top_m, RESOLUTION_M, RESOLUTION_M), "nodata": 0 if classes else None,
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as raw:
            raw.write(raster)
            if classes:
                palette = nomenclature().palette
                raw.write_colormap(1, {value: tuple(int(each) for each in rgba) for value, rgba in enumerate(palette)})
        copy_raster(
            memory.name, path, driver="COG", compress="DEFLATE", level=1, predictor="NO" if classes else "YES",
            blocksize=512, overview_resampling="MODE" if classes else "AVERAGE",
        )  # fmt: skip
    with path.open("rb") as written:
        os.fsync(written.fileno())
