"""The language of filters and templates: what it says, what it refuses, and that nothing breaks out of it."""

# ruff: noqa: E501  the tables have one row a line

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskbell.rules.expression_values import FREE_BYTES, fuel_for, sealed
from deskbell.rules.expressions import ExpressionFault, Program, names_in, read_expression, source_of
from deskbell.rules.limits import Limits

LIMITS = Limits()
EVENT = {
    "id": "22282",
    "n": 5,
    "half": 1.5,
    "yes": True,
    "nothing": None,
    "text": "Ünï\n  code <b>&</b>",
    "at": "2020-04-15T21:10:09.5895683Z",
    "list": [3, 1, 2],
    "tags": ["vip", "on site"],
    "agents": [{"name": "Ann", "id": 1}, {"name": "Bo", "id": 2}],
    "data": {"items": 7, "keys": 8, "größe": "XL"},
    "bare": {},
    "big": 2**70,
}


def program(source, fuel=None):
    """An expression that puts out its value."""
    return Program(
        "{{ " + source_of(read_expression(source, LIMITS.expression_chars_max)) + " }}",
        fuel=fuel or LIMITS.template_fuel,
        size_max=LIMITS.rendered_bytes_max,
        depth_max=LIMITS.template_depth_max,
    )


def value(source, event=EVENT, zone="UTC"):
    """What the expression comes to."""
    (found,) = program(source).run({"event": sealed(event)}, data_bytes=1_000, zone=zone)[0]
    return found


def fault(source, event=EVENT):
    """Code and text of what is wrong."""
    with pytest.raises(ExpressionFault) as caught:
        value(source, event)
    return caught.value.code, caught.value.text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("event.id", "22282"),
        ("event['id']", "22282"),
        ("event.agents[1].name", "Bo"),
        ("event.agents.1.name", "Bo"),
        ("event.agents[-1]['name']", "Bo"),
        ("event.data.größe", "XL"),
        ("event.nope.of.this", None),
        ("event.nothing.x", None),
        ("event.data.items", 7),
        ("event.data.keys", 8),
        ("event.bare.items", None),
        ("event.bare.keys", None),
        ("event.list.append", None),
        ("event.__class__", None),
        ("event['__class__']", None),
        ("nope", None),
        ("1 + 2 * 3 - 4", 3),
        ("7 // 2 + 7 % 2", 4),
        ("7 / 2", 3.5),
        ("-event.n", -5),
        ("-3|abs", 3),
        ("'a' + 'b'", "ab"),
        ("'a' ~ 1 ~ none ~ true ~ event.tags", 'a1true["vip","on site"]'),
        ("event.n > 3 and event.half < 2", True),
        ("event.nope or 'otherwise'", "otherwise"),
        ("not event.nope", True),
        ("not not event.n", True),
        ("'vip' in event.tags", True),
        ("'gold' not in event.tags", True),
        ("'x' in event.nothing", False),
        ("'id' in event", True),
        ("'code' in event.text", True),
        ("3 in [1, 2, 3.0]", True),
        ("null", None),
        ("true == True", True),
        ("'Open' if event.yes else 'Closed'", "Open"),
        ("'Open' if event.nope", None),
        ("[1, 'a', event.n]", [1, "a", 5]),
        ("{'a': {'b': 1}}", {"a": {"b": 1}}),
        ("event.list[0:2]", [3, 1]),
        ("event.list[::-1]", [2, 1, 3]),
        ("'abc'[1:]", "bc"),
        ("event.nope is defined", False),
        ("event.nothing is none", True),
        ("event.n is not none", True),
        ("event.n is divisibleby(5)", True),
        ("event.id is startingwith('22')", True),
        ("event.nope|default('x')", "x"),
        ("event.nothing|default('x', true)", "x"),
        ("event.tags|join(', ')", "vip, on site"),
        ("event.agents|map(attribute='name')|join(' & ')", "Ann & Bo"),
        ("event.agents|selectattr('id', 'gt', 1)|map(attribute='name')|first", "Bo"),
        ("event.tags|map('upper')|list", ["VIP", "ON SITE"]),
        ("event.list|sort|last", 3),
        ("event.list|sum", 6),
        ("event.agents|length", 2),
        ("event.data|items|list|length", 3),
        ("event.nothing|upper", ""),
        ("event.nothing|trim", ""),
        ("\"it's\"|title", "It's"),
        ("'a b'|title ~ 'CD'|capitalize ~ 'E'|lower", "A BCde"),
        ("' x '|trim", "x"),
        ("'xxaxx'|trim('x')", "a"),
        ("'a-b'|replace('-', '+')", "a+b"),
        ("event.text|one_line", "Ünï code <b>&</b>"),
        ("'a b&c/ü'|url_encode", "a%20b%26c%2F%C3%BC"),
        ("{'a': [1, none]}|tojson", '{"a":[1,null]}'),
        ("'abcdef'|truncate(4)", "abc…"),
        ("'abc'|truncate(3)", "abc"),
        ("event.at|date", "2020-04-15 21:10"),
        ("event.at|date('%A, %e %B %Y %I:%M %p %Z', 'Europe/Berlin')", "Wednesday, 15 April 2020 11:10 PM CEST"),
        ("event.at|date('%y%m%d %j %a %b %S %z %%')", "200415 106 Wed Apr 09 +0000 %"),
        ("0|date('%Y')", "1970"),
        ("event.nothing|date", ""),
        ("1_000", 1000),
        ("1.5e3", 1500.0),
        ("'\\u00e9\\n\\\\\\''", "é\n\\'"),
        ("'{{ 1 }} {% raw %} {#'", "{{ 1 }} {% raw %} {#"),
        ("{'a': {'b': {'c': 1}}}['a']['b']", {"c": 1}),
    ],
)  # fmt: skip
def test_values(source, expected):
    """One row per thing that can be said."""
    assert value(source) == expected


