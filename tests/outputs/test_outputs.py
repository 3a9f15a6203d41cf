"""Every output as other programs read it, of predictions whose figures can be worked out by hand."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pypdf
import pystac
import pytest
import rasterio
from PIL import Image
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from shapely.geometry.base import BaseGeometry

from app.definitions import Augmentation, BlockCell, Language, shipped_model_cards
from app.outputs import OUTPUTS, Prediction, default_outputs, write_outputs
from tests import samples
from tests.outputs.predictions import FORESTS, prediction

BLOCK = samples.lonlat_box(samples.CELL, samples.CELL)  # a metre inside: 2038 × 2038 pixels
SECOND = BlockCell(samples.CELL.column + 1, samples.CELL.row)
TWO_BLOCKS = samples.lonlat_box(samples.CELL, SECOND)
REASON = "imagery file <west> & more cannot be read"
WOODS_M2, CONIFERS_M2 = 507 * 2038 * 0.04, 1531 * 2038 * 0.04
DECIDUOUS, CONIFEROUS = (76, 145, 41), (18, 100, 33)  # colours of the public legend
CHANGES: dict[str, Any] = {
    "from": {"title": "Ortho 2018", "vintage": 2018, "model": "tiny"},
    "to": {"title": "Ortho 2021", "vintage": 2021, "model": "tiny"},
    "compared_m2": 1000.0,
    "changed_m2": 250.0,
    "changed_on_borders_share": 0.4,
    "classes": [
        {"value": 8, "title_fr": "Conifère", "title_en": "coniferous"},
        {"value": 9, "title_fr": "Feuillu", "title_en": "deciduous"},
    ],
    "transitions": [
        {"from": 8, "from_code": "conifere", "to": 8, "to_code": "conifere", "area_m2": 750.0, "on_borders_m2": 0.0},
        {"from": 8, "from_code": "conifere", "to": 9, "to_code": "feuillu", "area_m2": 250.0, "on_borders_m2": 100.0},
    ],
}


def written(prediction_: Prediction) -> dict[str, Path]:
    """Output name -> path of its file."""
    hrefs = {name: file.href for name, file in write_outputs(prediction_, "jobs/a").items()}
    return {name: Path(prediction_.storage.gdal_path(href)) for name, href in hrefs.items()}


def forests(folder: Path, *outputs: str, area: BaseGeometry = BLOCK, **changes: Any) -> dict[str, Path]:
    return written(prediction(folder, {samples.CELL: FORESTS}, area, outputs=outputs, **changes))


def with_a_gap(folder: Path, *outputs: str, **changes: Any) -> dict[str, Path]:
    """The western block was predicted, the eastern one was not."""
    return forests(folder, *outputs, area=TWO_BLOCKS, failed={SECOND: REASON}, **changes)


def pixels_by_colour(picture: Image.Image) -> dict[Any, int]:
    return {colour: pixels for pixels, colour in picture.getcolors(1 << 20) or []}


def text_of(report: Path) -> str:
    """What a reader finds on the only page."""
    (page,) = pypdf.PdfReader(report).pages
    return " ".join(page.extract_text().replace("\N{NO-BREAK SPACE}", " ").split())


def test_only_what_is_asked_for_is_written_and_what_it_needs(tmp_path: Path) -> None:
    assert sorted(forests(tmp_path, "areas_csv", "tiles")) == ["areas_csv"]
    assert sorted(forests(tmp_path, "report")) == ["classes", "report"]


def test_changes_are_written_by_default_only_where_something_is_compared() -> None:
    assert set(default_outputs(comparing=True)) - set(default_outputs(comparing=False)) == {"changes", "changes_csv"}


def test_the_names_of_files_are_unique() -> None:
    names = [output.file_name for output in OUTPUTS.values() if output.file_name is not None]
    assert len(names) == len(set(names))


def test_every_output_of_the_same_job_has_the_same_bytes(tmp_path: Path) -> None:
    digests = [
        {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
        for files in (with_a_gap(tmp_path / folder, *OUTPUTS, changes=CHANGES) for folder in "ab")
    ]

    assert digests[0].keys() == OUTPUTS.keys() - {"tiles"}
    assert digests[0] == digests[1]


def test_areas_are_the_pixels_whose_centres_lie_inside(tmp_path: Path) -> None:
    table = json.loads(forests(tmp_path, "areas")["areas"].read_text())

    assert {row["code"]: row["area_m2"] for row in table["classes"]} == pytest.approx(
        {"conifere": CONIFERS_M2, "feuillu": WOODS_M2}
    )
    assert (table["nodata_m2"], table["gaps"]) == (0, [])


def test_a_gap_is_nodata_with_its_place_and_reason(tmp_path: Path) -> None:
    table = json.loads(with_a_gap(tmp_path, "areas")["areas"].read_text())

    (gap,) = table["gaps"]
    # The eastern block without its metre at the edge; the western one reaches to the border of both.
    assert table["nodata_m2"] == table["gaps_m2"] == gap["area_m2"] == pytest.approx(2043 * 2038 * 0.04)
    assert table["area_m2"] == pytest.approx(2043 * 2038 * 0.04)
    assert gap["reason"] == REASON
    assert gap["bbox"] == pytest.approx(samples.lonlat_box(SECOND, SECOND, inset_m=0).bounds, abs=1e-5)


def test_csv_has_a_row_per_class_and_one_for_what_is_not_classified(tmp_path: Path) -> None:
    with with_a_gap(tmp_path, "areas_csv")["areas_csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["code"] for row in rows] == ["conifere", "feuillu", "nodata"]
    assert (rows[0]["value"], rows[0]["title_fr"], rows[0]["title_en"]) == ("8", "Conifère", "coniferous")
    assert float(rows[0]["area_m2"]) == pytest.approx(1531 * 2043 * 0.04)
    assert float(rows[0]["share"]) == pytest.approx(1531 / 2038)
    assert (float(rows[2]["area_m2"]), rows[2]["share"]) == (pytest.approx(2043 * 2038 * 0.04), "")


def test_changes_are_told_as_csv_too(tmp_path: Path) -> None:
    files = forests(tmp_path, "changes", "changes_csv", changes=CHANGES)

    assert json.loads(files["changes"].read_text())["changed_m2"] == 250.0
    assert files["changes_csv"].read_text().splitlines() == [
        "from,from_code,to,to_code,area_m2,on_borders_m2",
        "8,conifere,8,conifere,750.0,0.0",
        "8,conifere,9,feuillu,250.0,100.0",
    ]


def test_the_classes_are_a_cog_with_names_for_gdal(tmp_path: Path) -> None:
    files = forests(tmp_path, "classes", "categories")

    assert [files[name].name for name in ("classes", "categories")] == ["classes.tif", "classes.tif.aux.xml"]
    with rasterio.open(files["classes"]) as dataset:
        assert (dataset.crs.to_epsg(), dataset.res) == (2154, (0.2, 0.2))
        pixels = dict(zip(*np.unique(dataset.read(1), return_counts=True), strict=True))
        assert (pixels[8], pixels[9]) == (1531 * 2038, 507 * 2038)


def test_the_picture_shows_the_map_in_the_colours_of_the_legend(tmp_path: Path) -> None:
    picture = Image.open(forests(tmp_path, "picture")["picture"])

    colours = pixels_by_colour(picture)
    # 2038 pixels in their overview of half the size, and the swatches.
    assert colours[CONIFEROUS] == pytest.approx(1531 * 2038 / 4, rel=0.02)
    assert colours[DECIDUOUS] == pytest.approx(507 * 2038 / 4, rel=0.02)
    assert picture.format == "PNG"
    assert 1000 < max(picture.size) < 3000


def test_a_small_area_is_shown_large_with_its_pixels_as_they_are(tmp_path: Path) -> None:
    area = samples.lonlat_box(samples.CELL, samples.CELL, inset_m=180)  # 49.6 m: 248 pixels, eight times as large
    picture = Image.open(forests(tmp_path, "picture", area=area)["picture"])

    colours = pixels_by_colour(picture)
    assert max(picture.size) > 2000
    assert colours[CONIFEROUS] == pytest.approx((248 * 8) ** 2, rel=0.02)
    assert DECIDUOUS not in colours


@pytest.mark.parametrize("demonstration", [True, False])
def test_a_picture_of_made_up_imagery_says_so_in_red(tmp_path: Path, demonstration: bool) -> None:
    source = samples.source(demonstration=demonstration)
    picture = Image.open(forests(tmp_path, "picture", source=source)["picture"])

    assert ((176, 24, 24) in pixels_by_colour(picture)) == demonstration


def test_a_gap_is_hatched_in_the_picture(tmp_path: Path) -> None:
    whole = Image.open(forests(tmp_path / "whole", "picture")["picture"])
    gap = Image.open(with_a_gap(tmp_path / "gap", "picture")["picture"])

    hatching = [pixels_by_colour(picture).get((120, 120, 120), 0) for picture in (whole, gap)]
    # A fifth of 510 × 510 pixels: the map of two blocks is shown at a quarter of its size.
    assert hatching[0] < 100
    assert hatching[1] == pytest.approx(510 * 510 / 5, rel=0.05)


def test_the_report_is_one_page_with_all_that_one_has_to_know(tmp_path: Path) -> None:
    card = shipped_model_cards()["cosia-demo"]
    report = forests(tmp_path, "report", ensemble=samples.ensemble(card), area_m2=166_142.4, coverage=0.987)["report"]

    text = text_of(report)
    (score,) = card.scores
    accuracy, mean_iou = (
        f"{100 * (share or 0):.1f} %".replace(".", ",") for share in (score.overall_accuracy, score.mean_iou)
    )
    for told in (
        "Occupation du sol prédite",
        "Ortho 2021 (2021), © IGN",
        "Conifère 124 807 75,1 %",  # 1531 × 2038 pixels of 0.04 m²
        "Feuillu 41 331 24,9 %",
        "Zone demandée : 166 142 m² (16,61 ha).",
        "RGF93 v1 / Lambert-93 (EPSG:2154)",
        "Images présentes sur 98,7 % de la zone. Aucune lacune.",
        "Réseau de démonstration CoSIA (5 bandes, étroit)",
        f"Exactitude globale {accuracy}, IoU moyenne {mean_iou}",
        "Conifères confondus avec feuillus",
        "jamais sur des images réelles",
        "Licence Ouverte / Etalab 2.0, attribution IGN",
        "Tâche : 0123456789abcdef, demandée le 15/06/2025 à 15:06 UTC",
        "http://maps.example/api/jobs/0123456789abcdef/results",
    ):
        assert told in text
    assert "DÉMONSTRATION" not in text
    fonts = pypdf.PdfReader(report).pages[0]["/Resources"]["/Font"]  # type: ignore[index]  # dictionaries of the page
    assert all("/FontFile2" in font.get_object()["/FontDescriptor"] for font in fonts.values())


def test_the_report_in_english_names_gaps_and_their_reasons(tmp_path: Path) -> None:
    source = samples.source(demonstration=True, year=None)
    text = text_of(with_a_gap(tmp_path, "report", source=source, language=Language.ENGLISH)["report"])

    for told in (
        "Predicted land cover",
        "DEMONSTRATION: made-up place and imagery",
        "Ortho 2021 (unknown year)",
        "Not predicted 166,545",  # 2043 × 2038 pixels
        f"Blocks not predicted: 1 (166,545 m²); {REASON}.",
        "There is imagery on 100.0 % of the area.",
    ):
        assert told in text


def test_the_report_in_french_tells_the_reasons_of_gaps_in_french(tmp_path: Path) -> None:
    failed = {SECOND: "this block could not be predicted because of an internal error"}
    text = text_of(forests(tmp_path, "report", area=TWO_BLOCKS, failed=failed)["report"])

    assert "ce bloc n’a pas pu être prédit à cause d’une erreur interne." in text


def test_the_report_tells_the_largest_changes(tmp_path: Path) -> None:
    other_network = {**CHANGES, "from": {**CHANGES["from"], "model": "older"}}
    french = text_of(forests(tmp_path, "report", changes=CHANGES)["report"])
    english = text_of(forests(tmp_path, "report", changes=other_network, language=Language.ENGLISH)["report"])

    assert "De Ortho 2018 (2018) à Ortho 2021 (2021) : 250 m² ont changé, soit 25,0 %" in french
    assert "de Conifère à Feuillu, 250 m²" in french
    assert "40,0 % de ces changements" in french
    assert "même réseau" not in french
    assert "coniferous to deciduous, 250 m²" in english
    assert "not by one network" in english


def test_a_card_of_many_words_stays_on_one_page(tmp_path: Path) -> None:
    card = samples.card(
        training="Trained for long. " * 400, weaknesses=tuple(f"{n} weak " * 60 for n in range(40)), licence="L " * 900
    )
    reader = pypdf.PdfReader(with_a_gap(tmp_path, "report", ensemble=samples.ensemble(card), changes=CHANGES)["report"])

    assert len(reader.pages) == 1
    # What comes last is there, above the foot.
    assert "…" in reader.pages[0].extract_text()
    assert "Licences" in reader.pages[0].extract_text()


def test_the_report_of_an_ensemble_tells_of_each_network_and_whose_the_figures_are(tmp_path: Path) -> None:
    demo = shipped_model_cards()["cosia-demo"]
    other = samples.card(title="Second network", training="Trained elsewhere.", weaknesses=("Sees no snow",))
    ensemble = samples.ensemble(demo, other, augmentation=Augmentation.D4)
    text = text_of(forests(tmp_path, "report", ensemble=ensemble)["report"])

    assert demo.french is not None
    for told in (
        demo.french.title,
        "IoU moyenne",
        "Second network",
        "Moyenne des softmax de 2 réseaux.",
        "Chaque réseau voit l'image 8 fois, par quarts de tour et en miroir.",
        "Ces chiffres sont ceux de chaque réseau seul, qui voit l'image une fois.",
        "Second network : Trained elsewhere.",
        "Sees no snow",
        f"Modèle : {demo.licence}, MIT.",
    ):
        assert told in text


def test_the_stac_item_is_valid_and_names_all_files(tmp_path: Path) -> None:
    files = with_a_gap(tmp_path, "classes", "confidence", "areas", "picture", "stac", "tiles")

    document = json.loads(files["stac"].read_text())
    JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType.ITEM, document["stac_version"])
    item = pystac.Item.from_dict(document)
    assert item.id == "0123456789abcdef"
    assert set(item.assets) == {"classes", "confidence", "areas", "picture"}
    for name, asset in item.assets.items():
        assert asset.href == f"http://maps.example/api/jobs/0123456789abcdef/results/{files[name].name}"
        data = files[name].read_bytes()
        file = FileExtension.ext(asset)
        assert (file.checksum, file.size) == (f"1220{hashlib.sha256(data).hexdigest()}", len(data))
    grid = ProjectionExtension.ext(item)
    with rasterio.open(files["classes"]) as dataset:
        assert (grid.epsg, grid.shape) == (2154, [dataset.height, dataset.width])
        assert grid.transform == pytest.approx(list(dataset.transform)[:6])
    classes = ClassificationExtension.ext(item.assets["classes"]).classes
    assert classes is not None
    assert {c.value for c in classes} == set(range(17))
    assert (item.properties["start_datetime"], item.datetime) == ("2021-01-01T00:00:00Z", None)
    assert item.properties["cosia:gaps"][0]["reason"] == REASON


def test_a_stac_item_of_imagery_without_a_year_has_the_time_of_the_job(tmp_path: Path) -> None:
    document = json.loads(forests(tmp_path, "stac", source=samples.source(year=None))["stac"].read_text())

    assert document["properties"]["datetime"] == "2025-06-15T15:06:40Z"
    assert "start_datetime" not in document["properties"]
