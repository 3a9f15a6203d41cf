"""The national geocoder over HTTP: what of its answers is taken, and what becomes of a search while it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.places import Answer, Geocoder, Kind, State
from app.places.place import Place
from tests.map_servers import Door, Reply, door_to

ADDRESS: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [2.290084, 49.897443]},
    "properties": {
        "_type": "address", "type": "housenumber", "name": "8 Boulevard du Port", "postcode": "80000",
        "city": "Amiens", "citycode": "80021", "context": "80, Somme, Hauts-de-France", "score": 0.97,
    },
}  # fmt: skip
TOWN: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [2.290, 49.899]},
    "properties": {
        "_type": "address", "type": "municipality", "name": "Amiens", "postcode": "80000", "city": "Amiens",
        "citycode": "80021", "context": "80, Somme, Hauts-de-France",
    },
}  # fmt: skip
SUMMIT: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [45.10948, -12.855996]},
    "properties": {
        "_type": "poi", "toponym": "Pengoua Bolé", "category": ["sommet"], "city": ["Sada"], "postcode": ["97640"],
        "citycode": ["97616"],
    },
}  # fmt: skip
COMMUNE: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [45.110309, -12.859327]},
    "properties": {
        "_type": "poi", "toponym": "Sada", "category": ["administratif", "commune"], "postcode": ["97640"],
        "citycode": ["97616"],
    },
}  # fmt: skip


def reply(*features: Any) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps({"features": features}).encode())


@pytest.fixture
def door() -> Iterator[Door]:
    with door_to(lambda _query: reply(ADDRESS)) as opened:
        yield opened


@pytest.fixture
def geocoder(door: Door) -> Iterator[Geocoder]:
    """One that waits longer than this machine can be busy."""
    made = Geocoder(door.url, wait_s=30)
    yield made
    made.close()


def find(geocoder: Geocoder, text: str) -> Answer:
    return asyncio.run(geocoder.find(text))


def _place(geocoder: Geocoder, door: Door, feature: Any) -> Place:
    door.failing = [reply(feature)]
    (place,) = find(geocoder, "somewhere").places
    return place


def test_it_is_asked_for_addresses_and_places_as_its_documentation_says(geocoder: Geocoder, door: Door) -> None:
    find(geocoder, "  8 bd  du port ")

    assert door.parameters() == [{"q": "8 bd du port", "index": "address,poi", "limit": "10"}]
    assert door.agents[0].startswith("cosia-map/")


def test_an_address_is_told_with_its_town(geocoder: Geocoder, door: Door) -> None:
    place = _place(geocoder, door, ADDRESS)

    assert (place.name, place.kind, place.context) == ("8 Boulevard du Port", Kind.ADDRESS, "80000 Amiens")
    assert (place.lon, place.lat, place.code) == (2.290084, 49.897443, None)


def test_a_town_has_its_code_and_department(geocoder: Geocoder, door: Door) -> None:
    place = _place(geocoder, door, TOWN)

    assert (place.kind, place.code, place.context) == (Kind.COMMUNE, "80021", "Somme (80)")


def test_a_point_of_interest_is_a_site_and_its_communes_are_communes(geocoder: Geocoder, door: Door) -> None:
    door.failing = [reply(SUMMIT, COMMUNE)]
    summit, commune = find(geocoder, "sada").places

    assert (summit.name, summit.kind, summit.context) == ("Pengoua Bolé", Kind.SITE, "97640 Sada")
    assert (commune.name, commune.kind, commune.code) == ("Sada", Kind.COMMUNE, "97616")


@pytest.mark.parametrize(
    "feature",
    [
        None,
        "text",
        {},
        {**ADDRESS, "geometry": None},
        {**ADDRESS, "geometry": {"coordinates": ["2", "49"]}},
        {**ADDRESS, "geometry": {"coordinates": [2.0, 149.0]}},
        {**ADDRESS, "geometry": {"coordinates": [float("nan"), 49.0]}},
        {**ADDRESS, "properties": {"_type": "address"}},
        {**ADDRESS, "properties": {"_type": "poi", "toponym": ["", 3]}},
    ],
)
def test_what_is_no_place_is_left_out(geocoder: Geocoder, door: Door, feature: Any) -> None:
    door.failing = [reply(feature, TOWN)]

    assert [place.name for place in find(geocoder, "amiens").places] == ["Amiens"]


def test_a_long_name_is_cut_and_keeps_to_one_line(geocoder: Geocoder, door: Door) -> None:
    place = _place(geocoder, door, {**ADDRESS, "properties": {"_type": "poi", "toponym": "a\n\tb" + "c" * 9000}})

    assert place.name.startswith("a bc")
    assert len(place.name) == 150


@pytest.mark.parametrize(
    "failure",
    [
        Reply(500),
        Reply(503, {"Retry-After": "2"}),
        Reply(429, {"Retry-After": "60"}),
        Reply(302, {"Location": "http://127.0.0.1:9/elsewhere"}),
        Reply(404),
        Reply(200, {}, b"<html>maintenance</html>"),
        Reply(200, {}, b'{"features": 3}'),
        Reply(200, {}, b"[" * 100_000),
        Reply(200, {}, b"x" * 400_000),
        Reply(200, {}, b'{"features": []}', short=4),
    ],
    ids=["500", "503", "429", "redirect", "404", "html", "no list", "deep", "large", "short"],
)
def test_a_failing_geocoder_is_left_alone_for_a_while(geocoder: Geocoder, door: Door, failure: Reply) -> None:
    door.failing = [failure]

    assert find(geocoder, "amiens") == Answer(State.UNAVAILABLE)
    assert find(geocoder, "amiens") == Answer(State.UNAVAILABLE)
    assert find(geocoder, "rouen") == Answer(State.UNAVAILABLE)
    assert len(door.asked) == 1


def test_a_server_that_is_not_there_is_unavailable() -> None:
    gone = Geocoder("http://127.0.0.1:9/search", wait_s=30)

    assert find(gone, "amiens").state is State.UNAVAILABLE
    gone.close()


def test_a_text_that_it_cannot_search_finds_nothing_and_is_no_failure(geocoder: Geocoder, door: Door) -> None:
    door.failing = [Reply(400)]

    assert find(geocoder, "zz top") == Answer(State.ANSWERED, [])
    assert len(find(geocoder, "amiens").places) == 1


def test_the_same_is_asked_once(geocoder: Geocoder, door: Door) -> None:
    assert find(geocoder, "Amiens") == find(geocoder, "amiens ")
    assert len(door.asked) == 1


def test_an_answer_that_comes_late_is_there_for_who_asks_again(door: Door) -> None:
    hurried = Geocoder(door.url, wait_s=0)
    first = find(hurried, "amiens")
    while (then := find(hurried, "amiens")).state is State.LATE:
        pass

    assert first == Answer(State.LATE)
    assert (then.state, len(then.places), len(door.asked)) == (State.ANSWERED, 1, 1)
    hurried.close()


@pytest.mark.parametrize("text", ["", "ab", "-amiens", "  a "])
def test_too_little_is_not_asked(geocoder: Geocoder, door: Door, text: str) -> None:
    assert find(geocoder, text) == Answer(State.UNASKED)
    assert door.asked == []


def test_without_an_address_nobody_is_asked() -> None:
    off = Geocoder("")

    assert find(off, "amiens") == Answer(State.UNASKED)
    off.close()
