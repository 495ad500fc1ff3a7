"""The strict reader: order of the checks, places of the faults, and bodies that are made to hurt."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.errors import Invalid, Refusal, TooLarge, Unreadable
from deskbell.rules.json_reader import is_deeper
from deskbell.rules.limits import Limits
from deskbell.rules.strict_json import read_publish

LIMITS = Limits()


def event(data: bytes) -> bytes:
    """An event around `data`."""
    return b'{"type":"custom.x","data":' + data + b"}"


def fault_of(body: bytes) -> tuple[str, str]:
    """Pointer and code of the one fault."""
    with pytest.raises(Invalid) as refused:
        read_publish(body, LIMITS)
    (fault,) = refused.value.faults
    return fault.pointer, fault.code


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (event(b'{"a":[1,{"b":1,"b":2}]}'), "/data/a/1", "duplicate_name"),
        (event(b'{"a/b~":[NaN]}'), "/data/a~1b~0/0", "number"),
        (b"[" + event(b"1") + b"," + event(b'{"x":[0,-1e309]}') + b"]", "/1/data/x/1", "number"),
        (b"[" + event(b"[" * 65 + b"]" * 65) + b"]", "/0/data", "too_deep"),
        (event(b"[" * 65 + b"]" * 65), "/data", "too_deep"),
        (event(b"[" * 90_000 + b"]" * 90_000), "/data", "too_deep"),
        (event(b'{"\\udc00":1}'), "/data", "surrogate"),
        (event(b'["\\uD83D\\u0041"]'), "/data/0", "surrogate"),
        (event(b'{"' + b"k" * 300 + b'":NaN}'), "/data", "number"),
        (b'{"type":"custom.x","type":"custom.x","data":1}', "", "duplicate_name"),
        (b'{"type":"\\ud83d","data":1}', "/type", "surrogate"),
        (b'{"type":null,"data":1}', "/type", "type"),
        (b'{"type":"custom.x","data":1,"a/b":1}', "/a~1b", "unknown_member"),
        (b'[{"type":"custom.x","data":1},5]', "/1", "type"),
        (event(b"9" * 309), "/data", "number"),
        (event(b"0." + b"1" * 399), "/data", "number"),
    ],
)
def test_faults_say_where(body: bytes, pointer: str, code: str) -> None:
    """Each oddity names its own place, in arrays too."""
    assert fault_of(body) == (pointer, code)


@pytest.mark.parametrize(
    "data",
    [
        b"9" * 308, b"-" + b"9" * 308, b"0." + b"1" * 398, b"1e308", b"1E-400", b"-0",
        b'"\\ud83d\\ude00"', b'"\\\\ud83d"',
        b"[" * 64 + b"]" * 64, b'"' + b"[" * 90 + b'\\"' + b"{" * 90 + b'"', b'{"a":1,"A":2}', b"null", b'"\x7f"',
    ],
)  # fmt: skip
def test_what_all_readers_agree_on_is_taken(data: bytes) -> None:
    """The last value on the good side of each rule is taken, byte for byte."""
    items, _ = read_publish(event(data), LIMITS)
    assert items[0].data == data


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (event(b'"' + b"x" * 262_143 + b'"'), TooLarge),
        (event(b'[NaN,"' + b"x" * 300_000 + b'"') + b"}", Unreadable),
        (event(b'{"a":1,"a":2') + b"x", Unreadable),
        (event(b"[1,NaN,}"), Unreadable),
        (event(b"[" * 500), Unreadable),
        (b"[" * 1_000_000, Unreadable),
        (b'{"a":' * 300_000, Unreadable),
        (b"[" + b",".join([event(b'"' + b"x" * 262_143 + b'"'), b'{"type":5}']) + b"]", TooLarge),
        (b"[" + b"{}," * 100_000 + b"{}]", Invalid),
        (event(b"1") + b"\n{}", Unreadable),
        (b"\xef\xbb\xbf" + event(b"1"), Unreadable),
        (event(b'"\xed\xa0\x80"'), Unreadable),
    ],
)
def test_order_of_the_checks(body: bytes, refusal: type[Refusal]) -> None:
    """Size before syntax, syntax before oddities, whatever else is wrong with the body."""
    with pytest.raises(refusal):
        read_publish(body, LIMITS)


def test_faults_are_bounded() -> None:
    """A thousand bad events are refused with a hundred faults, and long names are not echoed."""
    one = b'{"type":"custom.x","data":1,"' + b"n" * 5_000 + b'":1}'
    with pytest.raises(Invalid) as refused:
        read_publish(b"[" + b",".join([one] * 1_000) + b"]", LIMITS)
    assert len(refused.value.faults) == 100
    assert all(len(fault.detail) + len(fault.pointer) < 200 for fault in refused.value.faults)


def depth(value: Any) -> int:
    """The depth by walking, for small values."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return int(isinstance(value, dict | list)) + max((depth(one) for one in inside), default=0)


@given(
    st.recursive(
        st.text(alphabet='[]{}"\\ a', max_size=6) | st.integers(0, 9),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{"\\', max_size=3), inner, max_size=3)
        ),
        max_leaves=60,
    ),
    st.integers(0, 6),
)
def test_depth_is_counted_outside_texts(value: Any, levels: int) -> None:
    """The fast count agrees with a walk, whatever brackets, quotes and backslashes the texts hold."""
    assert is_deeper(json.dumps(value).encode(), levels) == (depth(value) > levels)


@pytest.mark.parametrize("data", [b"[" + b"[]," * 2_000 + b"1]", b"[" + b'{"a":1.5},' * 500 + b"0]"])
def test_large_bodies_cost_no_recursion(data: bytes) -> None:
    """A full body of small values is read at the ordinary recursion limit."""
    body = b"[" + b",".join([event(data)] * 100) + b"]"
    before = sys.getrecursionlimit()
    items, is_array = read_publish(body, LIMITS)
    assert is_array
    assert {item.data for item in items} == {data}
    assert sys.getrecursionlimit() == before
