"""The French of what the program says: every sentence that a caller can be told is in the phrasebook, and told well."""

from __future__ import annotations

import errno
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path

import pytest
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType as PydanticErrorType

from app import jobs, phrases
from app.api.problems import OTHER_TITLE, TITLES
from app.definitions import ExtraInput, Language
from app.phrases import told
from app.phrases.templates import Kind, Place, Template
from tests import sentences
from tests.sentences import Sentence

PHRASEBOOK = Path(phrases.__file__).with_name("fr.json")

OPERATORS = (
    "app/access/keys.py",
    "app/checks.py",
    "app/cli/",
    "app/database/migrate.py",
    "app/definitions/coding.py",
    "app/demo.py",
    "app/imagery/inspection.py",
    "app/imagery/registration.py",
    "app/imagery/remote/probe.py",
    "app/imagery/series_inspection.py",
    "app/imagery/storing.py",
    "app/imagery/tile_index.py",
    "app/launcher.py",
    "app/publish/additions.py",
    "app/publish/class_labels.py",
    "app/publish/geopackage_tables.py",
    "app/publish/geopackages.py",
    "app/publish/geotiffs.py",
    "app/publish/inputs.py",
    "app/publish/sources.py",
    "app/quality/",
    "worker/cli/",
    "worker/duty.py",  # the last word of a worker that starts afresh
    "worker/evaluation/",
    "worker/flair.py",
    "worker/flair_extras.py",
    "worker/hub/",
    "worker/source_map.py",
    "worker/training/",
    "worker/weights/cards.py",
    "worker/weights/naming.py",
)
"""Modules whose sentences only the command line says."""

NEITHER_LANGUAGE = {"ok"}
"""Words that programs look for in an answer."""

ENGLISH_DOORS = ("app/api/wmts",)
"""Modules whose sentences are exception reports of the OGC, in English for every client."""

TAKING = {
    "HTTPException",
    "problem",
    "end",
    "fail",
    "fail_attempt",
    "postpone",
    "leave",
    "give_up",
    "_message",
    "require_extra_inputs",
    "watching",
    "_answers",
}
"""Functions to which sentences are given."""

TELLING = {
    "app/aoi.py": ("_place",),
    "app/api/health.py": ("_database", "_catalogue", "_broker", "_workers", "_reason", "_rasters"),
    "app/api/job_status.py": ("_message",),
    "worker/fitness.py": ("device_fault", "device_fault_in_a_fresh_process", "weights_fault"),
}
"""Functions that return sentences, or parts of them."""

GEOS = (
    "Topology Validation Error",
    "Repeated Point",
    "Hole lies outside shell",
    "Holes are nested",
    "Interior is disconnected",
    "Self-intersection",
    "Ring Self-intersection",
    "Nested shells",
    "Duplicate Rings",
    "Too few points in geometry component",
    "Invalid Coordinate",
    "Ring is not closed",
)
"""What shapely's `is_valid_reason` says, from TopologyValidationError.cpp of GEOS."""

PARAMETER_FAULTS: dict[PydanticErrorType, dict[str, object]] = {
    "missing": {},
    "greater_than_equal": {"ge": 7},
    "less_than_equal": {"le": 7},
    "less_than": {"lt": 7},
    "finite_number": {},
    "int_parsing": {},
    "int_parsing_size": {},
    "float_parsing": {},
    "string_too_long": {"max_length": 7},
    "string_pattern_mismatch": {"pattern": "7"},
}
"""What pydantic finds wrong with parameters of routes, with sample values."""

FILE_FAULTS = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "ENOENT", "EMFILE", "ESTALE", "ENOTDIR")


def entries() -> dict[str, str]:
    subjects = json.loads(PHRASEBOOK.read_text())
    return {english: french for subject in subjects.values() for english, french in subject.items()}


@cache
def said() -> tuple[Sentence, ...]:
    """All that callers can be told, as templates."""
    return tuple(each for each in (*said_by_us(), *words_of_others()) if each.text not in NEITHER_LANGUAGE)


def said_by_us() -> Iterator[Sentence]:
    modules = [
        sentences.Module(path) for part in ("app", "worker") for path in sorted((sentences.ROOT / part).rglob("*.py"))
    ]
    errors = sentences.errors_of(modules)
    for module in modules:
        if not module.name.startswith((*OPERATORS, *ENGLISH_DOORS)):
            yield from sentences.sentences(module, errors, TAKING, TELLING.get(module.name, ()))
    for title in (*TITLES.values(), OTHER_TITLE):
        yield Sentence(title, (), "app/api/problems.py")
    for extra in ExtraInput:
        yield Sentence(extra.words, (), "app/definitions/extra_input.py")
    for status in (*jobs.ACTIVE, *jobs.TERMINAL):
        yield Sentence(status, (), "app/jobs")


def words_of_others() -> Iterator[Sentence]:
    """What libraries say inside our sentences."""
    for fault in GEOS:
        yield Sentence(fault.lower(), (), "GEOS")
    for status in (404, 405):
        yield Sentence(HTTPStatus(status).phrase, (), "Starlette")
    for fault in FILE_FAULTS:
        yield Sentence(os.strerror(getattr(errno, fault)), (), "the system")
    for kind, context in PARAMETER_FAULTS.items():
        fault_of_parameter = PydanticKnownError(kind, context)
        yield Sentence(re.sub("'7'|7", "{}", fault_of_parameter.message()), (), "pydantic")


