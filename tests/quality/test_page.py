"""The page of a report: whole in itself, readable without its pictures, and nothing in it runs."""

from __future__ import annotations

import base64
import hashlib

import numpy as np
import pytest
from lxml import etree, html

from app.definitions import nomenclature
from app.quality import CONTENT_SECURITY_POLICY, QualityReport, page
from app.quality.plots import Line, curves
from app.quality.report import Reference, Subject
from worker.evaluation import Scheme, report

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def evaluated() -> QualityReport:
    """Three classes of which the third never occurs; with confidence."""
    scheme = Scheme((1, 2, 3), 16, 1)
    truth = np.repeat(np.array([[1, 2]], np.uint8), 10, axis=1)
    predicted = np.where(np.arange(20) < 15, truth, 1).astype(np.uint8)
    counts = scheme.counts(scheme.count(scheme.bordered(truth), predicted, np.full((1, 20), 200, np.uint8)))
    subject = Subject(
        kind="layer", id="town", title="Town <i>&</i> trees", version="v1", model="tiny", nomenclature="cosia"
    )
    reference = Reference(name="truth.tif", sha256="ab" * 32, coding="values")
    return report(scheme, counts, nomenclature(), subject, reference, 0.04)


@pytest.fixture
def shown(evaluated: QualityReport) -> html.HtmlElement:
    return html.document_fromstring(page(evaluated))


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
    captions = [caption.text for caption in shown.iter("caption")]
    assert {"Figures per class", "Confidence and accuracy"} <= set(captions)
    assert all(cell.get("scope") for cell in shown.iter("th"))


def test_words_of_others_are_text_and_never_markup(shown: html.HtmlElement) -> None:
    assert shown.findtext(".//h1") == "Quality of Town <i>&</i> trees"


def test_rules_of_means_and_undefined_figures_are_told(shown: html.HtmlElement) -> None:
    text = shown.text_content()

    assert "one that never occurs counts as 0" in text
    (figures,) = (table for table in shown.iter("table") if table.findtext("caption") == "Figures per class")
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in figures.iter("tr")}
    assert rows["Bâtiment (building)"][:3] == ["10", "15", "0.6667"]  # 10 hits of 10 + 15 - 10
    assert rows["Zone imperméable (impervious surface)"][2] == "none"


def test_document_holds_the_report_and_reads_back(evaluated: QualityReport) -> None:
    assert QualityReport.model_validate_json(evaluated.model_dump_json()) == evaluated
    assert evaluated.headline["mean_rule"].startswith("all evaluated classes")


def test_curves_reach_from_the_first_point_to_the_last() -> None:
    drawn = etree.fromstring(curves("Loss", "falls", [Line("loss", [(0, 2.0), (50, 1.0)])], "step", "loss"))

    points = drawn.find(f"{SVG}polyline").get("points").split()
    assert points == ["62.0,16.0", "622.0,136.0"]  # of 0-2 over 240 px, so that 1 is in the middle
