"""Areas of interest as people get them wrong and attackers build them, posted to a running process (A01, A02, A03, A08,
A09, A10).

No territory of the product lies at the antimeridian or at a pole: of A08 every area is refused, none is cut or turned.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select

from app.database import BlockRow, JobBlockRow
from tests.faults.canary import canaries
from tests.faults.conftest import Settled, stack_on_sqlite
from tests.faults.observations import fingerprints, outbound_listener, require_logged, require_refusal
from tests.faults.server import Answer
from tests.faults.stack import EXECUTION, Stack
from tests.faults.territory import COLUMNS, Area
from tests.faults.uploads import uploads

BLOCK_M, TOP_M = 409.6, 12_000_000.0
LEFT, TOP = 720_896.0, 6_273_792.0
"""North-west corner of the territory, EPSG:2154. A block's imagery is 180.0 m to 199.2 m right of and below its own."""
MOST_KM2, MOST_VERTICES, MOST_BYTES = 25.0, 10_000, 2_000_000
"""COSIA_AOI_KM2, COSIA_AOI_VERTICES and COSIA_BODY_BYTES where nobody sets them."""

ELLIPSOID = pyproj.Geod(ellps="GRS80")
TO_METRES = pyproj.Transformer.from_crs(4326, 2154, always_xy=True)
TO_DEGREES = pyproj.Transformer.from_crs(2154, 4326, always_xy=True)

RFC_7946 = "RFC 7946"


def ground(left_m: float, top_m: float, width_m: float, height_m: float) -> shapely.Polygon:
    """A rectangle of Lambert-93 in lon/lat: its corner right of and below that of the territory, all in metres."""
    left, top = LEFT + left_m, TOP - top_m
    box = shapely.box(left, top - height_m, left + width_m, top).segmentize(50.0)
    return shapely.transform(box, lambda xy: np.column_stack(TO_DEGREES.transform(xy[:, 0], xy[:, 1])))


SQUARE = ground(100, 100, 200, 200)
RING: list[list[float]] = [list(position) for position in SQUARE.exterior.coords]
HOLE: list[list[float]] = [list(position) for position in ground(220, 220, 40, 40).exterior.coords]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object, **members: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry, **members}


def collection(*geometries: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [feature(each) for each in geometries]}


def geojson(shape: BaseGeometry) -> dict[str, Any]:
    mapped: dict[str, Any] = shapely.geometry.mapping(shape)
    return mapped


def ellipsoidal_m2(shape: BaseGeometry) -> float:
    return abs(float(ELLIPSOID.geometry_area_perimeter(shapely.orient_polygons(shape))[0]))


