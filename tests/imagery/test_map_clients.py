"""Map servers that are slow, busy, broken or malicious: what is tried again, what is said, what is never done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import imagery
from app.errors import ImageryRefused, Unavailable
from app.imagery.remote import Cell, CellPixels, RemoteCells, client
from tests.imagery_files import random_bytes
from tests.map_servers import Door, Reply, door_to

SIDE = 64
PIXELS = random_bytes(3, SIDE, SIDE)
CELL = Cell(3, 5)

Read = Callable[..., CellPixels]


def _image(pixels: np.ndarray = PIXELS, format: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(np.moveaxis(pixels, 0, -1)).save(file, format)
    return file.getvalue()


def _grey() -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS[0]).save(file, "PNG")
    return file.getvalue()


def _reply(body: bytes, kind: str = "image/png", status: int = 200, **more: Any) -> Reply:
    return Reply(status, {"Content-Type": kind}, body, **more)


def _exception(code: str, text: str) -> bytes:
    said = f'<ServiceException code="{code}">{text}</ServiceException>'
    report = (
        f'<ServiceExceptionReport version="1.3.0" xmlns="http://www.opengis.net/ogc">{said}</ServiceExceptionReport>'
    )
    return f'<?xml version="1.0"?>{report}'.encode()


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(client, "_UNSTATED_WAIT_S", 0.01)


@pytest.fixture
def door() -> Iterator[Door]:
    with door_to(lambda _: _reply(_image())) as door:
        yield door


@pytest.fixture
def read(door: Door) -> Read:
    return lambda **more: _reader(door)(**more)


def _reader(door: Door, *, cell: Cell = CELL, **more: Any) -> Read:
    layer = {"role": "rgb", "layer": "ortho", "cell_px": SIDE} | more.pop("layer", {})
    service = {"url": door.url, "requests_per_s": 40, "timeout_s": 5, "layers": [layer]} | more
    source = imagery.define_service(
        {"id": "town", "title": "Town", "epsg": 2154, "bbox": (3, 43, 4, 44), "service": service}
    )
    assert source.service is not None
    cells, first = RemoteCells(source, source.service), source.service.layers[0]
    return lambda patience_s=10.0, cell=cell: cells.read(first, cell, time.monotonic() + patience_s)


@pytest.mark.parametrize(
    "weather",
    [
        Reply(500),
        Reply(502),
        Reply(503, {"Retry-After": "0"}),
        Reply(429, {"Retry-After": "0"}),
        Reply(429, {"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1))}),
        Reply(429, {"Retry-After": "soon"}),
        _reply(_image(), short=100),
        _reply(_image()[:-100]),
        _reply(b""),
        _reply(b"<html><body>Back in a minute</body></html>", "text/html"),
        _reply(_exception("", "msDrawMap(): Image handling error"), "text/xml"),
    ],
    ids=[
        "500",
        "502",
        "503",
        "429",
        "429 until a date",
        "429 without sense",
        "connection cut",
        "truncated",
        "empty",
        "HTML under 200",
        "a fault under 200",
    ],
)
def test_what_may_pass_is_tried_again(door: Door, read: Read, weather: Reply) -> None:
    door.failing = [weather]

    assert np.array_equal(read().values, PIXELS)
    assert len(door.asked) == 2


def test_a_fault_that_stays_makes_the_imagery_unavailable_and_names_the_source(door: Door, read: Read) -> None:
    door.failing = [Reply(502) for _ in range(10)]

    with pytest.raises(Unavailable, match=r"map server of imagery source town: it has a fault of its own \(502\)"):
        read()
    assert len(door.asked) == 4


def test_silence_ends_after_the_time_of_the_definition(door: Door) -> None:
    door.failing = [_reply(_image(), wait_s=0.5) for _ in range(10)]

    with pytest.raises(Unavailable, match="does not answer in time"):
        _reader(door, timeout_s=0.05)()


def test_a_server_that_is_not_there_is_weather() -> None:
    with door_to(lambda _: Reply()) as door:
        pass
    with pytest.raises(Unavailable, match="cannot be reached"):
        _reader(door)()


def test_nobody_asks_a_server_that_has_told_one_thread_to_wait(door: Door) -> None:
    door.failing = [Reply(429, {"Retry-After": "60"})]

    with pytest.raises(Unavailable, match="429") as told:
        _reader(door)()
    with pytest.raises(Unavailable, match="patience"):
        _reader(door, edition="another source of the same host")(cell=Cell(9, 9))

    assert told.value.retry_after_s == 60
    assert len(door.asked) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_reply(_exception("LayerNotDefined", "Layer ortho does not exist"), "text/xml"), "Layer ortho does not exist"),
        (_reply(_exception("", "no such layer"), "text/xml", 400), "no such layer"),
        (_reply(_exception("InvalidFormat", "not offered"), "application/vnd.ogc.se_xml"), "not offered"),
        (Reply(401), r"refused \(401\)"),
        (Reply(403), r"refused \(403\)"),
        (Reply(404, body=b"gone"), "404"),
        (_reply(b"<html>no</html>", "text/html", 404), "404 with a page"),
        (_reply(_image(format="JPEG"), "image/jpeg"), "another format came instead of image/png"),
        (_reply(b"hello", "text/plain"), "text/plain came instead of image/png"),
        (_reply(_image(random_bytes(3, 32, 32))), "32 x 32 pixels came instead of 64 x 64"),
        (_reply(_grey()), "L pixels came instead of 3 bands"),
    ],
)
def test_what_no_try_will_better_is_said_in_the_words_of_the_server(
    door: Door, read: Read, answer: Reply, words: str
) -> None:
    door.failing = [answer]

    with pytest.raises(ImageryRefused, match=words):
        read()
    assert len(door.asked) == 1


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://169.254.169.254/latest/meta-data", "another host"),
        ("file:///etc/passwd", "another host"),
        ("https://127.0.0.1/wms", "another host"),
        ("", "without end"),
    ],
)
def test_a_redirection_leads_to_no_other_host(door: Door, read: Read, location: str, words: str) -> None:
    door.failing = [Reply(302, {"Location": location}) for _ in range(4)]

    with pytest.raises(ImageryRefused, match=words):
        read()


def test_a_redirection_on_the_same_server_is_followed(door: Door, read: Read) -> None:
    door.failing = [Reply(301, {"Location": "/new?a=1"})]

    assert np.array_equal(read().values, PIXELS)
    assert door.paths == ["/wms", "/new"]


def test_an_answer_without_end_is_not_read_to_its_end(door: Door, read: Read) -> None:
    door.failing = [_reply(b"\x89PNG\r\n\x1a\n" + bytes(10_000_000))]

    with pytest.raises(ImageryRefused, match="more than was asked"):
        read()


def test_an_exception_with_entities_is_not_expanded(door: Door, read: Read) -> None:
    entity = b'<!DOCTYPE a [<!ENTITY b "boom">]>'
    bomb = entity + _exception("InvalidFormat", "&b;").partition(b"?>")[2]
    door.failing = [_reply(bomb, "text/xml", 400)]

    with pytest.raises(ImageryRefused) as told:
        read()
    assert "boom" not in told.value.message


def test_the_server_learns_who_asks(door: Door, read: Read) -> None:
    read()

    assert door.agents[0].startswith("cosia-map/")


def test_words_of_the_address_and_of_the_request_arrive_together(door: Door) -> None:
    _reader(door, url=f"{door.url}?map=/maps/a.map&apikey=k%26y", layer={"style": "a/b c"})()

    asked = door.parameters()[0]
    assert (asked["map"], asked["apikey"], asked["STYLES"], asked["LAYERS"]) == ("/maps/a.map", "k&y", "a/b c", "ortho")


def test_no_message_tells_the_key_in_the_address(door: Door) -> None:
    door.failing = [Reply(403)]

    with pytest.raises(ImageryRefused) as told:
        _reader(door, url=f"{door.url}?apikey=secret")()
    assert "secret" not in told.value.message


def test_an_alpha_channel_says_where_nothing_is(door: Door, read: Read) -> None:
    alpha = np.full((1, SIDE, SIDE), 255, np.uint8)
    alpha[0, :10] = 0
    door.failing = [_reply(_image(np.concatenate([PIXELS, alpha])))]

    found = read()

    assert np.array_equal(found.values, PIXELS)
    assert (found.seen.sum(), found.seen[:10].any()) == (SIDE * (SIDE - 10), False)


def test_heights_without_a_header_are_read_as_floats(door: Door) -> None:
    heights = np.linspace(-3, 70, SIDE * SIDE, dtype="<f4")
    door.failing = [_reply(heights.tobytes()[:-4], "image/x-bil"), _reply(heights.tobytes(), "image/x-bil;bits=32")]
    metres = {"role": "height", "pixels": "metres", "format": "image/x-bil;bits=32", "resolution_m": 0.5}

    found = _reader(door, layer=metres)()

    assert np.array_equal(found.values.ravel(), heights)
    assert door.parameters()[0]["FORMAT"] == "image/x-bil;bits=32"


def test_no_more_requests_are_under_way_than_the_definition_says(door: Door) -> None:
    read = _reader(door, parallel=2)
    door.failing = [_reply(_image(), wait_s=0.05) for _ in range(8)]
    threads = [threading.Thread(target=read, kwargs={"cell": Cell(n, 0)}) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(door.asked), door.most_at_once) == (8, 2)


def test_threads_that_want_the_same_cell_ask_once(door: Door, read: Read) -> None:
    read = _reader(door)
    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(door.asked) == 1
