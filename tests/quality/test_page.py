"""The page of a report: whole in itself, readable without its pictures, and nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
from lxml import etree, html

from app.definitions import Language
from app.quality import CONTENT_SECURITY_POLICY, QualityReport, page
from app.quality.plots import Line, curves
from app.quality.wording import wording
from tests.quality.reports import report_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def evaluated() -> QualityReport:
    return report_of("town", "v1", "Town <i>&</i> trees")


@pytest.fixture(params=list(Language))
def shown(evaluated: QualityReport, request: pytest.FixtureRequest) -> html.HtmlElement:
    """The page in each language."""
    return html.document_fromstring(page(evaluated, request.param))


@pytest.fixture
def english(evaluated: QualityReport) -> html.HtmlElement:
    return html.document_fromstring(page(evaluated, Language.ENGLISH))


@pytest.fixture
def french(evaluated: QualityReport) -> html.HtmlElement:
    return html.document_fromstring(page(evaluated, Language.FRENCH))


def test_page_asks_nobody_for_anything_and_runs_nothing(shown: html.HtmlElement) -> None:
    assert not shown.xpath("//script | //link | //img | //iframe | //object | //*[@style]")
    assert not shown.xpath("//@href | //@src | //@*[starts-with(name(), 'on')]")


def test_its_style_sheet_is_the_one_that_the_policy_lets_in(shown: html.HtmlElement) -> None:
    digest = base64.b64encode(hashlib.sha256(shown.findtext(".//style").encode()).digest()).decode()

    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_every_plot_has_a_name_and_words_and_its_numbers_stand_in_a_table(shown: html.HtmlElement) -> None:
    plots = shown.xpath("//*[local-name()='svg']")

    assert len(plots) == 3
    for plot in plots:
        assert plot.get("role") == "img"
        assert plot.xpath("./*[local-name()='title']")[0].text
        assert plot.xpath("./*[local-name()='desc']")[0].text
    assert len(list(shown.iter("caption"))) == 6
    assert all(cell.get("scope") for cell in shown.iter("th"))


def test_words_of_others_are_text_and_never_markup(english: html.HtmlElement, french: html.HtmlElement) -> None:
    assert english.findtext(".//h1") == "Quality of Town <i>&</i> trees"
    assert french.findtext(".//h1") == "Qualité : Town <i>&</i> trees"


def test_rules_of_means_and_undefined_figures_are_told(english: html.HtmlElement) -> None:
    assert "one that never occurs counts as 0" in english.text_content()
    rows = rows_of(english, "Figures per class")
    assert rows["Building"][:3] == ["10", "15", "0.6667"]  # 10 hits of 10 + 15 - 10
    assert rows["Impervious surface"][2] == "none"


def test_numbers_and_names_are_those_of_the_language(french: html.HtmlElement) -> None:
    assert french.get("lang") == "fr"
    assert "celle qui n'apparaît jamais compte pour 0" in french.text_content()
    rows = rows_of(french, "Chiffres par classe")
    assert rows["Bâtiment"][:3] == ["10", "15", "0,6667"]
    assert rows["Zone imperméable"][2] == "aucune"
    drawn = [text.text for text in french.xpath("//*[local-name()='svg']//*[local-name()='text']")]
    assert {"0,2", "0,667", "Bâtiment", "Confiance"} <= set(drawn)
    assert not [text for text in drawn if re.search(r"\d\.\d", text or "")]


def test_each_language_says_everything_with_the_same_places_to_fill_in() -> None:
    french, english = (told(asdict(wording(language))) for language in Language)

    assert french.keys() == english.keys()
    for name in french:
        assert french[name].strip(), name
        assert english[name].strip(), name
        assert places(french[name]) == places(english[name]), name
    alike = {name for name in french if french[name] == english[name]}
    assert alike == {"version", "kappa", "classes", "pixels"}  # the same word in both


def told(words: Mapping[str, Any], within: str = "") -> dict[str, str]:
    """Every text of a wording, by its name."""
    found = {}
    for name, value in words.items():
        if isinstance(value, Mapping):
            found.update(told(value, f"{name}."))
        elif not isinstance(value, Language):
            found[within + name] = value
    return found


def places(text: str) -> list[str]:
    return sorted(re.findall(r"{(\w+)}", text))


def rows_of(shown: html.HtmlElement, caption: str) -> dict[str, list[str]]:
    """Cells of a table by the head of their row."""
    (found,) = (table for table in shown.iter("table") if table.findtext("caption") == caption)
    return {row[0].text: [cell.text for cell in row[1:]] for row in found.iter("tr")}


def test_document_holds_the_report_and_reads_back(evaluated: QualityReport) -> None:
    assert QualityReport.model_validate_json(evaluated.model_dump_json()) == evaluated
    assert evaluated.headline["mean_rule"].startswith("all evaluated classes")


def test_curves_reach_from_the_first_point_to_the_last() -> None:
    drawn = etree.fromstring(
        curves("Loss", "falls", [Line("loss", [(0, 2.0), (50, 1.0)])], ("step", "loss"), Language.ENGLISH)
    )

    points = drawn.find(f"{SVG}polyline").get("points").split()
    assert points == ["62.0,16.0", "622.0,136.0"]  # of 0-2 over 240 px, so that 1 is in the middle
