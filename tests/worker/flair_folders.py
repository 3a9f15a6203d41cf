"""A small FLAIR#2 folder with all that its networks need beside imagery."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from tests.worker.parity import ign_cases as cases

PATCH = 826
METADATA = {
    "IMG_000826": {
        "patch_centroid_x": 489353.5, "patch_centroid_y": 6587552.25, "patch_centroid_z": 50.1,
        "domain": "D004_2021", "zone": "Z10_AU", "date": "2020-07-22", "time": "11h42", "camera": "UCE-M3-f120-s06",
    }
}  # fmt: skip


def write_flair_2_folder(folder: Path, side_px: int = 64) -> None:
    """One patch with its mask, its series and the facts of its photograph, laid out as IGN publishes them."""
    zone = Path("D004_2021") / "Z10_AU"
    image = np.random.RandomState(1).randint(0, 256, (5, side_px, side_px)).astype(np.uint8)
    _write_raster(folder / "flair_aerial_train" / zone / "img" / f"IMG_{PATCH:06}.tif", image)
    mask = np.random.RandomState(2).randint(1, 14, (1, side_px, side_px)).astype(np.uint8)
    _write_raster(folder / "flair_labels_train" / zone / "msk" / f"MSK_{PATCH:06}.tif", mask)
    images, covers = cases.series_of_a_zone()
    stem = folder / "flair_sen_train" / zone / "sen" / "SEN2_sp_D004_2021-Z10_AU_"
    stem.parent.mkdir(parents=True)
    np.save(f"{stem}data.npy", images)
    np.save(f"{stem}masks.npy", covers)
    Path(f"{stem}products.txt").write_text("\n".join(cases.PRODUCTS) + "\n")
    centres = {f"IMG_{PATCH:06}.tif": list(cases.SERIES_CENTRE)}
    (folder / "flair-2_centroids_sp_to_patch.json").write_text(json.dumps(centres))
    (folder / "flair_aerial_metadata.json").write_text(json.dumps(METADATA))


def _write_raster(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True)
    bands, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=bands, dtype="uint8",
        crs="EPSG:2154", transform=from_origin(489_302, 6_587_603, 0.2, 0.2),
    ) as raster:  # fmt: skip
        raster.write(pixels)
