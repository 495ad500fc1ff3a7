"""Reading `POST /events`: strict where receivers would disagree, and the bytes of `data` kept as they were sent."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from deskbell.model.errors import FaultAt, Invalid, Loop, TooLarge, Unreadable
from deskbell.model.event import Subject
from deskbell.model.instant import Instant, parse_instant
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line

_MEMBERS = frozenset({"type", "data", "subject", "occurredAt", "id"})
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEP = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENVELOPES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ID_CHARS_MAX = 128
_KEY_CHARS_MAX = 255


@dataclass(frozen=True, kw_only=True)
class PublishItem:
    """One event to publish, judged but for its type."""

    type: str
    data: bytes  # exactly as sent
    subject: Subject | None = None
    occurred_at: Instant | None = None
    external_id: str | None = None


class _Odd(ValueError):
    """Valid JSON that two readers may understand differently."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def read_publish(body: bytes, limits: Limits) -> tuple[list[PublishItem], bool]:
    """The events of a body, and whether it was an array. Raises Unreadable 400, TooLarge 413 or Invalid 422."""
    is_array = body.lstrip(b" \t\r\n")[:1] == b"["
    allowed = limits.json_depth_max + (2 if is_array else 1)  # the envelope's own levels on top
    if depth_of(body, allowed + 1) > allowed:
        _must_be_utf8(body)
        raise _invalid("/data", "too_deep", f"Nest `data` at most {limits.json_depth_max} levels deep.")
    value = _read_strictly(body, limits)
    envelopes = _envelopes(body, is_array)
    values = value if is_array else [value]
    if not 1 <= len(envelopes) <= limits.events_per_request_max:
        raise _invalid("", "count", f"Publish 1 to {limits.events_per_request_max:,} events at once.")
    faults: list[FaultAt] = []
    items = [_item(values[n], envelopes[n], f"/{n}" if is_array else "", faults, limits) for n in range(len(envelopes))]
    if faults:
        raise Invalid("Some of what was sent is not valid; nothing was stored.", faults=tuple(faults))
    return [item for item in items if item is not None], is_array


def depth_of(body: bytes, stop: int) -> int:
    """The deepest level of brackets outside strings; counting ends at `stop`, so depth costs no recursion."""
    if body.count(b"[") + body.count(b"{") < stop:
        return 0
    depth = deepest = 0
    for found in _DEEP.finditer(body):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if deepest >= stop:
                return deepest
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest


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


def _invalid(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(FaultAt(pointer=pointer, code=code, detail=detail),))


def _must_be_utf8(body: bytes) -> None:
    """Too deep is only said of what is JSON otherwise, as far as can be known without following it down."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None


def _read_strictly(body: bytes, limits: Limits) -> Any:
    """The whole body, once, at C speed but for numbers and objects. Raises Unreadable or Invalid."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("The body starts with a byte order mark; send plain UTF-8.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None
    chars_max = limits.number_chars_max

    def number(digits: str) -> float:
        if len(digits) > chars_max:
            raise _Odd("number", f"A number has at most {chars_max} characters.")
        if not math.isfinite(value := float(digits)):
            raise _Odd("number", "A number is outside the range of IEEE doubles.")
        return value

    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_float=number, parse_int=number, parse_constant=_constant
        )
    except _Odd as odd:
        raise _invalid("/data", odd.code, str(odd)) from None
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON.") from None
    if "\\u" in text and _has_half(value):
        raise _invalid("/data", "surrogate", "A text holds half a character.")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Odd("duplicate_name", "A member stands twice in one object.")
    return members


def _constant(name: str) -> NoReturn:
    raise _Odd("number", f"{name} is not a JSON number.")


def _has_half(value: Any) -> bool:
    """Whether a lone surrogate is in any text or name; the depth was checked before."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_half(name) or _has_half(member) for name, member in value.items())
    return isinstance(value, list) and any(_has_half(member) for member in value)


def _envelopes(body: bytes, is_array: bool) -> list[dict[str, msgspec.Raw]]:
    try:
        return _ENVELOPES.decode(body) if is_array else [_ENVELOPE.decode(body)]
    except msgspec.ValidationError:
        raise _invalid("", "type", "Send an event object, or an array of them.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is not JSON.") from None


def _item(
    value: dict[str, Any], raw: dict[str, msgspec.Raw], at: str, faults: list[FaultAt], limits: Limits
) -> PublishItem | None:
    before = len(faults)
    faults += [
        FaultAt(pointer=f"{at}/{name}", code="unknown_member", detail=f"There is no member {name!r}.")
        for name in sorted(value.keys() - _MEMBERS)
    ]
    faults += [
        FaultAt(pointer=f"{at}/{name}", code="missing", detail=f"`{name}` is required.")
        for name in ("type", "data")
        if name not in value
    ]
    event_type = value.get("type")
    if event_type is not None and not isinstance(event_type, str):
        faults.append(FaultAt(pointer=f"{at}/type", code="type", detail="A text like custom.invoice_paid."))
    external_id = _external_id(value.get("id"), at, faults)
    occurred_at = _occurred_at(value.get("occurredAt"), at, faults)
    subject = _subject(value.get("subject"), at, faults, limits)
    if len(faults) > before:
        return None
    data = bytes(raw["data"])
    if len(data) > limits.data_bytes_max:
        raise TooLarge(f"`data` of one event may have at most {limits.data_bytes_max:,} bytes.")
    return PublishItem(
        type=str(event_type), data=data, subject=subject, occurred_at=occurred_at, external_id=external_id
    )


def _external_id(value: Any, at: str, faults: list[FaultAt]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _ID_CHARS_MAX or not _VISIBLE.fullmatch(value):
        detail = f"An own id has 1 to {_ID_CHARS_MAX} visible ASCII characters."
        faults.append(FaultAt(pointer=f"{at}/id", code="id_form", detail=detail))
        return None
    return value


def _occurred_at(value: Any, at: str, faults: list[FaultAt]) -> Instant | None:
    if value is None:
        return None
    try:
        return parse_instant(value)
    except (ValueError, TypeError, OverflowError):
        detail = "An ISO 8601 time with a zone, like 2020-04-15T21:10:09.5895683Z."
        faults.append(FaultAt(pointer=f"{at}/occurredAt", code="time", detail=detail))
        return None


def _subject(value: Any, at: str, faults: list[FaultAt], limits: Limits) -> Subject | None:
    if value is None:
        return None
    where = f"{at}/subject"
    if not isinstance(value, dict) or value.keys() - {"type", "id", "title"} or not {"type", "id"} <= value.keys():
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
