"""Our PNGs, read by an independent decoder."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from app.definitions import nomenclature
from app.tiling import png
from tests.tiling.blobs import blobs


def _decoded(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def test_values_and_colours_survive() -> None:
    values = blobs(256, 256)
    values[:20] = 0
    palette = nomenclature().palette

    picture = _decoded(png.assemble(png.header(palette, 256), png.encode(values)))

    assert np.array_equal(np.asarray(picture), values)
    assert np.array_equal(np.asarray(picture.convert("RGBA")), palette[values])


def test_a_palette_of_256_colours_survives() -> None:
    values = np.arange(65536, dtype=np.uint16).astype(np.uint8).reshape(256, 256)
    palette = np.random.default_rng(0).integers(0, 256, (256, 4), np.uint8)

    picture = _decoded(png.assemble(png.header(palette, 256), png.encode(values)))

    assert np.array_equal(np.asarray(picture.convert("RGBA")), palette[values])


def test_a_constant_picture_is_small() -> None:
    data = png.assemble(png.header(nomenclature().palette, 256), png.encode_constant(9, 256))

    assert np.asarray(_decoded(data)).min() == np.asarray(_decoded(data)).max() == 9
    assert len(data) < 500
