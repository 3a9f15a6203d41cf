"""A visitor of a fresh service (address as argument): page, map, an area predicted and its results, wrong requests."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile

SERVICE = sys.argv[1]
PROCESS = "/api/processes/predict-land-cover"
# 320 m x 330 m over a corner of four blocks of the demonstration territory, lon/lat.
AOI = [[3.2618, 43.5608], [3.2658, 43.5608], [3.2658, 43.5578], [3.2618, 43.5578], [3.2618, 43.5608]]


def ask(path: str, body: Any = None) -> tuple[int, bytes]:
    """Status and body of a GET, or of a POST when there is a body (sent as it is when bytes, else as JSON)."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(SERVICE + path, data, {"Content-Type": "application/json"} if data else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")
    print(f"ok   {what}: {found}")


def execution(**inputs: Any) -> dict[str, Any]:
    return {"inputs": {"aoi": {"type": "Polygon", "coordinates": [AOI]}, "source": "demo-2024", **inputs}}


def follow(job: str) -> list[dict[str, Any]]:
    """The blocks that were announced while the job ran."""
    blocks, event = [], ""
    with urllib.request.urlopen(f"{SERVICE}/api/jobs/{job}/events", timeout=200) as stream:
        for line in stream:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "block":
                blocks.append(json.loads(value))
    return blocks


def main() -> None:
    expect("page", b"<html" in ask("/")[1], True)
    legend = json.loads(ask("/api/collections/cosia-demo-2021/legend.json")[1])
    expect("classes in the legend", len(legend["classes"]), 16)
    expect("wrong body", ask(f"{PROCESS}/execution", b"{")[0], 400)
    expect("unknown model", ask(f"{PROCESS}/execution", execution(model="none"))[0], 400)
    outside = {"type": "Polygon", "coordinates": [[[x - 1, y] for x, y in AOI]]}
    expect("area outside", ask(f"{PROCESS}/execution", execution(aoi=outside))[0], 400)
    expect("unknown layer", ask("/tiles/nowhere/15/0/0.png")[0], 404)

    status, body = ask(f"{PROCESS}/execution", execution())
    expect("asked", status, 201)
    job = json.loads(body)["jobID"]
    blocks = follow(job)
    state = json.loads(ask(f"/api/jobs/{job}")[1])
    expect("status", state["status"], "successful")
    expect("blocks announced", len(blocks), state["blocks"]["total"])

    results = json.loads(ask(f"/api/jobs/{job}/results")[1])
    areas = json.loads(ask(results["areas"]["href"].removeprefix(SERVICE))[1])
    raster = ask(results["classes"]["href"].removeprefix(SERVICE))[1]
    with MemoryFile(raster) as memory, memory.open() as dataset:
        classes = dataset.read(1)
        expect("resolution of the GeoTIFF, m", dataset.res, (0.2, 0.2))
        expect("colours of the GeoTIFF", dataset.colorinterp[0], rasterio.enums.ColorInterp.palette)
    counted = {value: int((classes == value).sum()) * 0.04 for value in np.unique(classes).tolist() if value}
    told = {row["value"]: row["area_m2"] for row in areas["classes"]}
    expect("classes found", sorted(told), sorted(counted))
    worst = max(abs(told[value] - counted[value]) for value in counted)
    expect("m2 per class equal an own count to a pixel", worst < 0.04, True)
    print(f"     {len(counted)} classes in {areas['area_m2']:.0f} m2")


main()
