"""Zones from files and text in a browser: chosen, dropped, pasted; predicted or refused."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from playwright.sync_api import expect
from pyproj import Transformer
from shapely.geometry import mapping, shape

from tests.page.visit import Visit

JOB_MS = 120_000


def middle(visit: Visit) -> tuple[float, float]:
    """Of the layer on the map, in Lambert-93."""
    collections = visit.page.request.get(f"{visit.server}/api/collections").json()["collections"]
    west, south, east, north = collections[0]["extent"]["spatial"]["bbox"][0]
    x, y = Transformer.from_crs(4326, 2154, always_xy=True).transform((west + east) / 2, (south + north) / 2)
    return round(x), round(y)


def zipped_shapefile(folder: Path, polygons: list[shapely.Polygon]) -> Path:
    """In Lambert-93, as GDAL writes it, with names."""
    pyogrio.raw.write(
        str(folder / "zones.shp"),
        shapely.to_wkb(np.array(polygons, object)),
        [np.array([f"Parcelle {i}" for i in range(1, len(polygons) + 1)], object)],
        fields=["nom"],
        geometry_type="Polygon",
        crs="EPSG:2154",
        driver="ESRI Shapefile",
    )
    path = folder / "zones.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in folder.glob("zones.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    return path


def choose(visit: Visit, file: Path) -> None:
    visit.page.get_by_role("tab", name="Predict").click()
    with visit.page.expect_file_chooser() as chooser:
        visit.page.get_by_role("button", name="Import a file").press("Enter")
    chooser.value.set_files(file)


def paste(visit: Visit, text: str) -> None:
    """By Ctrl + V on the map."""
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    visit.page.locator("#map").focus()
    visit.page.keyboard.press("Control+V")


def asked_aoi(post_data: str | None) -> Any:
    return shape(json.loads(post_data or "")["inputs"]["aoi"])


def test_a_shapefile_is_read_in_the_browser_and_predicted(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    x, y = middle(visit)
    field = shapely.box(x, y, x + 60, y + 40).difference(shapely.box(x + 20, y + 10, x + 40, y + 30))
    with visit.page.expect_request("**/estimate") as asked:
        choose(visit, zipped_shapefile(tmp_path, [field, shapely.box(x + 60, y, x + 90, y + 40)]))

    # Neighbours become one; the hole stays.
    aoi = asked_aoi(asked.value.post_data)
    assert aoi.geom_type == "Polygon"
    assert len(aoi.interiors) == 1
    expect(visit.page.locator("#zone-note")).to_have_text("zones.zip · polygons: 2 · RGF_1993_Lambert_93")
    expect(visit.page.locator("#zone-gauge")).to_contain_text("3,200 m²")
    expect(visit.page.locator("#estimate")).to_contain_text(re.compile("block|computed"))
    with visit.page.expect_request("**/estimate") as asked:
        visit.page.get_by_label("Polygons of the file").select_option("Parcelle 2")
    assert list(asked_aoi(asked.value.post_data).interiors) == []
    expect(visit.page.locator("#zone-gauge")).to_contain_text("1,200 m²")
    expect(visit.page.locator("#estimate")).to_contain_text(re.compile("block|computed"))

    visit.page.get_by_role("button", name="Launch").click()

    expect(visit.page.locator("#job-status")).to_have_text("Finished", timeout=JOB_MS)
    expect(visit.page.locator("#areas-body tr").first).to_be_visible()
    assert visit.errors == []


def test_pasted_text_becomes_a_zone_of_several_parts_kept_over_a_reload(visit: Visit) -> None:
    visit.open()
    x, y = middle(visit)
    parts = shapely.MultiPolygon([shapely.box(x, y, x + 50, y + 50), shapely.box(x + 100, y, x + 150, y + 50)])
    with visit.page.expect_request("**/estimate") as asked:
        paste(visit, f"SRID=2154;{parts.wkt}")

    assert asked_aoi(asked.value.post_data).geom_type == "MultiPolygon"
    expect(visit.page.get_by_role("tab", name="Area")).to_have_attribute("aria-selected", "true")
    expect(visit.page.locator("#zone-gauge")).to_contain_text("5,000 m²")
    with visit.page.expect_request("**/estimate") as again:
        visit.page.reload()
    assert asked_aoi(again.value.post_data).equals(asked_aoi(asked.value.post_data))
    expect(visit.page.locator("#zone-gauge")).to_contain_text("5,000 m²")
    assert visit.errors == []


def test_a_file_dropped_on_the_map_is_taken_to_the_view(visit: Visit) -> None:
    visit.open("tab=map")
    place = shapely.box(2.35, 48.85, 2.36, 48.86)
    transfer = visit.page.evaluate_handle(
        """text => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], 'paris.geojson'));
            return transfer;
        }""",
        json.dumps(mapping(place)),
    )
    visit.page.dispatch_event("#map", "drop", {"dataTransfer": transfer})

    expect(visit.page.locator("#zone-note")).to_contain_text("paris.geojson")
    expect(visit.page).to_have_url(re.compile(r"view=[\d.]+/48\.85\d+/2\.35\d+"))


def test_text_can_be_given_by_keyboard_alone(visit: Visit) -> None:
    visit.open("tab=predict")
    visit.page.get_by_text("Paste a geometry").press("Enter")
    visit.page.get_by_label("GeoJSON, WKT or KML").fill("POLYGON ((3 44, 3.001 44, 3.001 44.001, 3 44))")
    with visit.page.expect_request("**/estimate"):
        visit.page.get_by_role("button", name="Make it the area").press("Enter")

    expect(visit.page.locator("#zone-note")).to_contain_text("Pasted text · polygons: 1 · WGS 84")


def many_vertices() -> str:
    angles = np.linspace(0, 2 * np.pi, 100_001)
    ring = np.column_stack([3.2 + 0.01 * np.cos(angles), 43.5 + 0.01 * np.sin(angles)]).round(9)
    ring[-1] = ring[0]
    return json.dumps({"type": "Polygon", "coordinates": [ring.tolist()]})


REFUSED = {
    "": "There is nothing to read",
    '{"type":"Polygon","coordinates":[[[NaN,43],[4,43],[4,44],[NaN,43]]]}': "not a finite number: NaN",
    "POLYGON((179 -17, -179 -17, -179 -16, 179 -17))": "cut it at the antimeridian",
    "SRID=27572;POLYGON((1 1, 2 1, 2 2, 1 1))": "Unknown coordinate system: EPSG:27572",
    "POLYGON((700000 6600000, 1 1, 2 2, 700000 6600000))": "looks like metres",
    "[" * 1_000_000: "GeoJSON damaged or incomplete",
}


def test_what_gives_no_zone_is_refused_beside_its_control(visit: Visit, tmp_path: Path) -> None:
    visit.open()
    message = visit.page.locator("#zone-field #zone-error")
    file = tmp_path / "zone.txt"
    for text, said in {**REFUSED, many_vertices(): "The area has 100,001 vertices, the limit is 10,000"}.items():
        file.write_text(text)
        choose(visit, file)
        expect(message).to_contain_text(said)
    with file.open("wb") as sparse:
        sparse.truncate(200_000_000)
    choose(visit, file)
    expect(message).to_contain_text("200 MB: the limit is 10 MB")
    expect(visit.page.locator("#clear-zone")).to_be_hidden()

    with visit.page.expect_response("**/estimate") as answer:
        paste(visit, "POLYGON ((3.2 43.5, 3.21 43.51, 3.21 43.5, 3.2 43.51, 3.2 43.5))")
    expect(message).to_have_text(answer.value.json()["detail"])  # crossing itself: in the words of the service
    expect(visit.page.get_by_role("button", name="Launch")).to_have_attribute("aria-disabled", "true")


def test_nothing_that_a_kml_points_to_is_fetched(visit: Visit) -> None:
    visit.open()
    paste(visit, '<!DOCTYPE kml [<!ENTITY x SYSTEM "http://example.invalid/x">]><kml>&x;</kml>')
    expect(visit.page.locator("#zone-error")).to_contain_text("entities, which are not read")

    visit.page.get_by_role("button", name="Français").click()
    paste(visit, "<kml><NetworkLink><Link><href>http://example.invalid/a.kml</href></Link></NetworkLink></kml>")
    expect(visit.page.locator("#zone-error")).to_contain_text("renvoyer à d’autres par le réseau")
    assert not [url for url in visit.requests if "example.invalid" in url]
