"""`cosia publish` and `cosia unpublish`: what an operator types, sees and gets back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner, Result
from sqlalchemy import select

from app.cli import main
from app.database import LayerRow, RasterRow, sessions
from app.storage import storage
from tests.geopackage_files import Labelled, write_geopackage
from tests.published import GRID, write_classes


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.content._GRACE_S", 0.0)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def _layer(layer_id: str) -> LayerRow:
    with sessions().read() as session:
        return session.get_one(LayerRow, layer_id)


def _rasters() -> dict[str, np.ndarray]:
    """Name of each raster -> its classes."""
    with sessions().read() as session:
        rows = session.scalars(select(RasterRow)).all()
    found = {}
    for row in rows:
        with storage().reading(row.href) as path, rasterio.open(path) as dataset:
            found[row.name] = dataset.read(1)
    return found


def _square(folder: Path, name: str, value: int, *, right_by_m: float = 0.0) -> Path:
    box = shapely.box(GRID.left + right_by_m, GRID.top - 10, GRID.left + right_by_m + 20, GRID.top)
    return write_geopackage(folder / name, [Labelled(box, value)])


def test_a_folder_of_geotiffs_and_geopackages_is_one_layer(tmp_path: Path) -> None:
    (tmp_path / "given" / "deeper").mkdir(parents=True)
    write_classes(tmp_path / "given" / "b.TIF", np.full((40, 30), 1, np.uint8))
    _square(tmp_path / "given" / "deeper", "c.gpkg", 9, right_by_m=10_000)
    (tmp_path / "given" / "LISEZMOI.txt").write_text("Licence Ouverte")

    published = run("publish", "town", tmp_path / "given", "--vintage", "2022")

    assert published.exit_code == 0, published.output
    assert "layer town is published, version " in published.output
    assert {name: np.unique(values).tolist() for name, values in _rasters().items()} == {"b": [1], "c": [9]}


def test_the_bar_goes_through_the_whole_publication(tmp_path: Path) -> None:
    published = run("publish", "town", _square(tmp_path, "a.gpkg", 9))

    assert "publishing" in published.stderr
    assert "100 %" in published.stderr


def test_a_coding_is_applied_and_losses_are_told(tmp_path: Path) -> None:
    values = np.array([[0, 11, 12, 12]], np.uint8)

    published = run("publish", "town", write_classes(tmp_path / "a.tif", values), "--coding", "flair1-index")

    assert published.exit_code == 0, published.output
    assert "a.tif: 2 pixels of value 12 stand for no class and became nodata" in published.output
    assert _rasters()["a"].tolist() == [[1, 14, 0, 0]]


def test_an_unknown_coding_is_refused_with_those_there_are(tmp_path: Path) -> None:
    refused = run("publish", "town", _square(tmp_path, "a.gpkg", 9), "--coding", "flair3")

    assert refused.exit_code == 2
    assert all(coding in refused.output for coding in ("values", "flair", "flair-index", "flair1-index", "flair-hub"))


def test_adding_keeps_rasters_and_words(tmp_path: Path) -> None:
    run("publish", "town", _square(tmp_path, "a.gpkg", 9), "--title", "Town", "--vintage", "2022", "--description", "x")

    added = run("publish", "town", _square(tmp_path, "b.gpkg", 1, right_by_m=10_000), "--add", "--attribution", "Me")

    layer = _layer("town")
    assert added.exit_code == 0, added.output
    assert sorted(_rasters()) == ["a", "b"]
    assert (layer.title, layer.vintage, layer.description, layer.attribution) == ("Town", 2022, "x", "Me")


def test_without_add_rasters_and_words_are_replaced(tmp_path: Path) -> None:
    run("publish", "town", _square(tmp_path, "a.gpkg", 9), "--title", "Town")

    run("publish", "town", _square(tmp_path, "b.gpkg", 1))

    assert sorted(_rasters()) == ["b"]
    assert _layer("town").title == "town"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.tif", b"no raster", "a.tif cannot be read as a GeoTIFF"),
        ("a.gpkg", b"no database", "a.gpkg cannot be read as a GeoPackage"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a.7z: .tif, .tiff and .gpkg can be published, and folders of them"),
    ],
)
def test_a_file_of_no_use_is_refused_by_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)

    refused = run("publish", "town", tmp_path / name)

    assert refused.exit_code == 1
    assert words in refused.output
    assert str(tmp_path) not in refused.output
    assert "Traceback" not in refused.output


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    refused = run("publish", "town", tmp_path / "empty")

    assert refused.exit_code == 1
    assert "the folder empty holds no class file" in refused.output


def test_an_unknown_nomenclature_is_refused_with_those_there_are(tmp_path: Path) -> None:
    refused = run("publish", "town", _square(tmp_path, "a.gpkg", 9), "--nomenclature", "corine")

    assert refused.exit_code == 1
    assert "there is no nomenclature 'corine'; known: cosia" in refused.output


def test_withdrawing_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    empty = run("unpublish", "town")
    run("publish", "city", _square(tmp_path, "a.gpkg", 9))
    other = run("unpublish", "town")

    assert (empty.exit_code, other.exit_code) == (1, 1)
    assert "there is no layer 'town'; published: none" in empty.output
    assert "there is no layer 'town'; published: city" in other.output
    assert sorted(_rasters()) == ["a"]
