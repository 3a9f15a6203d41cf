"""The API's own description in OpenAPI 3.0, which OGC API - Processes 1.0 asks for and GIS clients read.

FastAPI writes 3.1, whose schemas are JSON Schema; those of 3.0 know fewer words, and some of them with another meaning.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

from app.api.reading import json_content

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"

_VERSION = "3.0.3"
_SECURITY: dict[str, dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key. Without one, an address is who asks."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}
_SCHEMAS_IN = ("schema", "items", "additionalProperties", "not")
_LISTS_IN = ("anyOf", "oneOf", "allOf")
_NOT_IN_3_0 = ("$schema", "$id", "contentMediaType", "contentEncoding", "examples", "propertyNames", "prefixItems")


def add_description(application: FastAPI) -> None:
    """Serves the description at /api/openapi.json. The application must have none of its own (`openapi_url`)."""

    @application.get("/api/openapi.json", include_in_schema=False)
    def description(request: Request) -> Response:
        return json_content(request, described(application), MEDIA_TYPE)


def described(application: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.0 document of an application whose routes are all there."""
    newer = application.openapi()
    components = newer.get("components", {})
    return {
        **newer,
        "openapi": _VERSION,
        "info": {name: value for name, value in newer["info"].items() if name != "summary"},
        "paths": _walked(newer["paths"]),
        "security": [{}, *({name: []} for name in _SECURITY)],
        "components": {
            **components,
            "securitySchemes": _SECURITY,
            "schemas": {name: _schema(each) for name, each in components.get("schemas", {}).items()},
        },
    }


def _walked(node: Any) -> Any:
    """Paths, operations, parameters and answers, with every schema in them translated."""
    if isinstance(node, list):
        return [_walked(each) for each in node]
    if not isinstance(node, dict):
        return node
    walked = {name: _schema(value) if name == "schema" else _walked(value) for name, value in node.items()}
    if "in" in walked and "schema" in walked:  # a parameter, which can be left out but never be null
        walked["schema"].pop("nullable", None)
    return walked


def _schema(schema: Any) -> Any:
    """A JSON Schema in the words of OpenAPI 3.0."""
    if not isinstance(schema, dict):
        return schema
    found = {name: value for name, value in schema.items() if name not in _NOT_IN_3_0}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    for name in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(found.get(name), int | float) and not isinstance(found[name], bool):
            found[name.removeprefix("exclusive").lower()] = found[name]
            found[name] = True
    types = found.get("type")
    if isinstance(types, list):
        (found["type"],) = [each for each in types if each != "null"]
        found["nullable"] = "null" in types
    for name in _LISTS_IN:
        if name in found:
            found[name] = [_schema(each) for each in found[name]]
    if {"type": "null"} in found.get("anyOf", []):
        (other,) = [each for each in found.pop("anyOf") if each != {"type": "null"}]
        found = {**found, "nullable": True, **({"allOf": [other]} if "$ref" in other else other)}
    for name in _SCHEMAS_IN:
        if name in found:
            found[name] = _schema(found[name])
    if "properties" in found:
        found["properties"] = {name: _schema(each) for name, each in found["properties"].items()}
    return found
