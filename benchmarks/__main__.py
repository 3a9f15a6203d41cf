"""`make benchmark`: all measurements, one after another, on a machine that should otherwise be idle."""

from __future__ import annotations

import os
import platform

import torch

from benchmarks import inference, tiles


def main() -> None:
    os.environ["COSIA_TILE_CACHE_BYTES"] = "0"  # what a tile costs, not what a cache saves
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    inference.measure()
    tiles.measure()


if __name__ == "__main__":
    main()