def blocks_under(shape: BaseGeometry) -> set[tuple[int, int]]:
    """(column, row) of the prediction grid's cells that share area with a shape: 409.6 m from (0, 12 000 000)."""
    metres = shapely.transform(
        shapely.segmentize(shape, 0.001), lambda xy: np.column_stack(TO_METRES.transform(xy[:, 0], xy[:, 1]))
    )
    left, bottom, right, top = metres.bounds
    columns = range(int(left // BLOCK_M), int(right // BLOCK_M) + 1)
    rows = range(int((TOP_M - top) // BLOCK_M), int((TOP_M - bottom) // BLOCK_M) + 1)
    return {
        (column, row)
        for column, row in itertools.product(columns, rows)
        if metres.intersection(
            shapely.box(column * BLOCK_M, TOP_M - (row + 1) * BLOCK_M, (column + 1) * BLOCK_M, TOP_M - row * BLOCK_M)
        ).area
        > 0.01
    }


@pytest.fixture(scope="module")
def service(settled_sqlite: Settled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A web process with limits of its own kind; nobody computes. Canaries sing all along."""
    folder = tmp_path_factory.mktemp("areas")
    (folder / "temporary").mkdir()
    with stack_on_sqlite(settled_sqlite, folder) as stack:
        stack.start_web(TMPDIR=str(folder / "temporary"), COSIA_KM2_PER_DAY="100000")
        with canaries(stack):
            yield stack


def post(service: Stack, body: bytes, media_type: str = "application/json") -> Answer:
    return service.web.ask(EXECUTION, "POST", body, Content_Type=media_type)


def ask(service: Stack, aoi: object) -> Answer:
    return post(service, json.dumps({"inputs": {"aoi": aoi, "source": "ortho", "model": "tiny"}}).encode())


def require_refused(service: Stack, answer: Answer, says: str = "") -> None:
    """400 with the rule in its detail. OGC API - Processes asks for 400 where others have 422."""
    require_refusal(answer, service.web, 400)
    assert says in answer.document["detail"], answer.document["detail"]


def require_accepted(service: Stack, answer: Answer, expected: BaseGeometry) -> None:
    """201 with the area of the expected shape, and a job of the blocks under it."""
    assert answer.status == 201, (answer.status, answer.body)
    document = answer.document
    assert document["area_m2"] == pytest.approx(ellipsoidal_m2(expected), rel=0.01)
    with service.sessions.read() as session:
        asked = select(BlockRow.grid_column, BlockRow.grid_row).join(JobBlockRow, JobBlockRow.block_key == BlockRow.key)
        blocks = [tuple(row) for row in session.execute(asked.where(JobBlockRow.job_id == document["jobID"]))]
    assert sorted(blocks) == sorted(blocks_under(expected))


# --- A01: numbers that are none, texts that are not JSON.


def with_number(text: str) -> dict[str, bytes]:
    """Bodies that have this text where a number stands: in the shell, in a hole, in a bbox, among properties."""
    aoi = feature(polygon(RING, HOLE), bbox=[1.5, 2, 3, 4], properties={"measure": 7.25})
    good = json.dumps({"inputs": {"aoi": aoi, "source": "ortho", "model": "tiny"}})
    numbers = {"shell": json.dumps(RING[1][0]), "hole": json.dumps(HOLE[1][1]), "bbox": "1.5", "properties": "7.25"}
    assert all(good.count(number) for number in numbers.values())
    return {place: good.replace(number, text, 1).encode() for place, number in numbers.items()}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, "01", "+1", "0x1", "1e"])
def test_a_number_that_json_has_not_is_refused_wherever_it_stands(service: Stack, number: str) -> None:
    """A01"""
    answers = [post(service, body) for body in with_number(number).values()]

    for answer in answers:
        require_refused(service, answer, "the body is not JSON")
    require_logged(service.web, answers)


@pytest.mark.parametrize("value", ["1e308", "-1e308", '"1"', "null", "true", "[1]", "{}"])
def test_a_value_that_is_no_coordinate_is_refused_with_its_place(service: Stack, value: str) -> None:
    """A01. Beside the geometry nothing is read: there the same values mean nothing."""
    bodies = with_number(value)

    require_refused(service, post(service, bodies["shell"]), "position 2 of ring 1 ")
    require_refused(service, post(service, bodies["hole"]), "position 2 of ring 2 ")
    for place in ("bbox", "properties"):
        require_accepted(service, post(service, bodies[place]), shapely.Polygon(RING, [HOLE]))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"\xef\xbb\xbf" + with_number("1.5")["bbox"], "byte order mark", id="byte order mark"),
        pytest.param(with_number("1.5")["bbox"].decode().encode("utf-16"), "not JSON", id="UTF-16"),
        pytest.param(with_number('"\N{LATIN SMALL LETTER E WITH ACUTE}"')["properties"].decode().encode("latin-1"),
                     "not JSON", id="not UTF-8"),
        pytest.param(b'{"inputs": {"aoi": "\\ud800"}}', "not JSON", id="half a surrogate pair"),
        pytest.param(b'{"inputs": {}, "inputs": {}}', "'inputs' twice", id="the same name twice"),
        pytest.param(b'{"inputs": {"aoi": {"type": "Polygon", "type": "Point"}}}', "'type' twice", id="twice inside"),
        pytest.param(b"[" * 200_000, "more than", id="200 000 brackets"),
        pytest.param(b"[" * 60_000, "", id="60 000 brackets"),
        pytest.param(b'{"a":' * 2000 + b"1" + b"}" * 2000, "", id="2000 objects deep"),
        pytest.param(b'{"inputs\\u0000": {}}', "NUL", id="a name with a NUL"),
        pytest.param(b'{"inputs": {}} {"inputs": {}}', "not JSON", id="two values"),
        pytest.param(b"{'inputs': {}}", "not JSON", id="single quotes"),
        pytest.param(b"null", "one JSON object", id="null"),
        pytest.param(b"3", "one JSON object", id="a number"),
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b"[]", "one JSON object", id="a list"),
        pytest.param(b"[[]]", "one JSON object", id="a list in a list"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_one_json_object_is_refused(service: Stack, body: bytes, says: str) -> None:
    """A01"""
    require_refused(service, post(service, body), says)


# --- A02: other places and units than those of GeoJSON.

SWAPPED = [[lat, lon] for lon, lat in RING]
METRES = [list(TO_METRES.transform(*position)) for position in RING]


@pytest.mark.parametrize(
    ("aoi", "says"),
    [
        (polygon([[3.26, 100.0], *RING[1:-1], [3.26, 100.0]]), "the order is [longitude, latitude]"),
        (polygon([[500.0, 43.5], *RING[1:-1], [500.0, 43.5]]), RFC_7946),
        (polygon([[700.0, 43.5], *RING[1:-1], [700.0, 43.5]]), "the order is [longitude, latitude]"),
        (polygon(SWAPPED), "the order is [longitude, latitude]"),
        (polygon(METRES), "metres: convert them"),
        ({**polygon(RING), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}}, RFC_7946),
        ({**collection(polygon(RING)), "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}, RFC_7946),
    ],
    ids=["latitude 100", "longitude 500", "longitude 700", "swapped", "metres", "crs", "crs of a collection"],
)  # fmt: skip
def test_other_coordinates_than_longitude_and_latitude_are_refused_with_a_hint(
    service: Stack, aoi: object, says: str
) -> None:
    """A02"""
    require_refused(service, ask(service, aoi), says)


@pytest.mark.parametrize("more", [[120.5], [120.5, 7.0]], ids=["Z", "Z and M"])
def test_heights_and_measures_are_dropped(service: Stack, more: list[float]) -> None:
    """A02, as RFC 7946, 3.1.1 lets a reader do."""
    answer = ask(service, polygon([[*position, *more] for position in RING]))

    require_accepted(service, answer, SQUARE)
    assert np.shape(answer.document["aoi"]["coordinates"][0][0]) == (2,)


# --- A03: what is no area.


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = polygon(RING)
    for _ in range(depth):
        found = {"type": "GeometryCollection", "geometries": [found]}
    return found


def squares(count: int) -> list[shapely.Polygon]:
    """Squares of 5 m that touch nowhere, row by row over 2 × 2 blocks and a little more; the first has imagery."""
    side = int(np.ceil(np.sqrt(count)))
    step_m = 2 * BLOCK_M / side
    return [ground(185 + step_m * (n % side), 185 + step_m * (n // side), 5, 5) for n in range(count)]


def many_parts(count: int) -> dict[str, Any]:
    """A MultiPolygon of triangles, in few bytes."""
    parts = [[[[x, 43.5], [x + 1e-4, 43.5], [x, 43.6], [x, 43.5]]] for x in np.round(np.arange(count) * 1e-4, 4)]
    return {"type": "MultiPolygon", "coordinates": parts}


@pytest.mark.parametrize(
    ("aoi", "says"),
    [
        pytest.param({"type": "Point", "coordinates": RING[0]}, '"Point"', id="Point"),
        pytest.param({"type": "LineString", "coordinates": RING}, '"LineString"', id="LineString"),
        pytest.param(nested(1), '"GeometryCollection"', id="GeometryCollection"),
        pytest.param(nested(20), '"GeometryCollection"', id="20 GeometryCollections in each other"),
        pytest.param(nested(200), "nested too deeply", id="200 GeometryCollections in each other"),
        pytest.param(feature(None), "the geometry is missing", id="Feature without geometry"),
        pytest.param(collection(), "no features", id="FeatureCollection of none"),
        pytest.param(collection(polygon(RING), None), "the geometry is missing", id="one Feature without geometry"),
        pytest.param(collection(polygon(RING), polygon(RING)), "not valid", id="the same Feature twice"),
        pytest.param([], "must be a GeoJSON", id="[]"),
        pytest.param([[]], "must be a GeoJSON", id="[[]]"),
        pytest.param(polygon(), "one ring at least", id="no ring"),
        pytest.param(polygon([]), "four positions", id="an empty ring"),
        pytest.param(polygon([[]] * 4), "position 1 of ring 1", id="empty positions"),
        pytest.param(polygon(RING[:-1]), "ring 1 is not closed", id="unclosed"),
        pytest.param(polygon([*RING[:2], RING[0]]), "four positions", id="3 positions"),
        pytest.param(polygon([RING[0]] * 4), "not valid", id="one point four times"),
        pytest.param(polygon([RING[0], RING[1], RING[2], RING[1], RING[0]]), "not valid", id="no width"),
        pytest.param(polygon([[3, 43], [3.1, 43.1], [3.2, 43], [3, 43.1], [3, 43]]), "self-intersection", id="bow-tie"),
        pytest.param(polygon(RING, [[x + 1, y] for x, y in HOLE]), "hole lies outside shell", id="hole outside"),
        pytest.param(polygon(HOLE, RING), "hole lies outside shell", id="hole larger than its shell"),
        pytest.param(
            {"type": "MultiPolygon", "coordinates": [[RING], [HOLE]]}, "nested shells", id="overlapping MultiPolygon"
        ),
        pytest.param({"type": "MultiPolygon", "coordinates": []}, "no polygons", id="MultiPolygon of none"),
        pytest.param(many_parts(4000), f"16000 vertices, the limit is {MOST_VERTICES}", id="4 000 parts"),
        pytest.param(many_parts(10_000), f"an area may have {MOST_VERTICES} vertices", id="10 000 parts"),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused_with_the_rule_it_breaks(service: Stack, aoi: object, says: str) -> None:
    """A03"""
    require_refused(service, ask(service, aoi), says)


@pytest.mark.parametrize("count", [1, 1000])
def test_features_that_are_apart_are_one_area(service: Stack, count: int) -> None:
    """A03"""
    parts = squares(count)

    require_accepted(service, ask(service, collection(*map(geojson, parts))), shapely.MultiPolygon(parts))


@pytest.mark.parametrize(
    "shape",
    [
        shapely.geometry.shape(Area(columns=3, rows=2, column=1).geometry()),
        shapely.transform(
            shapely.Polygon([(50, 50), (2400, 300), (900, 1500)]),
            lambda xy: np.column_stack(TO_DEGREES.transform(LEFT + xy[:, 0], TOP - xy[:, 1])),
        ),
        shapely.MultiPolygon([ground(100, 100, 200, 200), ground(1900, 1300, 300, 200)]),
        shapely.Polygon(ground(50, 50, 1500, 1500).exterior, [ground(420, 420, 395, 395).exterior]),
    ],
    ids=["rectangle", "triangle", "two far parts", "a hole of hardly a block"],
)
def test_an_area_is_measured_and_cut_into_its_blocks(service: Stack, shape: BaseGeometry) -> None:
    """A08, A09: what is accepted has its own area and no blocks but those under it."""
    require_accepted(service, ask(service, geojson(shape)), shape)


# --- A08: antimeridian, poles, the world.


def lonlat_box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    """Coordinates of a Polygon."""
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


FIJI = [lonlat_box(179.995, -17, 180, -16.995), lonlat_box(-180, -17, -179.995, -16.995)]
HALVES = [lonlat_box(-179.99, -89.99, -0.01, 89.99), lonlat_box(0.01, -89.99, 179.99, 89.99)]


ELSEWHERE = "lies outside imagery source"


@pytest.mark.parametrize(
    ("aoi", "says"),
    [
        pytest.param(polygon([[170, 0], [190, 0], [190, 5], [170, 0]]), RFC_7946, id="170 to 190"),
        pytest.param(polygon([[-170, 0], [-190, 0], [-190, 5], [-170, 0]]), RFC_7946, id="-170 to -190"),
        pytest.param(polygon([[170, 0], [-170, 0], [-170, 5], [170, 0]]), RFC_7946, id="170 to -170"),
        pytest.param(polygon([[179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0]]), RFC_7946, id="179.9 to -179.9"),
        pytest.param(polygon(*lonlat_box(-180, 80, 180, 90)), RFC_7946, id="a cap with edges"),
        pytest.param(polygon([[0, 85], [120, 85], [-120, 85], [0, 85]]), RFC_7946, id="a cap as a ring round the pole"),
        pytest.param(polygon(*lonlat_box(-180, -90, 180, 90)), RFC_7946, id="the world"),
        pytest.param({"bbox": [179, -17, -179, -16]}, RFC_7946, id="a bbox with west above east"),
        pytest.param({"type": "MultiPolygon", "coordinates": FIJI}, ELSEWHERE, id="Fiji, cut at the antimeridian"),
        pytest.param(collection(*(polygon(*each) for each in FIJI)), ELSEWHERE, id="Fiji, a Feature on each side"),
    ],
)
def test_an_area_is_never_led_the_long_way_round(service: Stack, aoi: object, says: str) -> None:
    """A08"""
    require_refused(service, ask(service, aoi), says)


# --- A09: too small, too large, elsewhere, half there.


def require_too_large(service: Stack, answer: Answer, km2: float) -> None:
    """The refusal names the limit and the area, within 1 % of what it is."""
    require_refused(service, answer, f"the limit is {MOST_KM2:g} km²")
    [measured] = re.findall(r"the area is ([\d.]+) km²", answer.document["detail"])
    assert float(measured) == pytest.approx(km2, rel=0.01)


def test_an_area_of_a_square_metre_is_an_area(service: Stack) -> None:
    """A09"""
    shape = ground(185, 185, 1, 1)

    require_accepted(service, ask(service, geojson(shape)), shape)


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_the_limit_is_that_of_the_area(service: Stack, share: float) -> None:
    """A09"""
    side_m = (share * MOST_KM2 * 1e6) ** 0.5
    shape = ground(-1000, -1000, side_m, side_m)

    answer = ask(service, geojson(shape))

    if share < 1:
        require_accepted(service, answer, shape)
    else:
        require_too_large(service, answer, share * MOST_KM2)


def test_the_world_in_two_halves_is_measured_and_refused(service: Stack) -> None:
    """A08, A09: 510 million km² on the ellipsoid of GRS80."""
    answer = ask(service, {"type": "MultiPolygon", "coordinates": HALVES})

    require_too_large(service, answer, 510_065_622)


@pytest.mark.parametrize(
    "shape",
    [
        ground(COLUMNS * BLOCK_M + 10, 100, 200, 200),
        ground(205, 205, 100, 100),
        shapely.box(-17.0, 14.0, -16.99, 14.01),
        shapely.box(2.0, 89.0, 2.01, 89.1),
        shapely.box(5.0, -60.0, 5.02, -59.99),
    ],
    ids=["beside the imagery", "in a gap of it", "Dakar", "beside the pole", "the southern sea"],
)
def test_an_area_without_imagery_is_refused_as_that(service: Stack, shape: BaseGeometry) -> None:
    """A09: far from its territory a grid measures nothing, and no measure of it is told."""
    require_refused(service, ask(service, geojson(shape)), "lies outside imagery source 'ortho', which covers")


def test_an_area_half_in_the_imagery_says_so_and_has_classes_in_that_half_alone(sqlite_stack: Stack) -> None:
    """A09: 20 m of which the western half is imagery. Partial coverage and a gap in the imagery are one case."""
    service = sqlite_stack
    service.start_web()
    job = service.ask(aoi=geojson(ground(189.2, 180, 20, 19.2)), outputs=["classes"])
    status = service.status(job)
    assert status["coverage"] == pytest.approx(0.5, abs=0.01)

    service.start_worker()
    assert service.wait(job) == ["successful"]

    assert service.status(job)["coverage"] == status["coverage"]
    file = service.web.ask(f"/api/jobs/{job}/results/classes.tif")
    with rasterio.open(io.BytesIO(file.body)) as raster:
        classes, transform = raster.read(1), raster.transform
    x = transform.c + transform.a * (np.arange(classes.shape[1]) + 0.5) - LEFT
    # A metre from the edges of the area and of the imagery, where a pixel is in or out by its middle.
    inside = classes[5:-5, (x > 190.2) & (x < 198.2)]
    outside = classes[:, x > 199.4]
    assert inside.size > 1000
    assert outside.size > 1000
    assert (inside > 0).all()
    assert (outside == 0).all()


# --- A10: files. Areas are GeoJSON, and nothing else is looked into.


def test_files_of_other_kinds_are_not_unpacked_parsed_or_followed(service: Stack, tmp_path: Path) -> None:
    """A10: each under its own media type, in a form, as if it were JSON, and wrapped in JSON."""
    temporary = service.folder / "temporary"
    assert list(temporary.iterdir()), "the process has another folder for temporary files"
    before = fingerprints(service.data, temporary, service.web.secret)
    answers: list[Answer] = []
    with outbound_listener() as listener:
        for name, upload in uploads(service.web.secret, listener.address, tmp_path).items():
            form = b'--x\r\nContent-Disposition: form-data; name="aoi"; filename="area"\r\n\r\n%b\r\n--x--\r\n'
            for body, media_type in (
                (upload.content, upload.media_type),
                (upload.content, "application/octet-stream"),
                (upload.content, "application/x-www-form-urlencoded"),
                (upload.content, "text/plain"),
                (form % upload.content, "multipart/form-data; boundary=x"),
            ):
                answers.append(post(service, body, media_type))
                assert len(body) < MOST_BYTES, name
                require_refusal(answers[-1], service.web, 415)
            answers.append(post(service, upload.content))
            require_refused(service, answers[-1], "the body is not JSON")
            coded = base64.b64encode(upload.content).decode()
            for wrapped, says in (
                ({"href": f"data:{upload.media_type};base64,{coded}"}, "a data: URL must be"),
                ({"href": f"data:application/geo+json;base64,{coded}"}, "its data: URL holds is not JSON"),
                ({"value": coded, "mediaType": upload.media_type, "encoding": "base64"}, "is JSON"),
                ({"value": coded, "mediaType": "application/geo+json"}, "must be a GeoJSON"),
            ):
                answers.append(ask(service, wrapped))
                require_refused(service, answers[-1], says)
        for address in (
            listener.address,
            f"{listener.address}/area.geojson",
            service.web.secret.as_uri(),
            "/etc/passwd",
        ):
            answers.append(ask(service, {"href": address, "type": "application/geo+json"}))
            require_refused(service, answers[-1], "this service fetches none")
    require_logged(service.web, answers)
    assert fingerprints(service.data, temporary, service.web.secret) == before
