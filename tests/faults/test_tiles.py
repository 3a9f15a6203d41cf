"""Tiles of a running server: wrong numbers, smuggled places, costly wishes, odd methods (T01, T02, T04, T06, T07)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.faults.observations import (
    Listener,
    canary,
    fingerprints,
    outbound_listener,
    require_exception_report,
    require_logged,
    require_refusal,
    require_silent,
)
from tests.faults.routes import filled, read_routes
from tests.faults.server import Answer, WebProcess

GOOD_TILE = "/tiles/town/17/66722/47880.png"  # it holds the corner of the town: 3.2585 E, 43.5629 N
TEMPLATES = (
    "/tiles/town/{z}/{x}/{y}.png",
    "/api/collections/town/map/tiles/WebMercatorQuad/{z}/{y}/{x}",
    "/imagery/none/{z}/{x}/{y}.jpg",
    "/api/jobs/none/tiles/{z}/{x}/{y}.png",
)

DRAWN = "cosia_tile_render_seconds_count"

NO_LEVELS = ("-1", "99", "1000000")
NO_NUMBERS = ("-1", "131072", "1" + 20 * "0", "1e3", "%00", "0x1", quote("٣"), "+1", "%201")
NOT_TIDIED = ("/tiles/town/17/./66722/47880.png", "/tiles/town//17/66722/47880.png", "//tiles/town/17/66722/47880.png")


def _wrong_numbers() -> Iterator[str]:
    for template in TEMPLATES:
        for z in NO_LEVELS:
            yield template.format(z=z, x=0, y=0)
        for number in NO_NUMBERS:
            yield template.format(z=17, x=number, y=47880)
            yield template.format(z=17, x=66722, y=number)
    yield from NOT_TIDIED


def test_a_tile_that_does_not_exist_is_refused_before_anything_is_rendered(server: WebProcess) -> None:
    assert server.ask(GOOD_TILE).status == 200
    drawn = server.metric(DRAWN)
    assert drawn > 0

    answers = [server.ask(target) for target in _wrong_numbers()]

    for answer in answers:
        require_refusal(answer, server, 400, 404)
    assert server.metric(DRAWN) == drawn
    require_logged(server, answers)


def _places(listener: Listener, server: WebProcess) -> list[str]:
    inline_vrt = f"<VRTDataset><SourceFilename>{server.secret}</SourceFilename></VRTDataset>"
    inline_wms = f'<GDAL_WMS><Service name="TMS"><ServerUrl>{listener.address}</ServerUrl></Service></GDAL_WMS>'
    return [
        f"{listener.address}/a.tif",
        f"/vsicurl/{listener.address}/a.tif",
        f"/vsizip/vsicurl/{listener.address}/a.zip/a.tif",
        f"WMS:{listener.address}/wms",
        inline_vrt,
        inline_wms,
        f"<MRF_META><CachedSource><Source>{listener.address}</Source></CachedSource></MRF_META>",
        f"file://{server.secret}",
        str(server.secret),
        "/etc/passwd",
        "MEM:::DATAPOINTER=1,PIXELS=1,LINES=1",
        f"vrt://{server.secret}",
        "/dev/zero",
        "../../cosia.sqlite",
    ]


@pytest.mark.parametrize("name", ["url", "path", "src", "dataset", "layer"])
def test_a_place_in_a_parameter_is_never_opened(server: WebProcess, name: str) -> None:
    before = fingerprints(server.data / "layers", server.secret.parent / "secret.txt")
    answers: list[Answer] = []
    with outbound_listener() as listener, canary(server, GOOD_TILE):
        for path in read_routes(server):
            good = filled(path)
            plain = server.ask(good)
            for place in _places(listener, server):
                answer = server.ask(f"{good}?{name}={quote(place, safe='')}")
                answers.append(answer)
                if answer.status == 200:
                    assert answer.body == plain.body, good
                elif path.startswith("/wmts"):
                    require_exception_report(answer, server, 400, 404)
                else:
                    require_refusal(answer, server, 400, 404)
                require_silent(answer, server)

    assert fingerprints(server.data / "layers", server.secret.parent / "secret.txt") == before
    require_logged(server, answers)


@pytest.mark.parametrize("name", ["layer", "source", "jobID", "tileMatrixSetId", "file"])
def test_a_place_in_a_path_is_unknown(server: WebProcess, name: str) -> None:
    with outbound_listener() as listener:
        paths = [path for path in read_routes(server) if f"{{{name}}}" in path]
        assert paths
        for path, place in itertools.product(paths, _places(listener, server)):
            target = filled(path, **{name: quote(place, safe="")})
            require_refusal(server.ask(target), server, 400, 404)


COSTLY_NAMES = ("@0x", "@3x", "@100x", "@-1x", "@2.5x")
COSTLY_PAIRS = (
    "tilesize=20000",
    "buffer=2000",
    "padding=5000",
    "width=50000",
    "height=50000",
    "max_size=1e9",
    "histogram_bins=1e9",
    "cover_scale=1000",
)
OTHER_LOOKS = ("resampling=bilinear", "rescale=0,1", "colormap=%7B%7D", "colormap_name=viridis", "expression=b1*2")
RESIDENT = "process_resident_memory_bytes"
MOST_GROWTH_BYTES = 50_000_000


def test_a_costly_wish_is_refused_before_it_costs(server: WebProcess) -> None:
    drawn, resident_bytes = server.metric(DRAWN), server.metric(RESIDENT)
    stem = GOOD_TILE.removesuffix(".png")

    answers = [server.ask(f"{stem}{name}.png") for name in COSTLY_NAMES]
    answers += [server.ask(f"{GOOD_TILE}?{pair}") for pair in COSTLY_PAIRS]

    for answer in answers:
        require_refusal(answer, server, 400, 404)
    assert server.metric(DRAWN) == drawn
    assert server.metric(RESIDENT) - resident_bytes < MOST_GROWTH_BYTES
    require_logged(server, answers)


@pytest.mark.parametrize("pair", OTHER_LOOKS)
def test_a_look_that_would_mix_classes_is_refused(server: WebProcess, pair: str) -> None:
    require_refusal(server.ask(f"{GOOD_TILE}?{pair}"), server, 400)


def test_a_class_tile_is_never_lossy(server: WebProcess) -> None:
    png = server.ask(GOOD_TILE)

    require_refusal(server.ask(GOOD_TILE.replace(".png", ".jpg")), server, 404)
    assert server.ask(GOOD_TILE, accept="image/jpeg").body == png.body
    assert png.body.startswith(b"\x89PNG")


@pytest.mark.parametrize("target", [GOOD_TILE, "/imagery/none/17/0/0.jpg", "/api/collections/town/legend.json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_an_address_that_is_read_names_the_methods_it_takes(server: WebProcess, method: str, target: str) -> None:
    answer = server.ask(target, method)

    require_refusal(answer, server, 405)
    assert answer.headers["allow"] == "GET, HEAD"


def test_head_tells_what_get_would_send(server: WebProcess) -> None:
    got, told = server.ask(GOOD_TILE), server.ask(GOOD_TILE, "HEAD")

    assert (told.status, told.body) == (200, b"")
    assert told.headers["content-length"] == str(len(got.body))
    assert told.headers["etag"] == got.headers["etag"]


def test_a_client_that_has_the_tile_gets_no_second_copy(server: WebProcess) -> None:
    etag = server.ask(GOOD_TILE).headers["etag"]

    for asked in (etag, f'"other", W/{etag}'):
        answer = server.ask(GOOD_TILE, if_none_match=asked)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)


def _download(server: WebProcess) -> str:
    """Address of a layer's GeoTIFF, from its STAC item."""
    [item] = server.ask("/api/stac/town/items").document["features"]
    hrefs = [asset["href"] for asset in item["assets"].values() if asset["href"].endswith(".tif")]
    return str(hrefs[0].removeprefix(server.address))


def test_a_thousand_ranges_are_answered_as_one_or_none(server: WebProcess) -> None:
    ranges = "bytes=" + ",".join(["0-"] * 1000)
    download = _download(server)
    whole = server.ask(download)
    assert whole.status == 200

    for target, size in ((GOOD_TILE, len(server.ask(GOOD_TILE).body)), (download, len(whole.body))):
        answer = server.ask(target, range=ranges)
        assert answer.status in (200, 206, 416)
        assert len(answer.body) <= size
