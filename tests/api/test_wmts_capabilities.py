"""The capabilities are rendered once for each state of what they tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.api.wmts_capabilities import capabilities, themes
from app.catalogue import Layer
from app.definitions import nomenclature
from app.tiling import RasterRef
from tests.conftest import forget_settings


def make_layer(number: int, **changes: object) -> Layer:
    raster = RasterRef(f"{number}.tif", 2154, 700000.0 + 1000 * number, 6600000.0, 0.2, 5000, 5000, 1, f"sha{number}")
    layer = Layer(
        id=f"layer-{number:03d}",
        title=f"Layer {number}",
        description="",
        nomenclature=nomenclature(),
        vintage=2021,
        imagery_source=None,
        model=None,
        attribution="IGN",
        demonstration=False,
        version=f"v{number}",
        published_at=1000.0 + number,
        rasters=(raster,),
    )
    return replace(layer, **changes)  # type: ignore[arg-type]  # forwarded


def test_the_document_is_kept_while_nothing_changes() -> None:
    layers = [make_layer(number) for number in range(3)]

    first = capabilities(layers)
    assert capabilities([make_layer(number) for number in range(3)]) is first
    assert capabilities(layers, ("Themes",)) is not first
    assert capabilities(layers) is first


def test_another_publication_gives_another_document() -> None:
    before = capabilities([make_layer(0), make_layer(1)])
    renamed = capabilities([make_layer(0), make_layer(1, title="Another <title>", published_at=2000.0)])
    withdrawn = capabilities([make_layer(0)])

    assert b"Another &lt;title&gt;" in renamed
    assert b"Another" not in before
    assert b"layer-001" not in withdrawn
    assert capabilities([make_layer(0), make_layer(1)]) == before


def test_another_setting_gives_another_document(monkeypatch: pytest.MonkeyPatch) -> None:
    assert b"https://maps.example.org/wmts?" not in capabilities([make_layer(0)])
    monkeypatch.setenv("COSIA_PUBLIC_URL", "https://maps.example.org")
    monkeypatch.setenv("COSIA_CONTACT_NAME", "A & B")
    forget_settings()

    document = capabilities([make_layer(0)])
    assert b"https://maps.example.org/wmts?" in document
    assert b"<ows:IndividualName>A &amp; B</ows:IndividualName>" in document
    assert b"127.0.0.1" not in document


def test_themes_put_the_newest_vintage_first_and_what_is_not_official_last() -> None:
    layers = [
        make_layer(0, vintage=2018),
        make_layer(1, id="job-abc", vintage=2024),
        make_layer(2, demonstration=True),
        make_layer(3, vintage=None),
        make_layer(4, vintage=2021),
        make_layer(5, vintage=2021),
    ]

    assert [(theme.id, theme.layers) for theme in themes(layers)] == [
        ("vintage-2021", ["layer-004", "layer-005"]),
        ("vintage-2018", ["layer-000"]),
        ("undated", ["layer-003"]),
        ("demonstration", ["layer-002"]),
        ("jobs", ["job-abc"]),
    ]
