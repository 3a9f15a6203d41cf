"""What OGC API - Processes 1.0 (OGC 18-062r2) lets its documents look like, as JSON Schemas of our own.

Written from the tables and figures of the standard; each name is that of its schema.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_TEXT = {"type": "string"}
_TIME = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}

LINK = {
    "type": "object",
    "required": ["href"],
    "properties": {
        "href": {**_TEXT, "pattern": "^https?://"},
        **dict.fromkeys(("rel", "type", "hreflang", "title"), _TEXT),
    },
}
_LINKS = {"type": "array", "items": LINK}

LANDING_PAGE = {
    "type": "object",
    "required": ["links"],
    "properties": {"title": _TEXT, "description": _TEXT, "links": _LINKS},
}
CONFORMANCE = {
    "type": "object",
    "required": ["conformsTo"],
    "properties": {"conformsTo": {"type": "array", "items": _TEXT}},
}
STATUS_INFO = {
    "type": "object",
    "required": ["jobID", "status", "type"],
    "properties": {
        "processID": _TEXT,
        "type": {"enum": ["process"]},
        "jobID": _TEXT,
        "status": {"enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        "message": _TEXT,
        **dict.fromkeys(("created", "started", "finished", "updated"), _TIME),
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "links": _LINKS,
    },
}
JOB_LIST = {
    "type": "object",
    "required": ["jobs", "links"],
    "properties": {
        # Where lists are offered, the process is no longer optional (/req/job-list/processID-mandatory).
        "jobs": {"type": "array", "items": {**STATUS_INFO, "required": ["jobID", "status", "type", "processID"]}},
        "links": _LINKS,
    },
}
EXCEPTION = {
    "type": "object",
    "required": ["type"],
    "properties": {**dict.fromkeys(("type", "title", "detail", "instance"), _TEXT), "status": {"type": "integer"}},
}
_DESCRIBED = {
    "title": _TEXT,
    "description": _TEXT,
    "keywords": {"type": "array", "items": _TEXT},
    "metadata": {"type": "array", "items": {"type": "object"}},
}
PROCESS_SUMMARY = {
    "type": "object",
    "required": ["id", "version"],
    "properties": {
        **_DESCRIBED,
        "id": _TEXT,
        "version": _TEXT,
        "jobControlOptions": {"type": "array", "items": {"enum": ["sync-execute", "async-execute", "dismiss"]}},
        "outputTransmission": {"type": "array", "items": {"enum": ["value", "reference"]}},
        "links": _LINKS,
    },
}
PROCESS_LIST = {
    "type": "object",
    "required": ["processes", "links"],
    "properties": {"processes": {"type": "array", "items": PROCESS_SUMMARY}, "links": _LINKS},
}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER, _FLAG, _NESTED = {"type": "number"}, {"type": "boolean"}, {"$ref": "#/$defs/schema"}
_VALUE_SCHEMAS = {"type": "array", "items": _NESTED}
_VALUE_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("title", "description", "format", "pattern"), _TEXT),
        **dict.fromkeys(("contentMediaType", "contentEncoding", "contentSchema"), _TEXT),
        **dict.fromkeys(("minimum", "maximum", "multipleOf"), _NUMBER),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "nullable"), _FLAG),
        **dict.fromkeys(("readOnly", "writeOnly", "deprecated"), _FLAG),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _COUNT),
        "required": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
        "enum": {"type": "array", "minItems": 1},
        "type": {"enum": ["array", "boolean", "integer", "number", "object", "string"]},
        **dict.fromkeys(("allOf", "oneOf", "anyOf"), _VALUE_SCHEMAS),
        **dict.fromkeys(("not", "items"), _NESTED),
        "properties": {"type": "object", "additionalProperties": {"$ref": "#/$defs/schema"}},
        "additionalProperties": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/schema"}]},
        "default": {},
        "example": {},
    },
}
_INPUT = {
    "type": "object",
    "required": ["schema"],
    "properties": {
        **_DESCRIBED,
        "minOccurs": {"type": "integer"},
        "maxOccurs": {"anyOf": [{"type": "integer"}, {"enum": ["unbounded"]}]},
        "schema": {"$ref": "#/$defs/schema"},
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["schema"],
    "properties": {**_DESCRIBED, "schema": {"$ref": "#/$defs/schema"}},
}
PROCESS = {
    **PROCESS_SUMMARY,
    "properties": {
        **PROCESS_SUMMARY["properties"],  # type: ignore[dict-item]
        "inputs": {"type": "object", "additionalProperties": _INPUT},
        "outputs": {"type": "object", "additionalProperties": _OUTPUT},
    },
    "$defs": {"schema": _VALUE_SCHEMA},
}
RESULTS = {"type": "object", "minProperties": 1, "additionalProperties": LINK}
"""All of ours are given by reference."""


def require_valid(document: Any, schema: dict[str, Any]) -> None:
    """Raises jsonschema's ValidationError, with what is wrong and where."""
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
