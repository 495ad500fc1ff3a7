"""What a capture is told about: whether it is signed, and whether its body fits the Catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from deskbell.rules.catalogue import check_against, find

_FAULTS_MAX = 20
_TYPES_MAX = 100


@dataclass(frozen=True, kw_only=True)
class SchemaReport:
    """`faults` is None when no event type is known, () when the body is valid."""

    event_types: tuple[str, ...]
    faults: tuple[str, ...] | None


def header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The first value of a header; names in any case."""
    return next((value for key, value in headers if key.lower() == name), None)


def schema_report(headers: Sequence[tuple[str, str]], body: bytes, dialect: str = "draft-07") -> SchemaReport:
    """The body against the Catalogue, for the event types that `deskbell-event` names."""
    named = (header(headers, "deskbell-event") or "").split(",")[:_TYPES_MAX]
    types = tuple(name.strip() for name in named if name.strip())
    known = tuple(name for name in types if find(name) is not None)
    if not known:
        return SchemaReport(event_types=types, faults=None)
    try:
        msgspec.json.decode(body)  # all of it: parts are read raw below, and may be anything
        snapshots = _snapshots(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        return SchemaReport(event_types=types, faults=(f"The body is not JSON: {broken}",))
    if not snapshots:
        return SchemaReport(event_types=types, faults=("The body holds no snapshot.",))
    faults: list[str] = []
    for place, snapshot in enumerate(snapshots):
        name = _type_of(snapshot, known)
        found = check_against(name, dialect, bytes(snapshot))
        faults += [fault if len(snapshots) == 1 else f"snapshot {place}: {fault}" for fault in found]
    return SchemaReport(event_types=types, faults=tuple(faults[:_FAULTS_MAX]))


def _snapshots(body: bytes) -> list[msgspec.Raw]:
    """The snapshots in a body: a list of them, or the `data` of the standard and CloudEvents formats."""
    parts = body.strip()
    if parts.startswith(b"["):
        items = msgspec.json.decode(parts, type=list[msgspec.Raw])
        return [_data(item) for item in items]
    return [_data(msgspec.Raw(parts))] if parts else []


def _data(item: msgspec.Raw) -> msgspec.Raw:
    members: Any = msgspec.json.decode(item)
    wrapped = isinstance(members, dict) and "msp" not in members and isinstance(members.get("data"), dict)
    if not wrapped:
        return item
    return msgspec.json.decode(item, type=dict[str, msgspec.Raw])["data"]


def _type_of(snapshot: msgspec.Raw, known: Sequence[str]) -> str:
    members: Any = msgspec.json.decode(snapshot)
    meta = members.get("meta") if isinstance(members, dict) else None
    name = meta.get("eventType") if isinstance(meta, dict) else None
    return name if isinstance(name, str) and name in known else known[0]
