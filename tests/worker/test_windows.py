from __future__ import annotations

import numpy as np

from worker.windows import Patch, padding_to, patches


def test_a_block_is_one_patch_read_with_its_margin() -> None:
    assert list(patches(2048, 2048, margin_px=64, window_px=2048)) == [
        Patch(read=(0, 0, 2176, 2176), keep=(0, 0, 2048, 2048))
    ]


def test_patches_keep_every_pixel_once_and_stay_inside_the_raster() -> None:
    height, width, margin = 100, 70, 8
    kept = np.zeros((height, width), int)

    for patch in patches(height, width, margin, window_px=32):
        row, column, rows, columns = patch.keep
        kept[row : row + rows, column : column + columns] += 1
        assert patch.read[0] + patch.read[2] <= height + 2 * margin
        assert patch.read[1] + patch.read[3] <= width + 2 * margin

    assert (kept == 1).all()


def test_padding_reaches_the_next_multiple_of_the_stride() -> None:
    assert padding_to(32, 250, 256) == (6, 0)