def test_the_site_s_zone_is_the_default():
    """A date without a zone is written in the site's."""
    assert value("event.at|date('%H:%M')", zone="Asia/Tokyo") == "06:10"


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("", "expression_form", "empty"),
        ("a = b", "expression_form", "write =="),
        ("a && b", "expression_form", "Write and, or, not"),
        ("a == 'x", "expression_form", "no closing '"),
        ("a ; b", "expression_form", "The sign ;"),
        ("a b", "expression_form", "does not belong here before b"),
        ("a ==", "expression_form", "A value is missing at the end"),
        ("(a", "expression_form", ") is missing here at the end"),
        ("a[", "expression_form", "A value is missing"),
        ("a[]", "expression_form", "A key is missing"),
        ("[1, 2", "expression_form", ", is missing here"),
        ("{'a'}", "expression_form", ": is missing"),
        ("1 < 2 < 3", "expression_form", "two values at a time"),
        ("2 ** 3", "expression_form", "** is not available"),
        ("a.1.2", "expression_form", "[0][1]"),
        ("'\\q'", "expression_form", "\\q has no meaning"),
        ("'\\ud800'", "expression_form", "letter itself"),
        ("'a\ud800'", "expression_form", "half a character"),
        ("_secret", "expression_form", "no variable"),
        ("größe", "expression_form", "no variable"),
        ("1234567890123456789", "expression_form", "too long"),
        ("1e999", "expression_form", "too large"),
        ("range(3)", "expression_call", "no functions such as range"),
        ("event.clear()", "expression_call", "Nothing can be called"),
        ("event.list.append(1)", "expression_call", "Nothing can be called"),
        ("event['pop']('id')", "expression_call", "Nothing can be called"),
        ("('a')()", "expression_call", "Nothing can be called"),
        ("loop.cycle(1)", "expression_call", "Nothing can be called"),
        ("a|pprint", "expression_filter", "no filter pprint"),
        ("a|debug", "expression_filter", "no filter debug"),
        ("a|safe", "expression_filter", "no filter safe"),
        ("a|attr('x')", "expression_filter", "no filter attr"),
        ("a|_joined('x')", "expression_filter", "no filter _joined"),
        ("a|uper", "expression_filter", "Did you mean upper?"),
        ("a is nothing", "expression_filter", "no test nothing"),
        ("a|map('pprint')", "expression_filter", "no filter pprint"),
        ("a|map(event.id)", "expression_filter", "as a text"),
        ("a|select('filter')", "expression_filter", "no test filter"),
        ("a|join(Evil=1)", "expression_filter", "no argument Evil"),
        ("a|join(x=1, 2)", "expression_form", "without a name come first"),
        ("a is eq(x=1)", "expression_form", "no named values"),
        ("a" + ".b" * 40, "expression_depth", "nested too deep"),
        ("(" * 40 + "1" + ")" * 40, "expression_depth", "nested too deep"),
        ("a" * 2_001, "expression_long", "2,000 characters"),
        ("1 / 0", "expression_value", "division by zero"),
        ("1 + 'a'", "expression_value", "Write ~ to join"),
        ("event.nothing + 1", "expression_value", "needs numbers, not nothing"),
        ("true + 1", "expression_value", "not true or false"),
        ("event.tags + 1", "expression_value", "not a list"),
        ("-event.data", "expression_value", "not an object"),
        ("1e308 * 10", "expression_value", "too large"),
        ("1 in 5", "expression_value", "in needs"),
        ("'x'|date", "expression_value", "date needs"),
        ("1e300|date", "expression_value", "date needs"),
        ("event.at|date('%Q')", "expression_value", "date knows no %Q"),
        ("event.at|date('%')", "expression_value", "date knows no %"),
        ("event.at|date('%H', 'Nowhere/Town')", "expression_value", "no time zone Nowhere/Town"),
        ("event.at|date('%H', '../../etc/passwd')", "expression_value", "no time zone"),
        ("'a'|truncate(0)", "expression_value", "truncate takes"),
        ("'a'|int", "expression_value", "Invalid float literal"),
        ("5|first", "expression_value", ""),
    ],
)  # fmt: skip
def test_faults(source, code, words):
    """What cannot be said or evaluated has a stable code and a sentence that helps."""
    found = fault(source)
    assert found[0] == code, found
    assert words in found[1]


