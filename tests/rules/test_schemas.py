"""Schemas in three dialects."""

import json
from pathlib import Path
from typing import Any

import pytest

from deskbell.rules.catalogue import CATALOGUE, check_against, sample, schema
from deskbell.rules.schemas import FAULTS_MAX

GOLDEN = Path(__file__).parent / "golden" / "chat-example.json"


def objects(value: Any) -> list[dict[str, Any]]:
    """Every JSON object inside the value."""
    found = [value] if isinstance(value, dict) else []
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += objects(one)
    return found


def test_seed_example_passes_the_corrected_schema() -> None:
    """The corrected schema takes a chat as the seed shows it, once meta has our members."""
    example = json.loads(GOLDEN.read_bytes())
    example[0]["meta"] |= {"eventId": "e", "eventType": "chat.handled", "sequence": 2}
    example[0]["meta"]["occurredDateTime"] = "2020-04-15T21:12:00.9897216Z"
    assert check_against("chat.handled", "draft-07", json.dumps(example).encode()) == ()


def test_seed_example_fails_the_seed_schema_for_the_noted_reasons() -> None:
    """The list is refused; its element lacks closedDateTime and has six nulls."""
    body = GOLDEN.read_bytes()
    assert len(check_against("chat.*", "seed", body)) == 1
    faults = check_against("chat.*", "seed", json.dumps(json.loads(body)[0]).encode())
    assert sum("closedDateTime" in fault for fault in faults) == 1
    assert sum("(null)" in fault for fault in faults) == 6 == len(faults) - 1


def test_seed_schema_is_verbatim_and_for_chats_only() -> None:
    """One document whatever is asked of a chat type; no such thing elsewhere."""
    made = schema("chat.missed", "seed", "item")
    assert made is not None
    assert made == schema("chat", "seed", "list")
    assert made["required"][-1] == "lastModifiedDateTime"
    assert made["properties"]["reference"]["properties"]["type"] == {"const": "ticket"}
    assert schema("ticket.created", "seed", "item") is None


@pytest.mark.parametrize(
    ("name", "dialect", "of"),
    [
        ("chat.opened", "draft-07", "list"),
        ("chat", "draft-04", "list"),
        ("chat", "draft-07", "map"),
        ("", "seed", "list"),
    ],
)
def test_unknown_schemas_are_none(name: str, dialect: str, of: str) -> None:
    """There is no schema for an unknown type, dialect or form."""
    assert schema(name, dialect, of) is None


@pytest.mark.parametrize("name", [one.name for one in CATALOGUE])
def test_power_platform_uses_only_what_its_tools_read(name: str) -> None:
    """No type unions, no const, no $ref and no $schema; null is told by x-nullable."""
    for one in objects(schema(name, "power-platform", "list")):
        assert isinstance(one.get("type", ""), str | dict)  # a dict: a member of that name
        assert not {"$ref", "$schema", "const", "definitions"} & set(one)


@pytest.mark.parametrize("name", ["chat.missed", "ticket.created", "custom.x", "delivery.exhausted", "test.ping"])
def test_schemas_state_list_and_item(name: str) -> None:
    """The list schema is a list of the item schema, with the draft named at the top."""
    listed, item = schema(name, "draft-07", "list"), schema(name, "draft-07", "item")
    assert listed is not None
    assert item is not None
    assert listed["type"] == "array"
    assert listed["$schema"] == item["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert listed["items"] == {key: value for key, value in item.items() if key != "$schema"}
    assert {"msp", "meta"} <= set(item["required"])


@pytest.mark.parametrize("dialect", ["draft-07", "power-platform"])
@pytest.mark.parametrize(
    ("member", "value", "told"),
    [
        ("status", "lost", "/status"),
        ("name", None, "/name"),
        ("users", {}, "/users"),
        ("createdDateTime", 3, "/created"),
    ],
)
def test_a_wrong_member_is_told_with_its_path(dialect: str, member: str, value: Any, told: str) -> None:
    """Faults name the path and show the value."""
    made = json.loads(sample("chat.missed", "typical"))
    made[member] = value
    faults = check_against("chat.missed", dialect, json.dumps(made).encode())
    assert len(faults) == 1
    assert faults[0].startswith(told)


def test_another_event_type_is_a_fault_of_the_exact_schema_only() -> None:
    """chat.missed does not pass for chat.created, yet both are chats."""
    made = sample("chat.missed", "typical")
    assert check_against("chat.created", "draft-07", made)
    assert check_against("chat.*", "draft-07", made) == ()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_one_fault(body: bytes) -> None:
    """Unreadable payloads are told, never raised."""
    assert check_against("chat.missed", "draft-07", body) == ("the payload is not JSON that can be read",)


def test_faults_end_somewhere() -> None:
    """A long list of wrong elements gives a short list of faults."""
    assert len(check_against("chat.missed", "draft-07", b"[" + b"1," * 10_000 + b"1]")) == FAULTS_MAX
