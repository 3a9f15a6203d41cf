"""Small FLAIR#2 folders with all that its networks need beside imagery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from tests.worker.parity import ign_cases as cases

FIRST = 826
RECORD = {
    "patch_centroid_x": 489353.5, "patch_centroid_y": 6587552.25, "patch_centroid_z": 50.1,
    "domain": "D004_2021", "zone": "Z10_AU", "date": "2020-07-22", "time": "11h42", "camera": "UCE-M3-f120-s06",
}  # fmt: skip
METADATA = {"IMG_000826": RECORD}


def write_flair_2_folder(folder: Path, side_px: int = 64, domains: Sequence[str] = ("D004_2021",)) -> None:
    """A patch per domain with its mask, its series and the facts of its photograph, laid out as IGN publishes them."""
    names = [f"{number:06}" for number in range(FIRST, FIRST + len(domains))]
    for number, (name, domain) in enumerate(zip(names, domains, strict=True)):
        zone = Path(domain) / "Z10_AU"
        image = np.random.RandomState(1 + number).randint(0, 256, (5, side_px, side_px)).astype(np.uint8)
        _write_raster(folder / "flair_aerial_train" / zone / "img" / f"IMG_{name}.tif", image)
        mask = np.random.RandomState(50 + number).randint(1, 14, (1, side_px, side_px)).astype(np.uint8)
        _write_raster(folder / "flair_labels_train" / zone / "msk" / f"MSK_{name}.tif", mask)
        images, covers = cases.series_of_a_zone()
        stem = folder / "flair_sen_train" / zone / "sen" / f"SEN2_sp_{domain}-Z10_AU_"
        stem.parent.mkdir(parents=True)
        kept = len(cases.PRODUCTS) - number  # series of different lengths
        np.save(f"{stem}data.npy", images[:kept])
        np.save(f"{stem}masks.npy", covers[:kept])
        Path(f"{stem}products.txt").write_text("\n".join(cases.PRODUCTS[:kept]) + "\n")
    centres = {f"IMG_{name}.tif": list(cases.SERIES_CENTRE) for name in names}
    (folder / "flair-2_centroids_sp_to_patch.json").write_text(json.dumps(centres))
    (folder / "flair_aerial_metadata.json").write_text(json.dumps({f"IMG_{name}": RECORD for name in names}))


def _write_raster(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True)
    bands, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=bands, dtype="uint8",
        crs="EPSG:2154", transform=from_origin(489_302, 6_587_603, 0.2, 0.2),
    ) as raster:  # fmt: skip
        raster.write(pixels)
