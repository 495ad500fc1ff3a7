"""JSON schemas of the Catalogue in three dialects, and checking a payload against one."""

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import jsonschema_rs

from deskbell.rules.schemas_shape import draft_07, power_platform
from deskbell.rules.schemas_types import group_named, shape_of

DIALECTS = ("draft-07", "seed", "power-platform")
FAULTS_MAX = 50
FAULT_CHARS_MAX = 300
VALUE_CHARS_MAX = 80
DRAFT_07 = "http://json-schema.org/draft-07/schema#"

SEED_NOTE = (
    "The original schema, unchanged. Its own sample does not pass it: the sample is a list while the schema describes "
    "one object, `closedDateTime` is required but not there until a chat is closed, and six of the sample's values are "
    "null where the schema allows no null. Use JSON schema or For Power Automate instead."
)


def schema(type_or_group: str, dialect: str = "draft-07", of: str = "list") -> dict[str, Any] | None:
    """A fresh copy of the schema; None when there is no such type or group, dialect or form.

    `of` is `list` (what a receiver gets in the format `desk`) or `item` (one snapshot). The dialect `seed` exists for
    chat types alone, and is one document whatever `of` says.
    """
    shape = shape_of(type_or_group)
    if shape is None or of not in {"list", "item"}:
        return None
    if dialect == "seed":
        return seed_schema() if group_named(type_or_group) == "chat" else None
    if dialect == "draft-07":
        item = draft_07(shape)
        return {"$schema": DRAFT_07, **(item if of == "item" else _list_of(item))}
    if dialect == "power-platform":
        item = power_platform(shape)
        return item if of == "item" else _list_of(item)
    return None


def seed_schema() -> dict[str, Any]:
    """The seed's own schema of a chat, verbatim."""
    found: dict[str, Any] = json.loads(resources.files("deskbell.rules").joinpath("data/chat-schema.json").read_bytes())
    return found


def check_against(type_or_group: str, dialect: str, payload_json: bytes) -> tuple[str, ...]:
    """The faults of a payload as texts `path: what is wrong`; empty when it is valid.

    A JSON list is checked as a list of snapshots, anything else as one. At most 50 faults are told.
    """
    try:
        payload = json.loads(payload_json)
    except (ValueError, RecursionError):
        return ("the payload is not JSON that can be read",)
    validator = _validator(type_or_group, dialect, "list" if isinstance(payload, list) else "item")
    if validator is None:
        return (f"there is no schema {dialect!r} for {type_or_group!r}",)
    faults = []
    for fault in validator.iter_errors(payload):
        path = "".join(f"/{part}" for part in fault.instance_path) or "/"
        faults.append(f"{path}: {fault.message}"[:FAULT_CHARS_MAX] + f" ({_short(fault.instance)})")
        if len(faults) == FAULTS_MAX:
            break
    return tuple(faults)


def as_draft_07(power: Any) -> Any:
    """A schema of the dialect `power-platform` read the way its tools read it, written as draft-07."""
    if isinstance(power, list):
        return [as_draft_07(one) for one in power]
    if not isinstance(power, dict):
        return power
    made = {name: as_draft_07(value) for name, value in power.items() if name != "x-nullable"}
    if power.get("x-nullable") is True and isinstance(power.get("type"), str):
        made["type"] = [power["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


@lru_cache(maxsize=128)
def _validator(type_or_group: str, dialect: str, of: str) -> jsonschema_rs.Draft7Validator | None:
    """Compiling costs about a millisecond, so validators are kept."""
    found = schema(type_or_group, dialect, of)
    if found is None:
        return None
    read = as_draft_07(found) if dialect == "power-platform" else found
    return jsonschema_rs.Draft7Validator(read, mask="the value")


def _short(value: Any) -> str:
    """The value that is at fault, cut: it may be the whole payload."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARS_MAX else text[:VALUE_CHARS_MAX] + "…"


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}
