"""Reading `POST /events`: strict where receivers would disagree, and the bytes of `data` kept as they were sent."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from deskbell.model.errors import FaultAt, Invalid, Loop, TooLarge, Unreadable
from deskbell.model.event import Subject
from deskbell.model.instant import Instant, parse_instant
from deskbell.rules.json_reader import read_strictly
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line

_MEMBERS = frozenset({"type", "data", "subject", "occurredAt", "id"})
_SUBJECT_MEMBERS = frozenset({"type", "id", "title"})
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENVELOPES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ID_CHARS_MAX = 128
_KEY_CHARS_MAX = 255
_NAME_CHARS_SHOWN = 64
_FAULTS_MAX = 100
_NOTHING_STORED = "Some of what was sent is not valid; nothing was stored."


@dataclass(frozen=True, kw_only=True)
class PublishItem:
    """One event to publish, judged but for its type."""

    type: str
    data: bytes  # exactly as sent
    subject: Subject | None = None
    occurred_at: Instant | None = None
    external_id: str | None = None


def read_publish(body: bytes, limits: Limits) -> tuple[list[PublishItem], bool]:
    """The events of a body, and whether it was an array. Raises Unreadable 400, TooLarge 413 or Invalid 422."""
    is_array = body.lstrip(b" \t\r\n")[:1] == b"["
    data = _data_of(body, is_array, limits)
    levels_max = limits.json_depth_max + (2 if is_array else 1)  # the envelope's own levels on top
    value = read_strictly(body, levels_max, limits)
    if data is None:
        raise _shape_fault(value if is_array else [value], is_array)
    faults: list[FaultAt] = []
    items: list[PublishItem] = []
    for n, envelope in enumerate(value if is_array else (value,)):
        item = _item(envelope, data[n], f"/{n}" if is_array else "", faults, limits)
        if item is not None:
            items.append(item)
        elif len(faults) >= _FAULTS_MAX:
            break
    if faults:
        raise Invalid(_NOTHING_STORED, faults=tuple(faults[:_FAULTS_MAX]))
    return items, is_array


def check_idempotency_key(text: str) -> FaultAt | None:
    """1 to 255 visible ASCII characters. Raises Unreadable for control characters."""
    if any(letter < " " or letter == "\x7f" for letter in text):
        raise Unreadable("The Idempotency-Key holds a control character.")
    if len(text) > _KEY_CHARS_MAX or not _VISIBLE.fullmatch(text):
        detail = f"An Idempotency-Key has 1 to {_KEY_CHARS_MAX} visible ASCII characters."
        return FaultAt(pointer="", code="idempotency_key", detail=detail)
    return None


def parse_hop(values: list[str]) -> int:
    """The loop guard `deskbell-hop`: 0 when absent. Raises Unreadable when malformed, Loop above 1."""
    if not values:
        return 0
    if len(values) > 1 or not re.fullmatch(r"[0-9]{1,2}", values[0], re.ASCII):
        raise Unreadable("The header deskbell-hop has one or two digits and stands once.")
    if int(values[0]) > 1:
        raise Loop
    return int(values[0])


def _data_of(body: bytes, is_array: bool, limits: Limits) -> list[bytes] | None:
    """The bytes of each `data`, before anything is read closely; None when the body has not that shape.

    Raises TooLarge, and Invalid for too many events, so that neither costs more than this one pass.
    """
    try:
        envelopes = _ENVELOPES.decode(body) if is_array else (_ENVELOPE.decode(body),)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    data = [bytes(envelope.get("data", b"")) for envelope in envelopes]
    if any(len(one) > limits.data_bytes_max for one in data):
        raise TooLarge(f"`data` of one event may have at most {limits.data_bytes_max:,} bytes.")
    if not 1 <= len(data) <= limits.events_per_request_max:
        raise _invalid("", "count", f"Publish 1 to {limits.events_per_request_max:,} events at once.")
    return data


def _shape_fault(values: list[Any], is_array: bool) -> Unreadable | Invalid:
    """Why JSON that was read is no event or array of events."""
    for n, value in enumerate(values):
        if not isinstance(value, dict):
            return _invalid(f"/{n}" if is_array else "", "type", "Send an event object, or an array of them.")
    return Unreadable("The body is not JSON.")


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(FaultAt(pointer=pointer, code=code, detail=detail),))


def _item(value: dict[str, Any], data: bytes, at: str, faults: list[FaultAt], limits: Limits) -> PublishItem | None:
    before = len(faults)
    event_type = value.get("type")
    if not isinstance(event_type, str) or "data" not in value or not value.keys() <= _MEMBERS:
        faults += _member_faults(value, at)
    external_id = None if value.get("id") is None else _external_id(value["id"], at, faults)
    occurred_at = None if value.get("occurredAt") is None else _occurred_at(value["occurredAt"], at, faults)
    subject = None if value.get("subject") is None else _subject(value["subject"], at, faults, limits)
    if len(faults) > before:
        return None
    return PublishItem(
        type=str(event_type), data=data, subject=subject, occurred_at=occurred_at, external_id=external_id
    )


def _member_faults(value: dict[str, Any], at: str) -> list[FaultAt]:
    faults = []
    for name in sorted(value.keys() - _MEMBERS)[:_FAULTS_MAX]:
        shown = name[:_NAME_CHARS_SHOWN]
        step = "/" + name.replace("~", "~0").replace("/", "~1") if shown == name else ""
        faults.append(FaultAt(pointer=at + step, code="unknown_member", detail=f"There is no member {shown!r}."))
    faults += [
        FaultAt(pointer=f"{at}/{name}", code="missing", detail=f"`{name}` is required.")
        for name in ("type", "data")
        if name not in value
    ]
    if "type" in value and not isinstance(value["type"], str):
        faults.append(FaultAt(pointer=f"{at}/type", code="type", detail="A text like custom.invoice_paid."))
    return faults


def _external_id(value: Any, at: str, faults: list[FaultAt]) -> str | None:
    if not isinstance(value, str) or len(value) > _ID_CHARS_MAX or not _VISIBLE.fullmatch(value):
        detail = f"An own id has 1 to {_ID_CHARS_MAX} visible ASCII characters."
        faults.append(FaultAt(pointer=f"{at}/id", code="id_form", detail=detail))
        return None
    return value


def _occurred_at(value: Any, at: str, faults: list[FaultAt]) -> Instant | None:
    try:
        return parse_instant(value)
    except (ValueError, TypeError, OverflowError):
        detail = "An ISO 8601 time with a zone, like 2020-04-15T21:10:09.5895683Z."
        faults.append(FaultAt(pointer=f"{at}/occurredAt", code="time", detail=detail))
        return None


def _subject(value: Any, at: str, faults: list[FaultAt], limits: Limits) -> Subject | None:
    where = f"{at}/subject"
    if not isinstance(value, dict) or not {"type", "id"} <= value.keys() <= _SUBJECT_MEMBERS:
        faults.append(FaultAt(pointer=where, code="type", detail="An object with type, id and, optionally, title."))
        return None
    for name, text in value.items():
        if name == "title" and text is None:
            continue
        if not isinstance(text, str):
            faults.append(FaultAt(pointer=f"{where}/{name}", code="type", detail="A text."))
            return None
        fault = check_line(text, f"{where}/{name}", limits)
        if fault is not None:
            faults.append(fault)
            return None
    return Subject(type=value["type"], id=value["id"], title=value.get("title"))
