"""Servers to measure: ours, and its peers as their documentation sets them up, each one process, over the same file.

The peers come from `benchmarks/install-peers`. Configuration is generated into a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

_ROOT = Path(__file__).parent.parent
PEERS = _ROOT / ".venv-peers" / "bin"
_START_WITHIN_S = 60
_STOP_WITHIN_S = 5


class PeerMissing(Exception):
    """A peer that is not installed; the message says what to do."""


class Server(NamedTuple):
    """A running server. pids: the processes that make its tiles. path: of a tile z, x, y."""

    name: str
    address: str
    pids: tuple[int, ...]
    path: Callable[[int, int, int], str]


@contextmanager
def ours(data: Path, layer: str, **settings: str) -> Iterator[Server]:
    """`cosia web` over a data folder; settings are `COSIA_` variables."""
    port = _free_port()
    environment = {**os.environ, "COSIA_DATA": str(data), "COSIA_PORT": str(port), **settings}
    with running([sys.executable, "-m", "app.cli", "web"], data.parent, environment, cwd=_ROOT) as pid:
        server = Server(
            "CoSIA Map", f"http://127.0.0.1:{port}", (pid,), lambda z, x, y: f"/tiles/{layer}/{z}/{x}/{y}.png"
        )
        _await(f"{server.address}/readyz")
        yield server


def publish(data: Path, layer: str, raster: Path) -> Path:
    """Publishes a class raster into a data folder; gives the file that is served."""
    command = [sys.executable, "-m", "app.cli", "publish", layer, str(raster)]
    environment = {**os.environ, "COSIA_DATA": str(data)}
    output = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True)  # noqa: S603
    if output.returncode:
        raise RuntimeError(output.stderr)
    return max((data / "layers").rglob("*.tif"), key=lambda path: path.stat().st_size)


@contextmanager
def titiler(raster: Path, folder: Path) -> Iterator[Server]:
    """TiTiler's own TilerFactory behind uvicorn, nothing changed."""
    _require(PEERS / "uvicorn")
    (folder / "titiler_stock.py").write_text(
        "from fastapi import FastAPI\n"
        "from titiler.core.errors import DEFAULT_STATUS_CODES, add_exception_handlers\n"
        "from titiler.core.factory import TilerFactory\n"
        "app = FastAPI()\n"
        "app.include_router(TilerFactory().router)\n"
        "add_exception_handlers(app, DEFAULT_STATUS_CODES)\n"
    )
    port = _free_port()
    command = [PEERS / "uvicorn", "--no-access-log", "--port", str(port), "titiler_stock:app"]
    query = f"url={quote(str(raster), safe='')}"
    # What TiTiler's own images set for COGs (https://developmentseed.org/titiler/advanced/performance_tuning/).
    tuned = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "200", "VSI_CACHE": "TRUE"}
    with running(command, folder, {**os.environ, **tuned}) as pid:
        server = Server(
            "TiTiler",
            f"http://127.0.0.1:{port}",
            (pid,),
            lambda z, x, y: f"/tiles/WebMercatorQuad/{z}/{x}/{y}.png?{query}",
        )
        _await(f"{server.address}/info?{query}")
        yield server


@contextmanager
def empty_fastapi(folder: Path) -> Iterator[Server]:
    """A FastAPI application of one route that answers 204, behind uvicorn without a log: the least there can be."""
    (folder / "nothing.py").write_text(
        "from fastapi import FastAPI, Response\n"
        "app = FastAPI()\n"
        "@app.get('/')\n"
        "async def nothing() -> Response:\n"
        "    return Response(status_code=204)\n"
    )
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--no-access-log", "--port", str(port), "nothing:app"]
    with running(command, folder, dict(os.environ)) as pid:
        server = Server("FastAPI", f"http://127.0.0.1:{port}", (pid,), lambda z, x, y: "/")
        _await(server.address)
        yield server


_MAPFILE = """
MAP
  NAME "benchmark"
  SIZE 256 256
  PROJECTION "EPSG:3857" END
  EXTENT {extent}
  IMAGETYPE "png"
  OUTPUTFORMAT
    NAME "png"
    DRIVER "AGG/PNG"
    MIMETYPE "image/png"
    IMAGEMODE RGBA
    TRANSPARENT ON
  END
  WEB METADATA "wms_enable_request" "*" "wms_srs" "EPSG:3857" "wms_title" "benchmark" END END
  LAYER
    NAME "classes"
    TYPE RASTER
    STATUS ON
    DATA "{raster}"
    PROJECTION "EPSG:{epsg}" END
    PROCESSING "RESAMPLE=NEAREST"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    METADATA "wms_title" "classes" END
  END
END
"""

