from __future__ import annotations

import numpy as np

from worker.windows import Box, Patch, box_of, grown_to_whole_patches, padding_to, patches


def test_a_block_is_one_patch_read_with_its_margin() -> None:
    assert list(patches(Box(0, 0, 2048, 2048), margin_px=64, window_px=2048)) == [
        Patch(read=Box(0, 0, 2176, 2176), keep=Box(0, 0, 2048, 2048))
    ]


def test_patches_keep_every_pixel_once_and_stay_inside_the_raster() -> None:
    height, width, margin = 100, 70, 8
    kept = np.zeros((height, width), int)

    for patch in patches(Box(0, 0, height, width), margin, window_px=32):
        row, column, rows, columns = patch.keep
        kept[row : row + rows, column : column + columns] += 1
        assert patch.read[0] + patch.read[2] <= height + 2 * margin
        assert patch.read[1] + patch.read[3] <= width + 2 * margin

    assert (kept == 1).all()


def test_padding_reaches_the_next_multiple_of_the_stride() -> None:
    assert padding_to(32, 250, 256) == (6, 0)


def test_box_holds_all_imagery_and_begins_on_the_stride() -> None:
    valid = np.zeros((200, 300), bool)
    valid[70, 40] = valid[99, 250] = True

    assert box_of(valid, stride_px=32) == Box(row=64, column=32, height=36, width=219)


def test_box_grows_to_whole_patches_within_its_raster() -> None:
    box = Box(row=64, column=36, height=36, width=200)

    assert grown_to_whole_patches(box, 32, height=300, width=230) == Box(row=64, column=32, height=64, width=198)
    assert grown_to_whole_patches(Box(0, 0, 0, 0), 32, height=300, width=230) == Box(0, 0, 0, 0)


def test_box_without_imagery_has_no_patches() -> None:
    box = box_of(np.zeros((64, 64), bool), stride_px=32)

    assert list(patches(box, margin_px=8, window_px=64)) == []
