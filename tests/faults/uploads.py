"""Files that other services take as areas, and what attackers make of them: none may be unpacked or followed."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

import rasterio
from affine import Affine

KML, GPX, ZIP, TIFF = "application/vnd.google-earth.kml+xml", "application/gpx+xml", "application/zip", "image/tiff"

_MIB = 1 << 20


class Upload(NamedTuple):
    media_type: str
    content: bytes


def uploads(secret: Path, listener: str, scratch: Path) -> dict[str, Upload]:
    """One of each kind. secret: a file, listener: an address, which some of them try to reach."""
    return {
        "a KML of a billion laughs": Upload(KML, _billion_laughs("kml")),
        "a GPX of a billion laughs": Upload(GPX, _billion_laughs("gpx")),
        "a KML with a file as an entity": Upload(KML, _external_entity("kml", secret.as_uri())),
        "a GPX with an address as an entity": Upload(GPX, _external_entity("gpx", listener)),
        "a KML that links to an address": Upload(KML, _linking_kml(listener)),
        "a zip of 256 MiB": Upload(ZIP, _zip({"area.geojson": bytes(256 * _MIB)})),
        "a zip that leaves its folder": Upload(ZIP, _zip({"../../../../evil.shp": b"x", "/evil.shp": b"x"})),
        "a zip with a symbolic link": Upload(ZIP, _linking_zip(secret)),
        "a zip of 10 000 files": Upload(ZIP, _zip({f"{number}.shp": b"" for number in range(10_000)})),
        "a zip in a zip": Upload(ZIP, _zip({"a.zip": _zip({"b.zip": _zip({"area.shp": b"x"})})})),
        "an encrypted zip": Upload(ZIP, _encrypted(_zip({"area.shp": b"x" * 20}))),
        "a shapefile without a CRS": Upload(ZIP, _zip({f"area.{end}": _SHAPE_HEADER for end in ("shp", "shx")})),
        "a GeoTIFF of 40 gigabytes": Upload(TIFF, _sparse_tiff(scratch / "bomb.tif")),
    }


def _billion_laughs(root: str) -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE {root} [<!ENTITY l0 "lol">{lines}]><{root}>&l9;</{root}>'.encode()


def _external_entity(root: str, address: str) -> bytes:
    return f'<!DOCTYPE {root} [<!ENTITY e SYSTEM "{address}">]><{root}>&e;</{root}>'.encode()


def _linking_kml(address: str) -> bytes:
    link = f"<NetworkLink><Link><href>{address}/area.kml</href></Link></NetworkLink>"
    return f'<kml xmlns="http://www.opengis.net/kml/2.2">{link}</kml>'.encode()


def _zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _linking_zip(target: Path) -> bytes:
    packed = io.BytesIO()
    link = zipfile.ZipInfo("area.shp")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16  # 3: Unix, whose modes those are
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(link, str(target))
    return packed.getvalue()


def _encrypted(archive: bytes) -> bytes:
    """The archive with its one file marked as encrypted: bit 0 of the flags, in both headers (APPNOTE 4.4.4)."""
    marked = bytearray(archive)
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        marked[archive.index(header) + flags] |= 1
    return bytes(marked)


_SHAPE_HEADER = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, 50) + struct.pack("<2i8d", 1000, 5, *(0.0,) * 8)
"""Of a .shp or .shx of polygons with none in it (ESRI Shapefile, table 1): 100 bytes, which are 50 words."""


def _sparse_tiff(path: Path) -> bytes:
    """A few kilobytes that say they are 200 000 × 200 000 pixels."""
    side = {"width": 200_000, "height": 200_000, "blockxsize": 8192, "blockysize": 8192}
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "tiled": True, "compress": "deflate", "sparse_ok": True}
    place = {"crs": "EPSG:2154", "transform": Affine(0.2, 0, 700_000, 0, -0.2, 6_300_000)}
    with rasterio.open(path, "w", **profile, **side, **place):
        pass
    return path.read_bytes()