HEAVY = {
    "s": "x" * 262_144,
    "words": "ab " * 80_000,
    "n": list(range(100_000, 130_000)),
    "t": [f"s{n}" for n in range(25_000)],
    "o": {f"k{n}": n for n in range(15_000)},
}
ABUSE = [
    "'x' * 1000000000",
    "[1] * 1000000000",
    "event.n * 1000",
    "event.n + event.n",
    "'a'|indent(1000000000)",
    "'%1000000000d'|format(1)",
    "'%-1000000000s'|format('a')",
    "event.s|replace('', event.s)",
    "event.s|replace('x', event.s)",
    "event.s" + "|replace('x', 'xx')" * 25,
    "event.n|join(event.s)",
    "event.t|map('replace', 's', event.s)|list",
    "event.n|select('in', event.n)|list|length",
    "event.n|map('int')|map('int')|map('int')|sum",
    " ~ ".join(["event.s"] * 180),
    "[" + ", ".join(["event"] * 200) + "]",
    "{" + ", ".join(f"'k{n}': event" for n in range(120)) + "}",
    "event.n|tojson|length",
    "event.o|tojson",
    "event.s|split('')|length",
    "event.n|groupby('a')|length",
    "event.o|dictsort|length",
    "event.words|title|upper|lower|url_encode|one_line|length",
    " or ".join(["-1 in event.n"] * 110),
    " or ".join(["event.o == {}"] * 110),
    "event.s|truncate(100000)|replace('x', 'yyyyyyyyyyyyyyyyyy')",
    "999999999999999999" + " * 999999999999999999" * 90,
]


