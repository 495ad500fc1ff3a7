"""Which events a filter lets pass, what the trace says of the others, and that the short way is the long way."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.rules.catalogue import CATALOGUE, SAMPLE_NAMES, sample
from deskbell.rules.expressions import ExpressionFault
from deskbell.rules.filtering import Filter, Seen, changed_in, interpreted, refusal
from deskbell.rules.limits import Limits

LIMITS = Limits()
CHAT = {
    "type": "request",
    "status": "created",
    "pastStatus": ["created"],
    "creator": {"name": "Ann", "company": {"identifier": "DeskDirectorLtd"}},
    "reference": {"type": "ticket", "id": "22282"},
    "callback": None,
    "report": {"creatorWaited": 12.5},
    "count": 3,
    "open": True,
}


def why(source: str, event: object = CHAT, fields: tuple[str, ...] = (), changed: tuple[str, ...] | None = None):
    """The reason for the trace; None for a match."""
    return refusal(source or None, fields, Seen(json.dumps(event).encode()), changed, LIMITS)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("type == 'request' and creator.company.identifier == 'DeskDirectorLtd' and reference", None),
        ("type == 'push' and reference", "filter: type == 'push'"),
        ("type == 'request' and creator.company.identifier == 'Other'", "filter: creator.company.identifier == 'Other'"),  # noqa: E501  a table
        ("type == 'request'  and\n callback", "filter: callback"),
        ("type == 'push' or callback", "filter: type == 'push' or callback"),
        ("(type == 'push' or reference) and not callback", None),
        ("not reference", "filter: not reference"),
        ("nothing.of.this.exists", "filter: nothing.of.this.exists"),
        ("nothing.of.this != 'x'", None),
        ("count == 3 and open == true and callback == none", None),
        ("'push' == type", "filter: 'push' == type"),
        ("report.creatorWaited > 10", None),
        ("report.creatorWaited > 60", "filter: report.creatorWaited > 60"),
        ("type == 'request' and report.creatorWaited > 60", "filter: report.creatorWaited > 60"),
        ("'created' in pastStatus", None),
        ("'missed' in pastStatus", "filter: 'missed' in pastStatus"),
        ("'x' in callback", "filter: 'x' in callback"),
        ("creator.name|lower is startingwith('an')", None),
        ("reference.id|int > 22000", None),
        ("type in ['push', 'request']", None),
        ("pastStatus|length == 1 if reference else false", None),
        ("count + 'x' == 'y'", "filter: not evaluated: + needs numbers, not a text. Write ~ to join texts."),
        ("type|int > 3", "filter: not evaluated: Invalid float literal."),
        ("pastStatus|join('x'|indent(100000000)) == ''", "filter: not evaluated: It needs more than 5,000 steps."),
        ("'%1000000000d'|format(1)", "filter: not evaluated: It needs more than 5,000 steps."),
    ],
)  # fmt: skip
def test_reasons(source, reason):
    """A match, the first part that is false as it was typed, or what was wrong."""
    assert why(source) == reason


def test_a_long_part_is_shortened():
    """A trace is a compact value: it holds the beginning of a long part."""
    reason = why("type in [" + ", ".join(["'xxxxxxxx'"] * 100) + "]")
    assert reason.startswith("filter: type in ['xxxxxxxx',")
    assert reason.endswith("…")
    assert len(reason) == 208


@pytest.mark.parametrize(
    ("source", "is_plain"),
    [
        ("type == 'request' and creator.company.identifier == 'X' and reference", True),
        ("not (a == 1 or b != none)", True),
        ("a == 1.5", False),
        ("a > 1", False),
        ("a[0] == 'x'", False),
        ("a == b", False),
        ("a|lower == 'x'", False),
    ],
)
def test_what_needs_no_interpreter(source, is_plain):
    """Paths, equality with a value, and, or, not."""
    assert Filter(source, LIMITS).is_plain is is_plain


names = st.sampled_from(["a", "b", "c.d", "c.d.e", "items", "c.items", "x.keys"])
values = st.sampled_from(["'x'", "''", "0", "1", "-1", "true", "false", "none", "9007199254740991"])
plain_filters = st.recursive(
    st.one_of(
        names,
        st.tuples(names, st.sampled_from(["==", "!="]), values).map(" ".join),
        st.tuples(values, st.sampled_from(["==", "!="]), names).map(" ".join),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " and ".join(parts) + ")"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + " or ".join(parts) + ")"),
        inner.map(lambda part: f"not {part}"),
    ),
    max_leaves=5,
)
leaves = st.sampled_from(["x", "", 0, 1, -1, 1.0, 0.0, True, False, None, 2**53, 2**70, [], ["x"], {}])
events = st.dictionaries(
    st.sampled_from(["a", "b", "items"]), leaves, max_size=3
).flatmap(
    lambda top: st.one_of(
        st.just(top),
        st.dictionaries(st.sampled_from(["d", "items"]), st.one_of(leaves, st.just({"e": "x"})), max_size=2).map(
            lambda inner: {**top, "c": inner, "x": {"keys": 1} if inner else {}}
        ),
    )
)  # fmt: skip


@given(plain_filters, events)
@settings(max_examples=400, deadline=None)
def test_the_short_way_is_the_long_way(source, event):
    """Whatever is matched without the interpreter comes out as the interpreter would have it."""
    seen = Seen(json.dumps(event).encode())
    found = Filter(source, LIMITS)
    tape, _ = interpreted([found.node], LIMITS).run(seen.sealed, data_bytes=1)
    assert (found.refusal(seen) is None) == (tape == [1]), (source, event)


@pytest.mark.parametrize(
    ("fields", "changed", "event", "reason"),
    [
        (("status",), ("status", "agents"), {}, None),
        (("agents", "tags"), ("status",), {}, "fields"),
        (("status",), ("status.id",), {}, None),
        (("status",), ("statusText",), {}, "fields"),
        (("status",), (), {}, None),
        (("status",), None, {}, None),
        ((), ("status",), {}, None),
        (("status.id",), ("status",), {"changes": {"status": {"old": {"id": 1}, "new": {"id": 2}}}}, None),
        (("status.id",), ("status",), {"changes": {"status": {"old": {"id": 1, "n": 1}, "new": {"id": 1}}}}, "fields"),
        (("status.id",), ("status",), {"changes": {"status": {"old": None, "new": {"id": 1}}}}, None),
        (("status.id",), ("status",), {"changes": 3}, None),
    ],
)
def test_changed_fields(fields, changed, event, reason):
    """One chosen field must have changed; events without changes always pass."""
    assert why("", event, fields, changed) == reason


def test_the_filter_comes_before_the_fields():
    """Both must hold; the trace names the filter first."""
    assert why("type == 'push'", CHAT, ("status",), ("agents",)) == "filter: type == 'push'"
    assert why("type == 'request'", CHAT, ("status",), ("agents",)) == "fields"


def test_names_of_changes_in_a_stored_event():
    """What was published as changed can be read from the stored snapshot."""
    assert changed_in(Seen(b'{"changes":{"status":{}}}')) == ("status",)
    assert changed_in(Seen(b"{}")) is None
    assert changed_in(Seen(b"not json")) is None


def test_an_unreadable_event_does_not_match():
    """A damaged snapshot is no match, and says so."""
    assert refusal("type", (), Seen(b"{"), None, LIMITS) == "filter: not evaluated: The event cannot be read."
    assert refusal("a > 1", (), Seen(b"{"), None, LIMITS) == "filter: not evaluated: The event cannot be read."


def test_a_stored_filter_that_is_no_expression_any_more():
    """A filter that was fine once and is refused now does not match, and says so."""
    assert why("a ==").startswith("filter: not evaluated: ")


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_filter_or_a_fault(source):
    """Compiling raises nothing but its own fault, and what compiles can be asked."""
    try:
        found = Filter(source, LIMITS)
    except ExpressionFault:
        return
    reason = found.refusal(Seen(json.dumps(CHAT).encode()))
    assert reason is None or reason.startswith("filter: ")


@pytest.mark.parametrize("event_type", [one.name for one in CATALOGUE])
def test_every_sample_can_be_asked(event_type):
    """A filter on any sample of the Catalogue gives a plain answer."""
    for name in SAMPLE_NAMES:
        snapshot = sample(event_type, name)
        assert refusal(f"meta.eventType == '{event_type}'", (), Seen(snapshot), None, LIMITS) is None
        assert refusal("meta|length > 100", (), Seen(snapshot), None, LIMITS) == "filter: meta|length > 100"
