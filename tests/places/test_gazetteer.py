"""Places found by name in the shipped list of France. Facts are INSEE's, of the Code officiel géographique."""

from __future__ import annotations

import pytest

from app.places.gazetteer import BEGINNING, INSIDE, SCATTERED, WHOLE, Entry, Found, Gazetteer, france
from app.places.names import words_of
from app.places.place import Kind, Place, Source


def _codes(found: list[Found]) -> list[str | None]:
    return [each.place.code for each in found]


def _first(text: str) -> Place:
    return france().find(text, 1)[0].place


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("L'Haÿ-les-Roses", ("l", "hay", "les", "roses")),
        ("SAINT-ÉTIENNE", ("saint", "etienne")),
        ("Ste Maxime", ("sainte", "maxime")),
        ("Châlons s/ Marne", ("chalons", "sur", "marne")),
        ("Cœuvres", ("coeuvres",)),
        ("L’Île-d’Yeu", ("l", "ile", "d", "yeu")),
        ("  ...  ", ()),
    ],
)
def test_names_are_compared_by_words_without_accents_case_and_signs(typed: str, words: tuple[str, ...]) -> None:
    assert words_of(typed) == words


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("montpellier", "34172"),
        ("Montpel", "34172"),
        ("PARIS", "75056"),
        ("st etienne", "42218"),
        ("Saint-Étienne", "42218"),
        ("stras", "67482"),
        ("st", "67482"),
        ("mans", "72181"),
        ("l hay les roses", "94038"),
        ("villeneuve maguelone", "34337"),
        ("cayenne", "97302"),
        ("mamoudzou", "97611"),
        ("st pierre miquelon", "97502"),
    ],
)
def test_a_town_is_found_however_its_name_is_typed(typed: str, code: str) -> None:
    assert code in _codes(france().find(typed, 3))


def test_an_exact_name_comes_before_a_larger_town_that_begins_so() -> None:
    found = france().find("vill", 3), france().find("ville", 3)

    assert found[0][0].place.name == "Villeurbanne"
    assert {each.place.name for each in found[1][:2]} == {"Villé", "Ville"}


def test_namesakes_are_told_apart_by_their_department() -> None:
    found = france().find("saint-denis", 2)

    assert {(each.place.name, each.place.context) for each in found} == {
        ("Saint-Denis", "Seine-Saint-Denis (93)"),
        ("Saint-Denis", "La Réunion (974)"),
    }


@pytest.mark.parametrize("typed", ["saint denis 974", "St-Denis, La Réunion", "Saint-Denis (974)", "st denis reunion"])
def test_words_after_a_name_choose_the_department(typed: str) -> None:
    assert _codes(france().find(typed, 5)) == ["97411"]


def test_a_place_has_coordinates_and_a_level_that_fits_its_size() -> None:
    montpellier, blaye = _first("montpellier"), _first("blaye")

    assert (montpellier.lon, montpellier.lat) == pytest.approx((3.88, 43.61), abs=0.02)
    assert montpellier.zoom < blaye.zoom


def test_a_locality_names_its_commune() -> None:
    found = _first("piton saint leu")

    assert (found.kind, found.context) == (Kind.LOCALITY, "Saint-Leu, La Réunion (974)")


@pytest.mark.parametrize("typed", ["", "l", "x" * 200, "'", "zzyzx", "😀😀", "34172"])
def test_what_is_no_name_finds_nothing(typed: str) -> None:
    assert france().find(typed, 5) == []


def test_what_is_published_comes_before_larger_towns_of_the_same_match() -> None:
    around_la_reunion = (55.0, -21.5, 56.0, -20.5)

    assert _codes(france().find("sain", 1)) == ["42218"]
    assert _codes(france().find("sain", 1, [around_la_reunion])) == ["97411"]
    assert _codes(france().find("paris", 1, [around_la_reunion])) == ["75056"], "an exact name is better than near"


def _place(name: str, population: int = 0) -> Entry:
    return Entry(words_of(name), frozenset(), population, Place(name, Kind.COMMUNE, "", 0, 0, 14, Source.GAZETTEER))


@pytest.mark.parametrize(
    ("name", "typed", "match"),
    [
        ("Le Bois", "le bois", WHOLE),
        ("Le Bois", "bois", WHOLE),
        ("Le Bois", "boi", BEGINNING),
        ("Bois-Haut", "bois", BEGINNING),
        ("Haut-Bois", "bois", INSIDE),
        ("Haut-de-Bois", "haut bois", SCATTERED),
    ],
)
def test_a_match_is_ranked_by_what_of_the_name_was_typed(name: str, typed: str, match: int) -> None:
    ((rank, _),) = Gazetteer([_place(name)]).find(typed, 5)

    assert rank[0] == match


def test_a_place_under_two_names_is_found_once() -> None:
    place = Place("Étang", Kind.SITE, "", 0, 0, 14, Source.DEMONSTRATION)
    both = Gazetteer([Entry(words_of(name), frozenset(), 0, place) for name in ("étang", "étang bas")])

    assert [each.place for each in both.find("etang", 5)] == [place]
