"""Headers, texts, event types, Retry-After and the strict reader: every row of the corpus, and properties."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_inputs import row_id, rows, spelled
from deskbell.model.errors import Invalid, Refusal, TooLarge, Unreadable
from deskbell.model.instant import parse_instant
from deskbell.rules.event_types import check_choice, check_event_type
from deskbell.rules.headers import check_headers
from deskbell.rules.limits import Limits
from deskbell.rules.retry_after import read_retry_after
from deskbell.rules.strict_json import PublishItem, check_idempotency_key, parse_hop, read_publish
from deskbell.rules.text import check_line

LIMITS = Limits()
NOW = "2026-11-23T00:00:00Z"


@pytest.mark.parametrize("row", rows("header_name"), ids=row_id)
def test_header_name(row: dict[str, Any]) -> None:
    """A header's name is taken or refused."""
    names = row["input"].get("names") if isinstance(row["input"], dict) else None
    pairs = [(name, "x") for name in names or [spelled(row["input"])]]
    assert (check_headers(pairs, LIMITS) == ()) == (row["expect"] == "accept"), row["why"]


@pytest.mark.parametrize("row", rows("header_value"), ids=row_id)
def test_header_value(row: dict[str, Any]) -> None:
    """A header's value, or many, are taken or refused."""
    keys = row["input"] if isinstance(row["input"], dict) else {}
    if "count_headers" in keys:
        pairs = [(f"x-{n}", "v") for n in range(keys["count_headers"])]
    elif "total_bytes" in keys:
        pairs = [(f"x-{n}", "v" * 3000) for n in range(keys["total_bytes"] // 3000)]
    else:
        pairs = [("x-team", spelled(row["input"]))]
    assert (check_headers(pairs, LIMITS) == ()) == (row["expect"] == "accept"), row["why"]


@pytest.mark.parametrize("row", rows("text_field"), ids=row_id)
def test_text_field(row: dict[str, Any]) -> None:
    """A one-line text is taken or refused."""
    assert (check_line(spelled(row["input"]), "/description", LIMITS) is None) == (row["expect"] == "accept"), row[
        "why"
    ]


@pytest.mark.parametrize("row", [row for row in rows("event_type") if isinstance(row["input"], str)], ids=row_id)
def test_event_type(row: dict[str, Any]) -> None:
    """The grammar of types, for events and for webhooks."""
    text = row["input"]
    assert (check_event_type(text) is None) == (row["expect"] == "accept"), row["why"]
    assert (check_choice(text) is None) == (row["expect"] in ("accept", "accept_in_webhook_only")), row["why"]


@pytest.mark.parametrize("row", rows("retry_after"), ids=row_id)
def test_retry_after(row: dict[str, Any]) -> None:
    """Seconds, or ignored."""
    keys = (
        row["input"] if isinstance(row["input"], dict) and "value" in row["input"] else {"value": spelled(row["input"])}
    )
    found = read_retry_after(keys["value"], parse_instant(keys.get("now", NOW)), LIMITS)
    assert str(found) == ("None" if row["expect"] == "ignored" else str(row["expect"])), row["why"]


@given(st.text(max_size=40))
def test_retry_after_never_raises(text: str) -> None:
    """Any text is ignored or lies within a day."""
    found = read_retry_after(text, parse_instant(NOW), LIMITS)
    assert found is None or 0 <= found <= 86_400


def data_of(keys: dict[str, Any]) -> bytes | None:
    """The row's `data`; None when the row is about the request around it."""
    if "json" in keys:
        return keys["json"].encode()
    if "hex" in keys:
        return bytes.fromhex(keys["hex"])
    if "json_repeat" in keys:
        return (keys["json_repeat"][0] * keys["json_repeat"][1]).encode()
    if "nest" in keys:
        return b"[" * keys["nest"] + b"]" * keys["nest"]
    if "nest_objects" in keys:
        return b'{"a":' * keys["nest_objects"] + b"1" + b"}" * keys["nest_objects"]
    if "bytes" in keys:
        return b'"' + b"x" * (keys["bytes"] - 2) + b'"'
    return None


def read(body: bytes) -> list[PublishItem] | Refusal:
    """What the strict reader makes of a body."""
    try:
        return read_publish(body, LIMITS)[0]
    except Refusal as refusal:
        return refusal


STATUS = {"http:400": Unreadable, "http:413": TooLarge, "http:422": Invalid}
READ = [row for row in rows("event_data") if data_of(row["input"]) is not None and "content_type" not in row["input"]]


@pytest.mark.parametrize("row", READ, ids=row_id)
def test_event_data(row: dict[str, Any]) -> None:
    """Data is refused with the right status, or kept byte for byte."""
    data = data_of(row["input"])
    assert data is not None
    body = b'{"type":"custom.case","data":' + data + b"}"
    if row["expect"] in STATUS:
        with pytest.raises(STATUS[row["expect"]]):
            read_publish(body, LIMITS)
    else:
        items, is_array = read_publish(body, LIMITS)
        assert [item.data for item in items] == [data]
        assert not is_array


@pytest.mark.parametrize("row", [row for row in rows("event_data") if "headers" in row["input"]], ids=row_id)
def test_hop(row: dict[str, Any]) -> None:
    """The loop guard is read strictly."""
    value = row["input"]["headers"]["deskbell-hop"]
    if row["expect"] == "accept":
        assert parse_hop([value]) == int(value)
    else:
        with pytest.raises(Refusal) as refused:
            parse_hop([value])
        assert f"http:{refused.value.status}" == row["expect"]


@given(st.binary(max_size=80))
def test_random_bytes_are_refused_or_read(body: bytes) -> None:
    """No bytes make the reader raise anything but a refusal."""
    for text in (body, b'{"type":"custom.x","data":' + body + b"}", b"[" + body):
        found = read(text)
        assert found.status in (400, 413, 422) if isinstance(found, Refusal) else found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_accepted_data_keeps_its_bytes(value: Any) -> None:
    """What is accepted is kept byte for byte, escaped or not."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        data = text.encode("utf-8", "surrogatepass")
        found = read(b'{"type":"custom.x","data":' + data + b"}")
        if isinstance(found, Refusal):
            assert "\\ud" in text or any("\ud800" <= letter <= "\udfff" for letter in text) or found.status == 413
        else:
            assert found[0].data == data


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"data":1}', "/type", "missing"),
        (b'{"type":"custom.x","data":1,"extra":2}', "/extra", "unknown_member"),
        (b'[{"type":"custom.x","data":1},{"type":5,"data":1}]', "/1/type", "type"),
        (b'{"type":"custom.x","data":1,"id":"\xc3\xa9"}', "/id", "id_form"),
        (b'{"type":"custom.x","data":1,"occurredAt":"yesterday"}', "/occurredAt", "time"),
        (b'{"type":"custom.x","data":1,"subject":{"type":"invoice"}}', "/subject", "type"),
        (b"[]", "", "count"),
        (b"5", "", "type"),
    ],
)
def test_envelope_faults_say_where(body: bytes, pointer: str, code: str) -> None:
    """Each fault of the envelope names its place."""
    with pytest.raises(Invalid) as refused:
        read_publish(body, LIMITS)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [(pointer, code)]


@pytest.mark.parametrize(("key", "good"), [("k" * 255, True), ("k" * 256, False), ("é", False), ("", False)])
def test_idempotency_key(key: str, good: bool) -> None:
    """A key has 1 to 255 visible ASCII characters."""
    assert (check_idempotency_key(key) is None) == good
