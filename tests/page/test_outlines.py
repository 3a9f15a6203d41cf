"""How a zone is outlined on the map: a dark line on a light one, where the zone lies, whatever the view."""

from __future__ import annotations

import io

from PIL import Image

from tests.page.visit import Colour, Visit

SQUARE = [(-60, -60), (60, -60), (60, 60), (-60, 60)]
BARE = "view=16.00/43.55920/3.26360&opacity=0&background=none&tab=zone"
DARK = (15, 59, 53)


def row_colours(visit: Visit) -> list[Colour]:
    """Of the 400 pixels around the centre of the map, from left to right."""
    x, y = visit.map_centre()
    visit.page.mouse.move(5, 5)
    clip = {"x": x - 200, "y": y, "width": 400, "height": 1}
    row = Image.open(io.BytesIO(visit.page.screenshot(clip=clip))).convert("RGB")
    return list(row.get_flattened_data())


def test_a_zone_is_a_dark_line_on_a_light_one_that_keeps_its_place_when_the_view_changes(visit: Visit) -> None:
    visit.open(BARE)
    ground = row_colours(visit)
    visit.draw(SQUARE)
    visit.settle()

    outlined = row_colours(visit)
    assert [x - 200 for x, colour in enumerate(outlined) if colour == DARK] == [-61, -60, 59, 60]
    # A quarter of these pixels is the dark line's, the rest is white.
    assert all(abs(channel - 195) < 15 for x in (-62, 61) for channel in outlined[200 + x])
    assert outlined[170:230] == ground[170:230]

    visit.page.locator("#zoom-in").click()
    visit.settle()
    assert [x - 200 for x, colour in enumerate(row_colours(visit)) if colour == DARK] == [-121, -120, 119, 120]
