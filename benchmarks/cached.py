"""A tile that is in memory beside an empty answer: what the framework costs, and what we add to it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import load, scene, servers
from benchmarks.figures import Figure
from benchmarks.load import Load

_SIDE_PX = 2048
_ROUNDS = 5
_SECONDS = 2
_MOST = 1.5


def measure() -> list[Figure]:
    """CPU per answer, medians of rounds taken in turn: a tile, /healthz, and a bare FastAPI route with nothing."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        place = scene.write(folder / "classes.tif", _SIDE_PX)
        servers.publish(folder / "data", "benchmark", folder / "classes.tif")
        ours = stack.enter_context(servers.ours(folder / "data", "benchmark"))
        bare = stack.enter_context(servers.empty_fastapi(folder))
        tile = ours.path(*scene.tiles(place, range(17, 18))[0])
        asked = {"cached tile": (ours, tile), "/healthz": (ours, "/healthz"), "bare FastAPI": (bare, "/")}
        loads: dict[str, list[Load]] = {}
        for server, path in asked.values():
            load.ask(server, [path], 1)
        for _ in range(_ROUNDS):
            for what, (server, path) in asked.items():
                loads.setdefault(what, []).append(load.ask(server, [path], _SECONDS))
    cpu = {what: median(one.cpu_ms for one in measured) for what, measured in loads.items()}
    for what, measured in loads.items():
        print(
            f"  {what:14}{median(one.rate for one in measured):8.0f} answers/s {cpu[what]:7.3f} ms of CPU", flush=True
        )
    return [_figure(cpu["cached tile"], peer, cpu[peer]) for peer in ("/healthz", "bare FastAPI")]


def _figure(our_ms: float, peer: str, peer_ms: float) -> Figure:
    ratio = our_ms / peer_ms
    return Figure(
        f"cached tile beside an empty answer of {peer}",
        f"{our_ms:.3f} ms CPU",
        f"{peer_ms:.3f} ms CPU",
        ratio,
        f"<= {_MOST:g}x",
        ratio <= _MOST,
    )
