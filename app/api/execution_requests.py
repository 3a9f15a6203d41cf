"""An execution request as OGC API - Processes 1.0 writes it (section 7.11), made plain for the process.

The standard lets a value be qualified, a bounding box, or referred to by a link; and it names the outputs beside the
inputs. A process sees `{"inputs": {name: value}}` alone, the names of the outputs among them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from app.api.bodies import parse_json
from app.definitions import MOST_MEMBERS, Augmentation, Language
from app.errors import Invalid, ParameterInvalid
from app.outputs import OUTPUTS

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_JSON_TYPES = ("application/json", "application/geo+json")
_CRS84_NAMES = (CRS84, "http://www.opengis.net/def/crs/OGC/0/CRS84", "[OGC:CRS84]", "OGC:CRS84")

EXECUTE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "inputs": {
                            "type": "object",
                            "description": "Those that the description of the process lists.",
                            "required": ["aoi"],
                            "additionalProperties": False,
                            "properties": {
                                "aoi": {"type": "object", "description": "GeoJSON polygon, longitude/latitude"},
                                "source": {"type": "string"},
                                "model": {"type": "string"},
                                "ensemble": {
                                    "type": "array",
                                    "maxItems": MOST_MEMBERS - 1,
                                    "uniqueItems": True,
                                    "items": {"type": "string"},
                                },
                                "augmentation": {"type": "string", "enum": [str(each) for each in Augmentation]},
                                "priority": {"type": "integer", "enum": [0, 1, 2]},
                                "outputs": {
                                    "type": "array",
                                    "items": {"type": "string", "enum": list(OUTPUTS)},
                                },
                                "language": {"type": "string", "enum": list(Language)},
                                "gaps": {"type": "boolean"},
                                "minimum_area_m2": {"type": "number", "minimum": 0},
                                "compare": {"type": "object"},
                                "layer": {"type": "string"},
                                "from": {"type": "string"},
                                "to": {"type": "string"},
                            },
                        },
                        "outputs": {"type": "object", "description": "Those wanted, as the standard names them."},
                        "response": {"type": "string", "enum": ["document", "raw"], "default": "document"},
                    },
                }
            }
        },
    }
}
"""Of an execution and an estimate, for the OpenAPI document: what every process may take."""


def plain_request(body: dict[str, Any], *, outputs: Sequence[str], chooses_outputs: bool) -> dict[str, Any]:
    """`{"inputs": …}`, and `"response": "raw"` where that is asked for.

    outputs: names of those the process has; chooses_outputs: whether it takes them as input `outputs`. Raises
    ParameterInvalid with what is allowed.
    """
    if "subscriber" in body:
        raise ParameterInvalid(
            "this service calls nobody back: follow the job by its events, or ask for its status", "subscriber"
        )
    response = body.get("response", "document")
    if response not in ("document", "raw"):
        raise ParameterInvalid("response must be document or raw", "response")
    given = body.get("inputs")
    inputs = {name: _value(name, value) for name, value in given.items()} if isinstance(given, dict) else given
    if "outputs" in body:
        names = _named_outputs(body["outputs"], outputs)
        if chooses_outputs and isinstance(inputs, dict):
            if "outputs" in inputs:
                raise ParameterInvalid("name the outputs once: beside the inputs, or among them", "outputs")
            inputs["outputs"] = names
    plain = {} if inputs is None else {"inputs": inputs}
    return {**plain, "response": "raw"} if response == "raw" else plain


def _named_outputs(asked: object, known: Sequence[str]) -> list[str]:
    if not isinstance(asked, dict) or not asked or not set(asked) <= set(known):
        raise ParameterInvalid(f"outputs must be an object with some of {', '.join(known)}", "outputs")
    for name, options in asked.items():
        if not isinstance(options, dict) or options.get("transmissionMode", "reference") != "reference":
            raise ParameterInvalid(
                f"output {name!r} is given by reference only (transmissionMode reference)", "outputs"
            )
    return list(asked)


def _value(name: str, value: object) -> object:
    """The value itself, however it is wrapped."""
    if not isinstance(value, dict) or "coordinates" in value:
        return value
    if "href" in value:
        return _referred(name, value["href"])
    if "value" in value and set(value) <= {"value", "mediaType", "encoding", "schema"}:
        if value.get("mediaType", _JSON_TYPES[0]) not in _JSON_TYPES or "encoding" in value:
            raise ParameterInvalid(f"input {name!r} is JSON: mediaType is one of {', '.join(_JSON_TYPES)}", name[:100])
        return value["value"]
    if "bbox" in value and "type" not in value:
        return _box(name, value)
    return value


def _referred(name: str, href: object) -> object:
    """A value by reference, and in the reference: this service does not fetch what it is told to."""
    scheme, _, rest = href.partition(":") if isinstance(href, str) else ("", "", "")
    head, comma, data = rest.partition(",")
    media_type, *parameters = head.split(";")
    if scheme.lower() != "data" or not comma:
        raise ParameterInvalid(
            f"input {name!r} refers to an address, and this service fetches none: give the value, or a data: URL",
            name[:100],
        )
    if media_type not in _JSON_TYPES:
        raise ParameterInvalid(f"input {name!r}: a data: URL must be one of {', '.join(_JSON_TYPES)}", name[:100])
    try:
        raw = unquote_to_bytes(data)
        return parse_json(base64.b64decode(raw, validate=True) if "base64" in parameters else raw)
    except (Invalid, binascii.Error) as error:
        raise ParameterInvalid(f"input {name!r}: what its data: URL holds is not JSON", name[:100]) from error


def _box(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """The polygon of a bounding box (bbox.yaml of the standard): west, south, east, north."""
    box, crs = value["bbox"], value.get("crs", CRS84)
    if crs not in _CRS84_NAMES:
        raise ParameterInvalid(f"input {name!r}: a bbox is in longitude/latitude, crs {CRS84}", name[:100])
    numbers = isinstance(box, list) and all(type(side) in (int, float) for side in box)
    if not numbers or len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
        raise ParameterInvalid(
            f"input {name!r}: a bbox is [west, south, east, north], west below east and south below north; "
            "give an area on both sides of the antimeridian as two polygons (RFC 7946, 3.1.9)",
            name[:100],
        )
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
