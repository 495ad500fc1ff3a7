"""OpenAPI 3.1 from the route table."""

import re
from functools import cache
from typing import Any

import msgspec

from deskbell import __version__
from deskbell.server.once import Keeps
from deskbell.server.route import Param, Route

PUBLISH = {
    "type": "object",
    "required": ["type", "data"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "description": "custom.… with 2 to 4 dotted lower-case segments"},
        "data": {"description": "Any JSON of at most 262,144 bytes; it goes out byte for byte."},
        "subject": {
            "type": "object",
            "required": ["type", "id"],
            "properties": {"type": {"type": "string"}, "id": {"type": "string"}, "title": {"type": "string"}},
        },
        "occurredAt": {"type": "string", "format": "date-time"},
        "id": {"type": "string", "description": "Your own id, 1 to 128 visible ASCII characters, unique per site."},
    },
}
REPETITION = {
    Keeps.ANSWER: "The same key and request get the first answer again for 24 h; another request is 422.",
    Keeps.SECRET: "The same key and request are 409 for 24 h: it is done once, but its secret is told only once.",
}
PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
        "requestId": {"type": "string"},
    },
}


@cache
def describe() -> dict[str, Any]:
    """The whole document."""
    from deskbell.api.routes import API_ROUTES, ROOT_ROUTES

    types = [shape for route in API_ROUTES for shape in (route.request, route.response) if is_struct(shape)]
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {"/api/v1/events": {"post": publish()}}
    for prefix, routes in (("/api/v1", API_ROUTES), ("", ROOT_ROUTES)):
        for route in routes:
            paths.setdefault(prefix + route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deskbell",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "dbk_…"}},
        },
        "security": [{"key": []}],
    }


def operation(route: Route[Any]) -> dict[str, Any]:
    """One operation."""
    described: dict[str, Any] = {
        "operationId": operation_id(route.method, route.path),
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "tags": [route.tag or route.path.split("/")[1]],
        "x-permission": " ".join(one.value for one in (route.permission, *route.also)),
        "parameters": [
            *path_parameters(route.path),
            *(parameter(one) for one in route.query),
            *([repetition(route.keeps)] if route.method == "POST" and route.keeps in REPETITION else []),
        ],
        "responses": answers(route),
    }
    if route.permission.value == "public":
        described["security"] = []
    if route.request is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": schema_of(route.request)}}}
    return described


def publish() -> dict[str, Any]:
    """`POST /events`."""
    body = {"oneOf": [PUBLISH, {"type": "array", "items": PUBLISH, "minItems": 1, "maxItems": 1000}]}
    answer = {"oneOf": [{"$ref": "#/components/schemas/Accepted"}, {"type": "object", "required": ["ids"]}]}
    return {
        "operationId": "post_events",
        "summary": "Publish one event, or up to 1,000 at once",
        "description": "All or nothing. 202 means stored durably.",
        "tags": ["events"],
        "x-permission": "events:write",
        "parameters": [repetition(Keeps.ANSWER)],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "202": {"description": "Accepted", "content": {"application/json": {"schema": answer}}},
            "default": problem_answer(),
        },
    }


def answers(route: Route[Any]) -> dict[str, Any]:
    """What may come back."""
    good: dict[str, Any] = {"description": route.summary}
    is_list = any(param.name == "cursor" for param in route.query)
    if route.response is not None:
        shape = schema_of(route.response)
        if is_list:
            shape = {
                "type": "object",
                "properties": {"items": {"type": "array", "items": shape}, "next": {"type": ["string", "null"]}},
            }
        good["content"] = {"application/json": {"schema": shape}}
    return {str(route.status): good, "default": problem_answer()}


def problem_answer() -> dict[str, Any]:
    """The answer to every refusal."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": "Refused; the text says what to do.",
        "content": {"application/problem+json": {"schema": schema}},
    }


def schema_of(shape: Any) -> dict[str, Any]:
    """A reference to a struct, or the schema of a plain type."""
    return {"$ref": f"#/components/schemas/{shape.__name__}"} if is_struct(shape) else {"type": "object"}


def is_struct(shape: Any) -> bool:
    """Whether a shape is one of ours."""
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def path_parameters(path: str) -> list[dict[str, Any]]:
    """The parameters in a path."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def parameter(param: Param) -> dict[str, Any]:
    """A query parameter."""
    schema: dict[str, Any] = {"type": param.type}
    if param.low is not None:
        schema["minimum"] = param.low
    if param.high is not None:
        schema["maximum"] = param.high
    if param.choices:
        schema["enum"] = list(param.choices)
    return {"name": param.name, "in": "query", "description": param.description, "schema": schema}


def repetition(keeps: Keeps) -> dict[str, Any]:
    """The header that makes a POST safe to repeat."""
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
    return {"name": "Idempotency-Key", "in": "header", "description": REPETITION[keeps], "schema": schema}


def operation_id(method: str, path: str) -> str:
    """A stable name for an operation."""
    return re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
