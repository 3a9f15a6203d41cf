"""Programs outside the Python environment that some tests need, and what happens where one is missing.

Present: the tests run. Missing: they are set aside and counted in one line at the end of the run, with the package to
install. In CI (`CI=true`, or `COSIA_TEST_ALL=1`) a missing one fails the tests that need it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

_SYSTEM_FOLDERS = "/usr/sbin:/sbin"  # where Debian keeps servers; not on everybody's PATH
_DEBIAN_PYTHON_PACKAGES = Path("/usr/lib/python3/dist-packages")
MISSING = "not run here: "


class Component(NamedTuple):
    """title: what people call it. find: its place, None where missing. enable: what to do about that."""

    title: str
    find: Callable[[], Path | None]
    enable: str


def program(*names: str) -> Path | None:
    """The first of these programs that is installed."""
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}"
    return next((Path(found) for name in names if (found := shutil.which(name, path=path))), None)


def postgis() -> Path | None:
    """The folder of PostgreSQL's server programs (initdb, postgres), of the newest version that has PostGIS."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    on_path = program("postgres")
    for folder in [*debian, *([on_path.resolve().parent] if on_path else [])]:
        shares = (Path("/usr/share/postgresql") / folder.parent.name, folder.parent / "share/postgresql")
        if (folder / "initdb").exists() and any((share / "extension/postgis.control").exists() for share in shares):
            return folder
    return None


def qgis() -> Path | None:
    """The interpreter that can import QGIS: its bindings belong to Debian's Python, not to ours."""
    return Path("/usr/bin/python3") if (_DEBIAN_PYTHON_PACKAGES / "qgis").is_dir() else None


def dclint() -> Path | None:
    """The checker of docker-compose.yml, a Node program."""
    path = Path(__file__).parent / "production/node_modules/.bin/dclint"
    return path if path.exists() else None


def openlayers() -> Path | None:
    """The Node packages of the page, with OpenLayers and jsdom among them."""
    path = Path(__file__).parent.parent / "frontend/node_modules"
    return path if (path / "ol").is_dir() and program("node") else None


def mapserver() -> Path | None:
    """MapServer's program, which Debian keeps where web servers look for it."""
    path = Path("/usr/lib/cgi-bin/mapserv")
    return path if path.exists() else program("mapserv")


def mount() -> Path | None:
    """What puts a small file system under a folder."""
    return program("mount") if os.geteuid() == 0 else None


COMPONENTS = {
    "postgis": Component("PostGIS", postgis, "apt install postgresql-15-postgis-3"),
    "redis": Component("Redis", lambda: program("redis-server"), "apt install redis-server"),
    "chromium": Component("Chromium", lambda: program("chromium", "google-chrome"), "apt install chromium"),
    "gdal": Component("GDAL tools", lambda: program("gdal_translate"), "apt install gdal-bin"),
    "qgis": Component("QGIS", qgis, "apt install python3-qgis qgis-providers"),
    "openlayers": Component("OpenLayers", openlayers, "make test installs it"),
    "mount": Component(
        "mount as root", lambda: program("mount") if os.geteuid() == 0 else None, "run the tests as root"
    ),
    "mapserver": Component("MapServer", mapserver, "apt install cgi-mapserver"),
    "nginx": Component("nginx", lambda: program("nginx"), "apt install nginx-light"),
    "dclint": Component("dclint", dclint, "make test installs it"),
}


def require(name: str) -> Path:
    """The place of a component. Where it is missing: ends the test as set aside, or as failed in CI."""
    component = COMPONENTS[name]
    found = component.find()
    if found is not None:
        return found
    reason = f"{MISSING}{component.title} ({component.enable})"
    if os.environ.get("CI") == "true" or os.environ.get("COSIA_TEST_ALL") == "1":
        pytest.fail(f"{reason}: in CI every component must be there", pytrace=False)
    pytest.skip(reason)
