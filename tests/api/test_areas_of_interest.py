"""Areas of interest as people and programs get them wrong: each is refused in words, none is repaired or guessed at."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app import jobs
from app.api.bodies import parse_json
from app.database import sessions
from app.errors import Invalid
from tests.api.test_processes import AREA, PROCESS, execute
from tests.conftest import forget_settings

EXECUTION = f"{PROCESS}/execution"
RING: list[list[float]] = shapely.geometry.mapping(shapely.geometry.shape(AREA))["coordinates"][0]
MIDDLE = np.mean(RING[:-1], 0)
HOLE: list[list[float]] = (MIDDLE + (np.array(RING) - MIDDLE) / 2).tolist()
"""A quarter of the area."""


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def feature(geometry: object, **members: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry, **members}


def nested_collections(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "GeometryCollection", "geometries": []}
    for _ in range(depth):
        found = {"type": "GeometryCollection", "geometries": [found]}
    return found


def post(client: TestClient, text: str | bytes, **headers: str) -> Any:
    return client.post(EXECUTION, content=text, headers={"Content-Type": "application/json", **headers})


def is_refused(answer: Any, *statuses: int) -> bool:
    """A problem document that says something, and nothing of our insides."""
    body = answer.json()
    return (
        answer.status_code in (statuses or (400,))
        and answer.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "detail", "request_id"} <= set(body)
        and len(answer.content) < 16_000
        and not any(word in answer.text for word in ("Traceback", "simdjson", "shapely", "/app/"))
    )


def with_vertex(text: str) -> list[str]:
    """Bodies that have this text for a number of the shell, of a hole, or of a bbox beside the geometry."""
    good = json.dumps({"inputs": {"aoi": feature(polygon(RING, HOLE), bbox=[1.5, 2, 3, 4]), "model": "tiny"}})
    shell, hole = json.dumps(RING[1][0]), json.dumps(HOLE[1][1])
    assert min(good.count(shell), good.count(hole), good.count("1.5")) >= 1
    return [good.replace(number, text) for number in (shell, hole, "1.5")]


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, "01", "+1", "0x1", "1e", "'1'"]
)
def test_a_number_that_json_has_not_is_refused_wherever_it_stands(service: TestClient, number: str) -> None:
    assert all(is_refused(post(service, text)) for text in with_vertex(number))


@pytest.mark.parametrize("value", ["1e308", "-1e308", '"1"', "null", "true", "[]", "{}", "[1]"])
def test_what_is_no_coordinate_is_refused_by_ring_and_position(service: TestClient, value: str) -> None:
    shell, hole, _bbox = (post(service, text) for text in with_vertex(value))

    assert is_refused(shell)
    assert is_refused(hole)
    assert "position 2 of ring 1 " in shell.json()["detail"]
    assert "position 2 of ring 2 " in hole.json()["detail"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xef\xbb\xbf" + json.dumps({"inputs": {"aoi": AREA}}).encode(),
        json.dumps({"inputs": {"aoi": AREA}}).encode("utf-16"),
        b'{"inputs": {"aoi": "\xff"}}',
        b'{"inputs": {"aoi": "\\ud800"}}',
        b'{"inputs": {}, "inputs": {}}',
        b'{"inputs": {"aoi": {"type": "Polygon", "type": "Point"}}}',
        b'{"inputs": {"aoi": {"type": "FeatureCollection", "features": [{"type": "Feature", "type": "Feature"}]}}}',
        b'{"inputs\\u0000": {}}',
        b"[" * 60_000,
        b"[" * 200_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b'{"inputs": {}} {"inputs": {}}',
        b"{'inputs': {}}",
        b"[]",
        b"[[]]",
        b"null",
        b"3",
    ],
)
def test_a_text_that_is_not_one_json_object_is_refused(service: TestClient, text: bytes) -> None:
    assert is_refused(post(service, text))


@pytest.mark.parametrize(
    ("geojson", "says"),
    [
        (polygon([[3.26, 100.0], [3.27, 43.55], [3.27, 43.56], [3.26, 100.0]]), "the order is [longitude, latitude]"),
        (polygon([[500.0, 43.5], [3.27, 43.55], [3.27, 43.56], [500.0, 43.5]]), "cut the polygon at the antimeridian"),
        (polygon([[721_000, 6_273_000], [721_100, 6_273_000], [721_100, 6_273_100], [721_000, 6_273_000]]), "metres"),
        ({**AREA, "crs": {"type": "name", "properties": {"name": "EPSG:3857"}}}, "always longitude/latitude"),
        ({"type": "Point", "coordinates": [3, 43]}, '"Point"'),
        ({"type": "LineString", "coordinates": RING}, '"LineString"'),
        (nested_collections(20), '"GeometryCollection"'),
        (nested_collections(400), "nested too deeply"),
        (feature(None), "the geometry is missing"),
        ({"type": "FeatureCollection", "features": []}, "no features"),
        (polygon(), "one ring at least"),
        (polygon([]), "four positions"),
        ([[]], "GeoJSON"),
        (polygon(RING[:-1]), "ring 1 is not closed"),
        (polygon(RING[:3]), "four positions"),
        (polygon([RING[0]] * 4), "not valid"),
        (polygon([RING[0], RING[1], RING[0], RING[0]]), "not valid"),
        (polygon(RING, [[x + 1, y] for x, y in HOLE]), "hole lies outside shell"),
        ({"type": "MultiPolygon", "coordinates": [[RING], [RING]]}, "not valid"),
        ({"type": "MultiPolygon", "coordinates": [[RING], [[*RING[:2], ["x", 1], *RING[2:]]]]}, "ring 1 of polygon 2"),
        (polygon([[170, 0], [190, 0], [190, 5], [170, 0]]), "cut the polygon at the antimeridian"),
        (polygon([[170, 0], [-170, 0], [-170, 5], [170, 0]]), "cut the polygon at the antimeridian"),
        (polygon([[-180, 80], [0, 80], [180, 80], [180, 90], [-180, 90], [-180, 80]]), "180° of longitude"),
        (polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]), "180° of longitude"),
        ({"bbox": [4, 43, 3, 44]}, "west below east"),
    ],
)
def test_what_is_no_area_here_is_refused_with_the_rule_it_breaks(
    service: TestClient, geojson: object, says: str
) -> None:
    answer = execute(service, {"aoi": geojson, "model": "tiny"})

    assert is_refused(answer)
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    "geojson",
    [
        AREA,
        feature(AREA),
        feature(AREA, properties={"name": None, "tags": [1, "x", {"a": True}]}, id=7),
        {"type": "FeatureCollection", "features": [feature(AREA)]},
        {"type": "MultiPolygon", "coordinates": [[RING]]},
        polygon([[*position, 120.5] for position in RING]),
        polygon([[*position, 120.5, 7] for position in RING]),
        polygon([[*RING[0], 1.0], *RING[1:-1], RING[-1]]),
    ],
)
def test_every_way_to_write_an_area_is_accepted(service: TestClient, geojson: dict[str, Any]) -> None:
    answer = execute(service, {"aoi": geojson, "model": "tiny"})

    assert answer.status_code == 201, answer.text
    assert answer.json()["area_m2"] == pytest.approx(49.6**2, rel=1e-6)


def test_a_hole_is_no_part_of_the_area(service: TestClient) -> None:
    answer = execute(service, {"aoi": polygon(RING, HOLE), "model": "tiny"})

    assert answer.json()["area_m2"] == pytest.approx(0.75 * 49.6**2, rel=1e-6)


def test_a_thousand_small_parts_are_one_area(service: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSIA_AOI_VERTICES", "10000")
    forget_settings()
    west, south, east, north = shapely.geometry.shape(AREA).bounds
    xs, ys = np.linspace(west, east, 33)[:-1], np.linspace(south, north, 33)[:-1]
    parts = [shapely.box(x, y, x + (east - west) / 66, y + (north - south) / 66) for x in xs for y in ys][:1000]
    collection = {"type": "FeatureCollection", "features": [feature(shapely.geometry.mapping(each)) for each in parts]}

    answer = execute(service, {"aoi": collection, "model": "tiny"})

    assert answer.status_code == 201
    bounds_m2 = shapely.geometry.shape(AREA).envelope.area / shapely.geometry.shape(AREA).area * 49.6**2
    assert answer.json()["area_m2"] == pytest.approx(1000 / 66**2 * bounds_m2, rel=1e-3)


def _circle(vertices: int) -> dict[str, Any]:
    """A ring of so many positions, the last being the first."""
    angles = np.linspace(0, 2 * np.pi, vertices)
    x, y = np.mean(RING, 0)
    ring = np.column_stack([x + 2e-4 * np.cos(angles), y + 1.5e-4 * np.sin(angles)])
    ring[-1] = ring[0]
    return polygon(ring.tolist())


def test_as_many_vertices_as_allowed_are_accepted_and_one_more_is_not(
    service: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIA_AOI_VERTICES", "10000")
    forget_settings()

    assert execute(service, {"aoi": _circle(10_000), "model": "tiny"}).status_code == 201
    more = execute(service, {"aoi": _circle(10_001), "model": "tiny"})
    assert is_refused(more)
    assert "10001 vertices, the limit is 10000" in more.json()["detail"]
    many = post(service, b'{"inputs": {"aoi": [' + b",".join([b"[1,2]"] * 320_000) + b"]}}")
    assert is_refused(many)
    assert "an area may have 10000 vertices" in many.json()["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_an_encoded_body_is_not_unpacked(service: TestClient, encoding: str) -> None:
    assert is_refused(post(service, b"\x1f\x8b", **{"Content-Encoding": encoding}), 415)


@pytest.mark.parametrize(
    "media_type",
    [
        "multipart/form-data; boundary=x",
        "application/zip",
        "application/vnd.google-earth.kml+xml",
        "application/gpx+xml",
        "text/xml",
        "image/tiff",
        "application/x-www-form-urlencoded",
        "text/plain",
    ],
)
def test_files_of_other_kinds_are_not_looked_into(service: TestClient, media_type: str) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml>&a;</kml>'

    assert is_refused(post(service, bomb, **{"Content-Type": media_type}), 415)


def test_the_same_key_twenty_times_at_once_is_one_job(service: TestClient) -> None:
    body = {"inputs": {"aoi": AREA, "model": "tiny"}}

    def ask(_: int) -> str:
        answer = service.post(EXECUTION, json=body, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    with ThreadPoolExecutor(8) as senders:
        ids = set(senders.map(ask, range(20)))

    assert len(ids) == 1
    assert len(service.get("/api/jobs").json()["jobs"]) == 1


def test_a_key_belongs_to_its_owner_and_to_its_request(service: TestClient) -> None:
    from app import access

    with sessions().write() as session:
        key = access.add(session, "town").text
    mine = execute(service, {"aoi": AREA, "model": "tiny"}, **{"Idempotency-Key": "k"})

    theirs = execute(service, {"aoi": AREA, "model": "tiny"}, **{"Idempotency-Key": "k", "X-API-Key": key})
    other = execute(service, {"aoi": AREA, "model": "tiny", "outputs": ["areas"]}, **{"Idempotency-Key": "k"})

    assert theirs.status_code == 201
    assert theirs.json()["jobID"] != mine.json()["jobID"]
    assert is_refused(other, 409)


@pytest.mark.parametrize("key", ["x" * 10_000, "two words", "é".encode().decode("latin-1")])
def test_a_key_that_is_none_is_refused(service: TestClient, key: str) -> None:
    answer = service.post(
        EXECUTION,
        json={"inputs": {"aoi": AREA, "model": "tiny"}},
        headers={b"Idempotency-Key": key.encode("latin-1")},  # type: ignore[arg-type]
    )

    assert is_refused(answer)
    assert service.get("/api/jobs").json()["jobs"] == []


def test_a_job_s_area_is_that_of_its_estimate_and_of_its_row(service: TestClient) -> None:
    inputs = {"aoi": AREA, "model": "tiny"}
    estimated = service.post(f"{PROCESS}/estimate", json={"inputs": inputs}).json()["area_m2"]
    job = execute(service, inputs).json()

    with sessions().read() as session:
        kept = jobs.get(session, job["jobID"]).area_m2
    assert estimated == job["area_m2"] == kept


def test_json_is_read_as_the_standard_library_reads_it() -> None:
    text = (
        '{"a": [1, 2.5, -0.0, 1e-7, "\\u00e9\\n", null, true, [], {}, [{"b": [[1, 2], [3, 4]]}]],'
        ' "": {"é": 18446744073709551615}}'
    )

    assert parse_json(text.encode()) == json.loads(text)
    assert json.dumps(parse_json(text.encode())) == json.dumps(json.loads(text))


def test_a_fault_of_json_is_told_with_its_place() -> None:
    with pytest.raises(Invalid, match=r"\(line 2, column 6\)"):
        parse_json(b'{\n "a" 1}')
