"""What a visitor chooses for a prediction: kept over reload, language and tabs, priced by the estimate, and sent."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Request, expect

from tests.page.test_prediction import JOB_MS, ZONE
from tests.page.visit import Visit


def test_choices_are_kept_priced_and_sent(visit: Visit) -> None:
    page = visit.page
    visit.open()
    visit.draw(ZONE)
    page.locator("#options summary").click()
    # That of the zone alone may still be on its way.
    with page.expect_request(lambda sent: "/estimate" in sent.url and "augmentation" in inputs_of(sent)) as priced:
        page.get_by_label("Looks at the imagery").select_option("flips")
    assert inputs_of(priced.value)["augmentation"] == "flips"
    # Of two cores' demonstration network: four looks, by what was measured or by their number.
    expect(page.locator("#estimate")).to_contain_text(re.compile(r"multiply the time by \d"))
    page.get_by_label("Looks at the imagery").select_option("none")
    page.get_by_label("Imagery to interpret").select_option("demo-2021")
    page.get_by_label("Land cover polygons").check()
    page.get_by_label("Smallest polygon").fill("25")
    layer = page.locator("#layer").input_value()
    page.get_by_label("Compare with").select_option(json.dumps({"layer": layer}, separators=(",", ":")))
    page.locator("#language").click()
    page.locator("#tab-map").click()
    page.reload()
    visit.settle()

    page.locator("#tab-predict").click()
    expect(page.locator("#options-count")).to_have_text("(modifiés : 3)")
    expect(page.locator("#source")).to_have_value("demo-2021")
    with page.expect_request("**/execution") as sent:
        page.locator("#launch").click()
    inputs = inputs_of(sent.value)
    assert {name: inputs[name] for name in ("source", "language", "minimum_area_m2", "compare")} == {
        "source": "demo-2021",
        "language": "fr",
        "minimum_area_m2": 25,
        "compare": {"layer": layer},
    }
    assert {"polygons", "changes", "classes"} <= set(inputs["outputs"])
    expect(page.locator("#job-status")).to_have_text("Terminée", timeout=JOB_MS)
    expect(page.get_by_role("link", name="GeoPackage")).to_be_visible()

    page.locator("#job-change").click()
    expect(page.locator("#options-count")).to_have_text("(modifiés : 3)")
    page.locator("#options summary").click()
    page.locator("#options-reset").click()
    expect(page.locator("#options-count")).to_have_text("")


def test_a_model_says_what_it_is_in_a_window_that_gives_the_focus_back(visit: Visit) -> None:
    page = visit.page
    visit.open("tab=predict")
    model = page.request.get(f"{visit.server}/api/processes/predict-land-cover").json()["inputs"]["model"]
    card = next(each for each in model["cosia:choices"] if each["value"] == model["schema"]["default"])
    about = page.get_by_role("button", name="About this model")
    about.press("Enter")

    window = page.get_by_role("dialog", name=card["title"])
    for text in (card["description"], *card["cosia:weaknesses"], card["cosia:training"], card["cosia:licence"]):
        expect(window).to_contain_text(text)
    score = card["cosia:scores"][0]
    expect(window.get_by_role("row", name=score["test_set"])).to_contain_text(f"{round(100 * score['mean_iou'], 1):g}%")
    page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    expect(about).to_be_focused()


def inputs_of(request: Request) -> dict[str, Any]:
    inputs: dict[str, Any] = json.loads(request.post_data or "")["inputs"]
    return inputs
