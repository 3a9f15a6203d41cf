"""Places of several sources in one list."""

from __future__ import annotations

from app.places import Found, Kind, Place, Source, together
from app.places.gazetteer import BEGINNING, INSIDE, WHOLE


def _town(name: str, code: str, match: int = BEGINNING, population: int = 0) -> Found:
    place = Place(name, Kind.COMMUNE, "", 0, 0, 14, Source.GAZETTEER, code)
    return Found((match, True, -population, name), place)


def _street(name: str) -> Place:
    return Place(name, Kind.STREET, "34000 Montpellier", 0, 0, 18, Source.GEOCODER)


def _names(places: list[Place]) -> list[str]:
    return [place.name for place in places]


def test_towns_that_begin_so_come_first_and_those_that_only_hold_the_word_last() -> None:
    known = [_town("Haut-Port", "1", INSIDE), _town("Port", "2", WHOLE), _town("Portet", "3")]

    assert _names(together(known, [_street("Rue du Port")], 10)) == ["Port", "Portet", "Rue du Port", "Haut-Port"]


def test_the_better_match_comes_first_whatever_list_it_is_from() -> None:
    assert _names(together([_town("Portet", "1"), _town("Port", "2", WHOLE)], [], 10)) == ["Port", "Portet"]


def test_a_town_that_both_know_shows_once() -> None:
    theirs = Place("Port", Kind.COMMUNE, "80000 Port", 0, 0, 14, Source.GEOCODER, "2")

    assert together([_town("Port", "2")], [theirs], 10) == [_town("Port", "2").place]


def test_some_addresses_show_beside_many_towns() -> None:
    known = [_town(f"Port-{number}", str(number)) for number in range(20)]
    found = together(known, [_street(f"Rue {number}") for number in range(9)], 8)

    assert len(found) == 8
    assert [place.kind for place in found].count(Kind.STREET) == 3


def test_one_place_is_the_best() -> None:
    assert _names(together([_town("Port", "1")], [_street("Rue du Port")], 1)) == ["Port"]