def canonical(template: Template) -> str:
    """With `{}` for each place, as `Sentence.text` has them."""
    return "".join("{}" if isinstance(part, Place) else part for part in template.parts)


def test_every_sentence_that_a_caller_can_be_told_is_in_the_phrasebook() -> None:
    known = {canonical(Template.of(english)) for english in entries()}

    missing = {sentence.text: sentence.where for sentence in said() if sentence.text not in known}

    assert missing == {}


def test_the_phrasebook_keeps_no_sentence_that_nobody_says() -> None:
    found = {sentence.text for sentence in said()}

    assert [english for english in entries() if canonical(Template.of(english)) not in found] == []


def test_places_are_of_the_kind_that_the_source_shows() -> None:
    shown: dict[str, tuple[str | None, ...]] = {sentence.text: sentence.kinds for sentence in said() if sentence.kinds}
    wrong = []
    for english in entries():
        template = Template.of(english)
        for place, kind in zip(template.places, shown.get(canonical(template), ()), strict=False):
            allowed = {"sentence": {Kind.PHRASE}, "quoted": {Kind.QUOTED}, "number": {Kind.NUMBER}}.get(kind or "")
            if place.kind not in (allowed or set(Kind) - {Kind.QUOTED}):
                wrong.append((english, place.name, kind))

    assert wrong == []


def test_both_languages_of_a_sentence_have_the_same_places() -> None:
    for english, french in entries().items():
        names = Counter(place.name for place in Template.of(english).places)
        assert names == Counter(place.name for place in Template.of(french).places), english
        assert set(names.values()) <= {1}, english


def test_a_sentence_stands_in_the_phrasebook_once_and_is_not_empty() -> None:
    pairs = json.loads(PHRASEBOOK.read_text(), object_pairs_hook=list)
    listed = Counter(canonical(Template.of(english)) for _, subject in pairs for english, _ in subject)

    assert [english for english, times in listed.items() if times > 1] == []
    assert [english for english, french in entries().items() if not french.strip()] == []


def test_french_is_written_with_its_own_apostrophe() -> None:
    straight = [french for french in entries().values() if re.search(r"\w'\w", french)]

    assert straight == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "the area is 3.25 km², the limit is 2.5 km²: draw a smaller one or split it",
            "la zone fait 3,25 km², la limite est de 2,5 km² : dessinez-en une plus petite ou découpez-la",
        ),
        (
            "imagery source 'ortho' can be compared with no other: another source of the same grid that has what the "
            "models need",
            "la prise de vue « ortho » ne peut être comparée à aucune : il en faut une autre, de la même grille, qui a "
            "ce dont les modèles ont besoin",
        ),
        (
            "the job failed: 2 of 9 blocks failed: the worker was lost 3 times while it computed this block; "
            "the weights of model m: there is no model 'm'; ready to use: none",
            "la demande a échoué : blocs en échec : 2 sur 9 ; le calculateur a été perdu 3 fois pendant le calcul de "
            "ce bloc ; les poids du modèle m : il n’y a pas de modèle « m » ; aucun n’est prêt",
        ),
        (
            "postponed: the map server of imagery source demo: it has a fault of its own (503)",
            "remise à plus tard : le serveur de cartes de la prise de vue demo : il a une panne de son côté (503)",
        ),
        ("limit: Input should be less than or equal to 1000", "limit : la valeur doit être inférieure ou égale à 1000"),
        ("lang is fr or en", "lang vaut fr ou en"),
        ("Not found", "Introuvable"),
    ],
)
def test_a_sentence_is_told_in_french_with_what_it_holds(english: str, french: str) -> None:
    assert told(english, Language.FRENCH).replace("\N{NO-BREAK SPACE}", " ") == french
    assert told(english, Language.ENGLISH) == english


def test_what_is_not_known_is_told_as_it_is_inside_what_is() -> None:
    unknown = "the server's own words: 3.5 of 4"

    assert told(unknown, Language.FRENCH) == unknown
    assert told(f"the job failed: {unknown}", Language.FRENCH).endswith(f": {unknown}")
    assert told(f"postponed: {unknown}", Language.FRENCH) == f"remise à plus tard\N{NO-BREAK SPACE}: {unknown}"


def test_a_sentence_that_a_stranger_made_deep_or_long_is_told_all_the_same() -> None:
    deep, long = "the job failed: " * 200, "a: b; " * 600

    assert told(deep, Language.FRENCH).startswith("la demande a échoué\N{NO-BREAK SPACE}: la demande a échoué")
    assert told(long, Language.FRENCH) == long


def test_lines_do_not_break_before_units_and_double_punctuation() -> None:
    french = told("the area is 3.25 km², the limit is 2 km²: draw a smaller one or split it", Language.FRENCH)

    assert "3,25\N{NO-BREAK SPACE}km²" in french
    assert "2\N{NO-BREAK SPACE}km²\N{NO-BREAK SPACE}:" in french
