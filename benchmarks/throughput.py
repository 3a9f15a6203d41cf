"""Tiles a second of whole servers, one process each: ours, TiTiler, MapServer, MapProxy; z13 to z19, uncached."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from rasterio.warp import transform_bounds

from app.definitions import Grid
from benchmarks import load, scene, servers
from benchmarks.figures import Figure
from benchmarks.load import Load
from benchmarks.servers import PeerMissing, Server

_SIDE_PX = 20_480
_ZOOMS = range(13, 20)
_ROUNDS = 3
_SECONDS = 5
_TARGETS = {"TiTiler": 12.0, "MapServer": 3.0, "MapProxy + MapServer": 3.0}


def measure() -> list[Figure]:
    """Each server in turn, several times; rates and CPU of the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = scene.write(folder / "classes.tif", _SIDE_PX)
        asked = scene.tiles(place, _ZOOMS)
        print(f"{len(asked)} tiles of a {_SIDE_PX} px square, {_ROUNDS} rounds of {_SECONDS} s a server", flush=True)
        loads: dict[str, list[Load]] = {}
        with _all_servers(folder, place) as running:
            for server in running:
                load.ask(server, [server.path(*tile) for tile in asked[-50:]], 2)  # modules, handles, page cache
            for round_ in range(_ROUNDS):
                for server in running:
                    paths = [server.path(*tile) for tile in asked]
                    measured = load.ask(server, paths, _SECONDS, offset=round_ * len(asked) // _ROUNDS)
                    loads.setdefault(server.name, []).append(measured)
                    print(
                        f"  {server.name:22}{measured.rate:8.1f} tiles/s {measured.cpu_ms:7.2f} ms of CPU a tile",
                        flush=True,
                    )
    return _figures(loads)


@contextmanager
def _all_servers(folder: Path, place: Grid) -> Iterator[list[Server]]:
    """Ours, without its cache, and the peers that can be had."""
    served = servers.publish(folder / "data", "benchmark", folder / "classes.tif")
    extent = transform_bounds(f"EPSG:{place.epsg}", "EPSG:3857", *place.bounds)
    with ExitStack() as stack:
        running = [stack.enter_context(servers.ours(folder / "data", "benchmark", COSIA_TILE_CACHE_BYTES="0"))]
        try:
            running.append(stack.enter_context(servers.titiler(served, folder)))
            behind = stack.enter_context(servers.mapserver(served, extent, place.epsg, folder))
            running.append(behind)
            running.append(stack.enter_context(servers.mapproxy(behind, folder)))
        except PeerMissing as missing:
            print(f"  {missing}")
        yield running


def _figures(loads: dict[str, list[Load]]) -> list[Figure]:
    rates = {name: median(one.rate for one in measured) for name, measured in loads.items()}
    cpu = {name: median(one.cpu_ms for one in measured) for name, measured in loads.items()}
    our_name, *peers = rates
    figures = []
    for peer in (*_TARGETS,):
        if peer not in peers:
            figures.append(Figure(f"tiles/s, uncached, beside {peer}", f"{rates[our_name]:.0f}", "not installed"))
            continue
        ratio = rates[our_name] / rates[peer]
        figures.append(
            Figure(
                f"tiles/s, uncached, beside {peer}",
                f"{rates[our_name]:.0f} ({cpu[our_name]:.2f} ms CPU)",
                f"{rates[peer]:.0f} ({cpu[peer]:.2f} ms CPU)",
                ratio,
                f">= {_TARGETS[peer]:g}x",
                ratio >= _TARGETS[peer],
            )
        )
    return figures
