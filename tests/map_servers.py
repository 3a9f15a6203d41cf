"""Map servers on this machine: MapServer and MapProxy behind a door that a test can make fail as it likes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.components import require

_MAP = """
MAP
  NAME "trial" SIZE 64 64 MAXSIZE 4096 UNITS METERS IMAGECOLOR 0 0 0
  EXTENT {left} {bottom} {right} {top}
  PROJECTION "init=epsg:2154" END
  WEB METADATA
    "ows_enable_request" "*" "ows_title" "trial" "ows_srs" "EPSG:2154 EPSG:3857"
    "ows_onlineresource" "http://127.0.0.1/?"
    "wms_getmap_formatlist" "image/png,image/jpeg,image/tiff,image/geotiff"
  END END
  OUTPUTFORMAT NAME "png" DRIVER AGG/PNG MIMETYPE "image/png" IMAGEMODE RGB END
  OUTPUTFORMAT NAME "jpeg" DRIVER AGG/JPEG MIMETYPE "image/jpeg" IMAGEMODE RGB FORMATOPTION "QUALITY=95" END
  OUTPUTFORMAT NAME "tiff" DRIVER GDAL/GTiff MIMETYPE "image/tiff" IMAGEMODE RGB EXTENSION "tif" END
  OUTPUTFORMAT NAME "heights" DRIVER GDAL/GTiff MIMETYPE "image/geotiff" IMAGEMODE FLOAT32
    FORMATOPTION "NULLVALUE=-99999" EXTENSION "tif" END
{layers}
END
"""
_LAYER = """
  LAYER NAME "{name}" TYPE RASTER STATUS ON DATA "{path}" PROJECTION "init=epsg:2154" END
    METADATA "ows_title" "{name}" END PROCESSING "RESAMPLE=NEAREST" END
"""


@dataclass(frozen=True)
class Reply:
    """short: bytes of the body that are kept back although its length was announced. wait_s: before anything."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    short: int = 0
    wait_s: float = 0.0


Answer = Callable[[str], Reply]
"""What a server answers to a query string."""


class Door:
    """asked: the query strings so far. agents: the User-Agent of each. failing: replies given first, in their order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.agents: list[str] = []
        self.paths: list[str] = []
        self.failing: list[Reply] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def parameters(self) -> list[dict[str, str]]:
        return [{name: values[0] for name, values in parse_qs(query).items()} for query in self.asked]


@contextmanager
def door_to(answer: Answer, port: int = 0) -> Iterator[Door]:
    """Serves on that port, 0 for a free one, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            with door.lock:
                door.asked.append(parts.query)
                door.paths.append(parts.path)
                door.agents.append(self.headers.get("User-Agent", ""))
                door.at_once += 1
                door.most_at_once = max(door.most_at_once, door.at_once)
                planned = door.failing.pop(0) if door.failing else None
            reply = planned or answer(parts.query)
            time.sleep(reply.wait_s)
            with door.lock:
                door.at_once -= 1
            try:
                self.send_response(reply.status)
                for name, value in ({"Content-Length": str(len(reply.body))} | reply.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body[: len(reply.body) - reply.short])
            except OSError:
                pass  # the client has had enough
            if reply.short:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    door = Door(f"http://127.0.0.1:{server.server_port}/wms")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def mapserver(folder: Path, layers: dict[str, Path], bounds: tuple[float, float, float, float]) -> Answer:
    """Debian's MapServer over these rasters. bounds: (left, bottom, right, top), EPSG:2154."""
    environment = mapserver_environment(folder, layers, bounds)
    binary = require("mapserver")

    def answer(query: str) -> Reply:
        told = environment | {"REQUEST_METHOD": "GET", "QUERY_STRING": f"map={folder / 'trial.map'}&{query}"}
        done = subprocess.run([binary], env=told, capture_output=True, check=True, timeout=60)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return Reply(int(headers.pop("Status", "200 OK").split()[0]), headers, body)

    return answer


def mapserver_environment(
    folder: Path, layers: dict[str, Path], bounds: tuple[float, float, float, float]
) -> dict[str, str]:
    """Writes trial.map into the folder; gives the environment in which MapServer reads it."""
    left, bottom, right, top = bounds
    described = "".join(_LAYER.format(name=name, path=path) for name, path in layers.items())
    text = _MAP.format(left=left, bottom=bottom, right=right, top=top, layers=described)
    (folder / "trial.map").write_text(text)
    (folder / "mapserver.conf").write_text('CONFIG\n ENV\n  MS_MAP_PATTERN "."\n END\nEND\n')
    return {"MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf"), "PATH": os.environ["PATH"]}


def mapproxy(folder: Path, layers: dict[str, Path], bounds: tuple[float, float, float, float]) -> Answer:
    """MapProxy's WMTS in this process, with tiles of MapServer on the prediction grid, 0.2 m at level 20."""
    from mapproxy.wsgiapp import make_wsgi_app

    os.environ.update(mapserver_environment(folder, layers, bounds))
    names = list(layers)
    configuration: dict[str, Any] = {
        "globals": {
            "mapserver": {"binary": str(require("mapserver")), "working_dir": str(folder)},
            "cache": {"base_dir": str(folder / "tiles"), "lock_dir": str(folder / "locks")},
        },
        "services": {"wmts": {"kvp": True, "restful": True}},
        "grids": {
            "france": {
                "srs": "EPSG:2154",
                "origin": "ul",
                "bbox": [0, 0, 12_000_000, 12_000_000],
                "min_res": 209_715.2,
                "res_factor": 2,
                "num_levels": 22,
                "tile_size": [256, 256],
            }
        },
        "sources": {
            name: {
                "type": "mapserver",
                "supported_srs": ["EPSG:2154"],
                "req": {"layers": name, "map": str(folder / "trial.map"), "format": "image/png"},
            }
            for name in names
        },
        "caches": {
            name: {
                "grids": ["france"],
                "sources": [name],
                "format": "image/png",
                "meta_size": [1, 1],
                "meta_buffer": 0,
                "disable_storage": True,
            }
            for name in [*names]
        },
        "layers": [{"name": name, "title": name, "tile_sources": [name]} for name in names],
    }
    configuration["caches"] = {f"{name}_tiles": cache for name, cache in configuration["caches"].items()}
    configuration["layers"] = [{"name": n, "title": n, "tile_sources": [f"{n}_tiles"]} for n in names]
    import yaml

    path = folder / "mapproxy.yaml"
    path.write_text(yaml.safe_dump(configuration))
    application = make_wsgi_app(str(path))

    def answer(query: str) -> Reply:
        told: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            told.update(status=int(status.split()[0]), headers=dict(headers))
            return lambda _: None

        environment = {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/service",
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": BytesIO(),
        }
        body = b"".join(application(environment, start))
        headers = {name: value for name, value in told["headers"].items() if name.lower() == "content-type"}
        return Reply(told["status"], headers, body)

    return answer