# A connection to MapServer per request: its process serves one at a time, and a kept one would keep others waiting.
_NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {{
    listen 127.0.0.1:{port};
    keepalive_requests 1000000;
    location / {{
      fastcgi_pass 127.0.0.1:{fastcgi};
      fastcgi_param QUERY_STRING $query_string; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param SERVER_NAME localhost; fastcgi_param SERVER_PORT {port}; fastcgi_param SCRIPT_NAME /;
      fastcgi_param MAPSERVER_CONFIG_FILE {folder}/mapserver.conf; fastcgi_param MS_MAPFILE {folder}/benchmark.map;
    }}
  }}
}}
"""


@contextmanager
def mapserver(raster: Path, extent: Sequence[float], epsg: int, folder: Path) -> Iterator[Server]:
    """One FastCGI process of MapServer behind nginx, tiles by `mode=tile`. extent: of the raster in Web Mercator."""
    programs = {name: _require(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")) for name in _FASTCGI}
    fastcgi, port = _free_port(), _free_port()
    (folder / "benchmark.map").write_text(
        _MAPFILE.format(raster=raster, epsg=epsg, extent=" ".join(str(side) for side in extent))
    )
    (folder / "mapserver.conf").write_text(f'CONFIG\n  ENV\n    MS_MAP_PATTERN "^{folder}/"\n  END\nEND\n')
    (folder / "nginx.conf").write_text(_NGINX.format(fastcgi=fastcgi, port=port, folder=folder))
    environment = {
        **os.environ,
        "MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf"),
        "MS_MAPFILE": str(folder / "benchmark.map"),
    }
    spawn = [programs["spawn-fcgi"], "-n", "-a", "127.0.0.1", "-p", str(fastcgi), "--", programs["mapserv"]]
    nginx = [programs["nginx"], "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    with running(spawn, folder, environment) as pid, running(nginx, folder, environment):
        server = Server(
            "MapServer",
            f"http://127.0.0.1:{port}",
            (pid,),
            lambda z, x, y: f"/?mode=tile&tilemode=gmap&tile={x}+{y}+{z}&layers=classes",
        )
        _await(f"{server.address}/?SERVICE=WMS&REQUEST=GetCapabilities")
        yield server


_FASTCGI = ("mapserv", "spawn-fcgi", "nginx")

_MAPPROXY = """
services: {{tms: {{use_grid_names: true, origin: "nw"}}}}
layers: [{{name: classes, title: classes, sources: [passed_on]}}]
caches:
  passed_on: {{grids: [GLOBAL_WEBMERCATOR], sources: [mapserver], disable_storage: true, meta_size: [1, 1],
               meta_buffer: 0, format: image/png}}
sources:
  mapserver:
    type: wms
    supported_srs: ["EPSG:3857"]
    req: {{url: "{address}/?", layers: classes, transparent: true}}
globals: {{cache: {{base_dir: ./cache, lock_dir: ./locks}}, image: {{paletted: false}}}}
"""


@contextmanager
def mapproxy(behind: Server, folder: Path) -> Iterator[Server]:
    """MapProxy behind waitress, in front of a WMS of MapServer: it renders no raster itself. Its cache is off."""
    _require(PEERS / "waitress-serve")
    (folder / "mapproxy.yaml").write_text(_MAPPROXY.format(address=behind.address))
    (folder / "mapproxy_wsgi.py").write_text(
        "from mapproxy.wsgiapp import make_wsgi_app\napplication = make_wsgi_app('mapproxy.yaml')\n"
    )
    port = _free_port()
    command = [PEERS / "waitress-serve", f"--listen=127.0.0.1:{port}", "--threads=4", "mapproxy_wsgi:application"]
    with running(command, folder, dict(os.environ)) as pid:
        server = Server(
            "MapProxy + MapServer",
            f"http://127.0.0.1:{port}",
            (pid, *behind.pids),
            lambda z, x, y: f"/tiles/classes/GLOBAL_WEBMERCATOR/{z}/{x}/{y}.png",
        )
        _await(f"{server.address}/tms/1.0.0/")
        yield server


def _require(program: Path | str | None) -> str:
    if program is None or not Path(program).exists():
        raise PeerMissing(f"{program or 'a program'} is not installed: run benchmarks/install-peers")
    return str(program)


@contextmanager
def running(
    command: Sequence[object], folder: Path, environment: dict[str, str], cwd: Path | None = None
) -> Iterator[int]:
    """A process with its output in a file of the folder, where it also runs if not told otherwise. Gives its pid."""
    with (folder / f"{Path(str(command[0])).name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [str(part) for part in command],
            cwd=cwd or folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(address: str) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=10):  # noqa: S310 - our own address
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"{address} did not answer within {_START_WITHIN_S} s")
