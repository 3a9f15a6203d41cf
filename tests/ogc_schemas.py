"""The XML schemas that the OGC publishes, as MapProxy's wheel carries them: complete, with relative imports."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import mapproxy
from lxml import etree

CAPABILITIES = "wmts/1.0/wmtsGetCapabilities_response.xsd"
EXCEPTIONS = "ows/1.1.0/owsExceptionReport.xsd"

_FOLDER = Path(mapproxy.__file__).parent / "test/schemas"


def require_valid(document: bytes, schema: str) -> None:
    """Raises lxml's DocumentInvalid, with what is wrong and where."""
    _schema(schema).assertValid(etree.fromstring(document))


@cache
def _schema(name: str) -> etree.XMLSchema:
    # This copy is older than the correction that lets limits begin at 0; ours do where a territory does.
    text = (_FOLDER / name).read_bytes()
    corrected = re.sub(rb'(name="MinTile(?:Row|Col)" type=")positiveInteger', rb"\1nonNegativeInteger", text)
    parser = etree.XMLParser(no_network=True)
    return etree.XMLSchema(etree.fromstring(corrected, parser, base_url=str(_FOLDER / name)))