@pytest.mark.parametrize("source", ABUSE)
@pytest.mark.parametrize("fuel", [LIMITS.filter_fuel, LIMITS.template_fuel])
def test_abuse_ends(source, fuel):
    """Towards a gigabyte or an hour: stopped with one of our faults, or done within bounds."""
    size = len(json.dumps(HEAVY))
    context = {"event": sealed(HEAVY)}
    found = program(source, fuel)
    stopped = None
    try:
        tape, _ = found.run(context, data_bytes=size)
    except ExpressionFault as fault:
        stopped = fault.code
    assert stopped in {"expression_fuel", "expression_size", "expression_value"} or len(json.dumps(tape)) < 262_144


def test_fuel_decides():
    """The verdict is the same on every machine: steps are counted, not time."""
    found = program("event.list|map('int')|map('int')|sum", fuel=100)
    for _ in range(3):
        assert found.run({"event": sealed(EVENT)}, data_bytes=1)[0] == [6]
    with pytest.raises(ExpressionFault, match="more than 100 steps"):
        found.run({"event": sealed({"list": [1] * 60})}, data_bytes=1)
    assert found.run({"event": sealed(EVENT)}, data_bytes=1)[0] == [6]


@pytest.mark.parametrize(
    ("size", "fuel"), [(0, 50_000), (FREE_BYTES, 50_000), (2 * FREE_BYTES, 25_000), (100 * FREE_BYTES, 10_000)]
)
def test_larger_events_have_less_fuel(size, fuel):
    """Each step may touch all of the event, so that time stays bounded; a fifth is always left."""
    assert fuel_for(50_000, size) == fuel


def test_an_event_is_never_changed():
    """Whatever an expression does, the event is as it was."""
    given_event = sealed(EVENT)
    for source in ("event.list|sort", "event.tags|reverse|list", "event|items|list", "event.list|map('int')|list"):
        program(source).run({"event": given_event}, data_bytes=1)
    assert given_event == EVENT


def test_names():
    """The paths that an expression reads, as long as they are plain."""
    found = set(names_in(read_expression("event.a[0].b|join(event.c) if x is eq(event[y.z].w) else {'k': d}", 2_000)))
    assert found == {("event", "a", 0, "b"), ("event", "c"), ("x",), ("event",), ("y", "z"), ("d",)}


words = st.sampled_from(
    [
        "event", "event.n", "event.text", "event.list", "event.nope", "loop", "self", "x", "'a'", '"b"', "'{{'", "'}}'",
        "'%}'", "'{#'", "'\\\\'", "1", "0", "1.5", "true", "none", "+", "-", "*", "/", "//", "%", "~", "==", "!=", "<",
        ">=", "and", "or", "not", "in", "is", "is not", "if", "else", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|",
        "|upper", "|join(',')", "|default('x')", "|map('upper')", "|date", "|truncate(3)", "|tojson", "|length", "defined",
        "none", "{{", "}}", "{%", "%}", "{#", "#}", "endif", "include", "macro", "\\", "\n", "é", "=",
    ]
)  # fmt: skip


@given(st.lists(words, min_size=1, max_size=12).map(" ".join))
@example("'}}' }}{{ 'x'")
@example("1 }}{% include 'x' %}{{ 2")
@settings(max_examples=1_500, deadline=None)
def test_nothing_breaks_out(source):
    """What is accepted is one expression: it puts out exactly one value, or one of our faults and nothing else."""
    try:
        tape, _ = program(source).run({"event": sealed(EVENT)}, data_bytes=1)
    except ExpressionFault:
        return
    assert len(tape) == 1


@given(st.text(max_size=40))
@settings(max_examples=600, deadline=None)
def test_any_text_is_an_expression_or_a_fault(source):
    """Reading never raises anything but its own fault."""
    try:
        tape, _ = program(source).run({"event": sealed(EVENT)}, data_bytes=1)
    except ExpressionFault:
        return
    assert len(tape) == 1


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_can_be_written(text):
    """A text in quotes comes out as it went in, whatever stands in it."""
    text = text.encode("utf-8", "replace").decode()
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert value(quoted) == text
