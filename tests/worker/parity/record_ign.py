"""Records what IGN's own code and U-TAE's authors' code give for the cases of `ign_cases`.

    git clone https://github.com/IGNF/FLAIR-1 && git -C FLAIR-1 checkout legacy-torch   (f03d2c6 was recorded)
    git clone https://github.com/IGNF/FLAIR-2                                           (b9b4892)
    git clone https://github.com/VSainteuf/utae-paps                                    (987874e)
    pip install segmentation-models-pytorch==0.3.3 torchvision pandas scikit-image     (with the torch of this program)
    python -m tests.worker.parity.record_ign FLAIR-1 FLAIR-2 utae-paps

in an environment of their own and from the root of this repository. Only outputs are stored, in `fixtures`; weights and
inputs are made from seeds on both sides. All references run one item at a time: with more they mix them.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import rasterio
import torch
from torch import Tensor, nn

from tests.worker.parity import ign_cases as cases
from tests.worker.parity.seeding import seeded_state

_FIXTURES = Path(__file__).parent / "fixtures"


def record(flair_1: Path, flair_2: Path, utae_paps: Path) -> None:
    """Writes one .npy file per case. The arguments are checkouts of the three repositories."""
    _without_downloads()
    _write("ign_metadata_unet", _metadata_unet(_module(flair_1, "py_module.model")))
    fused = _module(flair_2, "src.backbones.txt_model")
    _write("ign_ut_t", _ut_t(fused, aerial_metadata=False))
    _write("ign_ut_t_metadata", _ut_t(fused, aerial_metadata=True))
    _write("ign_metadata", _metadata(_module(flair_2, "src.load_data")))
    months, positions = _series(_module(flair_2, "src.dataset"))
    _write("ign_series", months)
    _write("ign_series_positions", positions.numpy())
    _write("utae", _utae(_module(utae_paps, "src.backbones.utae")))


def _module(checkout: Path, name: str) -> ModuleType:
    """A module of a checkout. FLAIR-2 and utae-paps both call their package `src`."""
    for loaded in [each for each in sys.modules if each.split(".")[0] == "src"]:
        del sys.modules[loaded]
    sys.path.insert(0, str(checkout))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def _without_downloads() -> None:
    """The references start from ImageNet's weights, all of which are replaced here."""
    import segmentation_models_pytorch as smp

    create = smp.create_model
    smp.create_model = lambda **arguments: create(**arguments, encoder_weights=None)


def _metadata_unet(reference: ModuleType) -> Tensor:
    network = reference.SMP_Unet_meta(n_channels=5, n_classes=13)
    # Seeded under the names that the weights have here: the prefix of the U-Net is dropped when they are read.
    names = {name: name.removeprefix("seg_model.") for name in network.state_dict()}
    seeded = seeded_state({names[name]: tensor for name, tensor in network.state_dict().items()}, cases.SEED)
    network.load_state_dict({name: seeded[names[name]] for name in names})
    return network.eval()(cases.aerial(cases.METADATA_SIDE_PX), cases.metadata())


def _ut_t(reference: ModuleType, aerial_metadata: bool) -> Tensor:
    """The configuration of FLAIR#2's baseline (flair-2-config.yml)."""
    config: dict[str, Any] = {
        "num_classes": 13, "num_channels_aerial": 5, "num_channels_sat": 10, "encoder_widths": [64, 64, 128, 128],
        "decoder_widths": [64, 64, 128, 128], "out_conv": [32, 13], "str_conv_k": 4, "str_conv_s": 2, "str_conv_p": 1,
        "agg_mode": "att_group", "encoder_norm": "group", "n_head": 16, "d_model": 256, "d_k": 4, "pad_value": 0,
        "padding_mode": "reflect", "geo_enc_size": 32, "drop_utae_modality": 0.0, "aerial_metadata": aerial_metadata,
    }  # fmt: skip
    network = _seeded(reference.TimeTexture_flair(config))
    aerial = cases.aerial(cases.METADATA_SIDE_PX if aerial_metadata else cases.SIDE_PX)
    _, logits = network(config, aerial, cases.satellite(10), cases.POSITIONS, cases.metadata())
    return logits


def _utae(reference: ModuleType) -> Tensor:
    widths = cases.SMALL_UTAE
    network = reference.UTAE(
        input_dim=widths["bands"],
        encoder_widths=list(widths["encoder"]),
        decoder_widths=list(widths["decoder"]),
        out_conv=[widths["hidden"], 13],
        n_head=widths["heads"],
        d_model=widths["model"],
        d_k=widths["keys"],
        return_maps=True,
        pad_value=0,
    )
    _, maps = _seeded(network)(cases.satellite(widths["bands"]), batch_positions=cases.POSITIONS)
    return maps[-1]


def _metadata(reference: ModuleType) -> np.ndarray:
    records = {
        f"IMG_{number:06}": {
            "patch_centroid_x": x, "patch_centroid_y": y, "patch_centroid_z": z, "camera": camera,
            "date": f"{taken:%Y-%m-%d}", "time": f"{taken:%H}h{taken:%M}",
        }
        for number, (x, y, z, camera, taken) in enumerate(cases.ACQUISITIONS)
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(records, file)
        file.flush()
        paths = {"PATH_IMG": [f"img/{name}.tif" for name in records], "MTD_AERIAL": []}
        return np.asarray(reference.adding_encoded_metadata(file.name, paths)["MTD_AERIAL"])


def _series(reference: ModuleType) -> tuple[Tensor, Tensor]:
    """What the published data set class makes of a series: its months and their positions."""
    images, covers = cases.series_of_a_zone()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "data.npy", images)
        np.save(folder / "masks.npy", covers)
        (folder / "products.txt").write_text("\n".join(cases.PRODUCTS).replace("20200229", "20200228"))
        for raster in ("IMG.tif", "MSK.tif"):
            with rasterio.open(folder / raster, "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8") as new:
                new.write(np.ones((1, 8, 8), np.uint8))
        files = {
            "PATH_IMG": [folder / "IMG.tif"], "PATH_LABELS": [folder / "MSK.tif"],
            "PATH_SP_DATA": [folder / "data.npy"], "PATH_SP_MASKS": [folder / "masks.npy"],
            "PATH_SP_DATES": [folder / "products.txt"], "SP_COORDS": [cases.SERIES_CENTRE],
        }  # fmt: skip
        config = {
            "aerial_metadata": False, "ref_year": 2021, "ref_date": "05-15", "sat_patch_size": 40, "num_classes": 13,
            "filter_clouds": True, "average_month": True,
        }  # fmt: skip
        item = reference.Fit_Dataset(files, config)[0]
    return item["spatch"], item["dates"]


def _seeded(network: nn.Module) -> nn.Module:
    network.load_state_dict(seeded_state(network.state_dict(), cases.SEED))
    return network.eval()


def _write(name: str, output: Tensor | np.ndarray) -> None:
    stored = cases.kept(output).numpy() if isinstance(output, Tensor) else output
    np.save(_FIXTURES / f"{name}.npy", stored.astype(np.float32))


if __name__ == "__main__":
    with torch.inference_mode():
        record(*(Path(argument).resolve() for argument in sys.argv[1:4]))
