"""The JSON-tree template: every rule of it, its limits, and that it always gives JSON or one of its own faults."""

# ruff: noqa: E501  the tables have one row a line

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.rules.limits import Limits
from deskbell.rules.templates import TemplateFault, compiled, read_template

LIMITS = Limits()
EVENT = {
    "id": "22282",
    "entityId": 22282,
    "title": "Printer <3rd floor> & *urgent*",
    "open": True,
    "half": 1.5,
    "nothing": None,
    "tags": ["vip", "on site"],
    "agents": [{"name": "Ann", "id": 1}, {"name": "Bo", "id": None}],
    "lastNote": None,
    "status": {"id": 3, "name": "Open"},
    "link": "https://desk.example.com/t/22282",
    "createdDateTime": "2020-04-15T21:10:09.5895683Z",
    "odd": "a\u0000b\u202ec\td\ne",
    "big": 2**70,
    "loops": [[1, 2], [], [3]],
}
ROOT = {
    "event": EVENT,
    "events": [EVENT, {**EVENT, "id": "22283", "title": "Second"}],
    "count": 2,
    "site": {"msp": "dd", "name": "Desk"},
    "webhook": {"id": "whk_1", "description": "To the desk"},
    "delivery": {"id": "dlv_1"},
}


def rendered(template, root=ROOT, zone="UTC", limits=LIMITS, data_bytes=2_000):
    """The payload as JSON."""
    found, faults = read_template(template, limits)
    assert faults == (), [fault.sentence for fault in faults]
    body = found.render(root, data_bytes=data_bytes, zone=zone)
    assert body == found.render(root, data_bytes=data_bytes, zone=zone)  # the same bytes every time
    return json.loads(body)


def test_the_example_of_the_contract():
    """Texts are filled in, values keep their types, defaults and omissions work, lists repeat."""
    template = {
        "title": "Ticket {{ event.id }}: {{ event.title }}",
        "ticketId": {"$": "event.entityId"},
        "tags": {"$": "event.tags"},
        "owner": {"$": "event.agents[5].name", "or": "nobody"},
        "note": {"$": "event.lastNote.text", "omit": True},
        "each": {"$each": "events", "as": "e", "do": {"id": "{{ e.id }}"}},
    }
    assert rendered(template) == {
        "title": "Ticket 22282: Printer <3rd floor> & *urgent*",
        "ticketId": 22282,
        "tags": ["vip", "on site"],
        "owner": "nobody",
        "each": [{"id": "22282"}, {"id": "22283"}],
    }


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ event.id }}", "22282"),
        ("{{ event.entityId }} {{ event.half }} {{ event.open }}", "22282 1.5 true"),
        ("{{ event.tags }}{{ event.status }}", '["vip","on site"]{"id":3,"name":"Open"}'),
        ("[{{ event.nothing }}{{ event.nope.of.this }}]", "[]"),
        ("{{ event.title|upper }} {{ event.entityId + 1 }}", "PRINTER <3RD FLOOR> & *URGENT* 22283"),
        ("{{ count }} of {{ site.name }} for {{ webhook.description }}, {{ delivery.id }}", "2 of Desk for To the desk, dlv_1"),
        ("no value { at } all %} #}", "no value { at } all %} #}"),
        ("$${ is no sign, $ neither", "$${ is no sign, $ neither"),
        ("{{ '{{' }} and {{ '}}' }} {# a word #}end", "{{ and }} end"),
        ("{{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'),
        ("{% if event.open %}open{% else %}closed{% endif %}", "open"),
        ("{% if event.nope %}a{% elif event.half > 2 %}b{% elif event.half > 1 %}c{% endif %}", "c"),
        ("{% if event.nope %}a{% endif %}", ""),
        ("{% for tag in event.tags %}{{ loop.index }} {{ tag }}{% if not loop.last %}, {% endif %}{% endfor %}", "1 vip, 2 on site"),
        ("{% for tag in event.nope %}a{% else %}none{% endfor %}", "none"),
        ("{% for key, value in event.status|items %}{{ key }}={{ value }};{% endfor %}", "id=3;name=Open;"),
        ("{% for one in event.agents if one.id %}{{ one.name }}{% endfor %}", "Ann"),
        ("{% for row in event.loops %}[{% for n in row %}{{ n }}{% endfor %}]{% endfor %}", "[12][][3]"),
        ("a {{- ' b ' -}} c {%- if true -%} d {%- endif %} e", "a b cd e"),
        ("{{ event.createdDateTime|date('%H:%M') }}", "21:10"),
        ({"$": "event.entityId"}, 22282),
        ({"$": "event.half"}, 1.5),
        ({"$": "event.big"}, 2**70),
        ({"$": "event.open"}, True),
        ({"$": "event.nothing"}, None),
        ({"$": "event.nope"}, None),
        ({"$": "event.agents"}, EVENT["agents"]),
        ({"$": "event.agents|map(attribute='name')"}, ["Ann", "Bo"]),
        ({"$": "{'a': event.tags}"}, {"a": ["vip", "on site"]}),
        ({"$": "event.id|int + 1"}, 22283),
        ({"$": "'Open' if event.open else 'Closed'"}, "Open"),
        ({"$": "event.nothing", "or": {"none": True}}, {"none": True}),
        ({"$": "event.nothing", "or": {"$": "event.id"}}, "22282"),
        ({"$": "event.nothing", "or": "no {{ event.nope|default('owner') }}"}, "no owner"),
        ({"$": "event.id", "or": 1}, "22282"),
        ({"$": "''", "or": 1}, ""),
        ({"a": {"$": "event.nothing", "omit": True}, "b": {"$": "event.id", "omit": True}}, {"b": "22282"}),
        ([{"$": "event.nothing", "omit": True}, 1, {"$": "event.nothing"}], [1, None]),
        ({"a": {"$": "event.nothing", "or": None, "omit": True}}, {}),
        ({"a": {"$": "event.nothing", "or": 1, "omit": True}}, {"a": 1}),
        ({"$each": "event.agents", "as": "one", "do": {"$": "one.id", "omit": True}}, [1]),
        ({"$each": "event.agents", "as": "one", "do": "{{ loop.index }}. {{ one.name }}"}, ["1. Ann", "2. Bo"]),
        ({"$each": "event.agents|sort(attribute='name', reverse=true)", "as": "one", "do": {"$": "one.name"}}, ["Bo", "Ann"]),
        ({"$each": "event.nothing", "as": "one", "do": 1}, []),
        ({"$each": "event.loops", "as": "row", "do": {"$each": "row", "as": "n", "do": {"$": "n"}}}, [[1, 2], [], [3]]),
        ({"$each": "event.loops", "as": "row", "do": {"$each": "row", "as": "n", "do": {"$": "n * 2"}}}, [[2, 4], [], [6]]),
        ({"$each": "events", "as": "e", "do": {"$each": "e.tags", "as": "t", "do": "{{ e.id }}/{{ t|upper }}"}}, [["22282/VIP", "22282/ON SITE"], ["22283/VIP", "22283/ON SITE"]]),
        ({"n": 1, "t": True, "z": None, "f": 1.5, "l": [], "o": {}, "s": "{}"}, {"n": 1, "t": True, "z": None, "f": 1.5, "l": [], "o": {}, "s": "{}"}),
        ({"{{ event.id }}": 1, "$ref": 2}, {"{{ event.id }}": 1, "$ref": 2}),
        ({"url": "{{ event.link }}", "iconURL": "http://x.example/i.png", "b": 1}, {"url": "https://desk.example.com/t/22282", "iconURL": "http://x.example/i.png", "b": 1}),
        ({"url": {"$": "event.nothing"}, "a_url": "javascript:{{ event.id }}", "b": 1}, {"b": 1}),
        ({"url": "https://", "u2Url": "https:// x", "u3url": {"$": "event.entityId"}, "url4": "x"}, {"url4": "x"}),
        ({"url": {"inner": 1}}, {"url": {"inner": 1}}),
        ("{{ event.odd }}", "abc\td\ne"),
        ({"$": "event.odd"}, "abc\td\ne"),
        ({"$": "{'k': event.odd}"}, {"k": "abc\td\ne"}),
    ],
)  # fmt: skip
def test_rules(template, expected):
    """One row per rule."""
    assert rendered(template) == expected


def test_dates_are_in_the_site_s_zone():
    """A date without a zone of its own."""
    assert rendered("{{ event.createdDateTime|date('%H:%M') }}", zone="Asia/Tokyo") == "06:10"


@pytest.mark.parametrize(
    ("template", "pointer", "code", "words"),
    [
        ("{{ event.id", "", "expression_form", "no closing }}"),
        ("{{ event.id | nope }}", "", "expression_filter", "no filter nope"),
        ({"a": ["x", "{{ }}"]}, "/a/1", "expression_form", "empty"),
        ({"a/b~c": "{{ 1 + }}"}, "/a~1b~0c", "expression_form", "missing"),
        ("{% set x = 1 %}", "", "expression_tag", "set %} is not available"),
        ("{% include 'x' %}", "", "expression_tag", "include"),
        ("{% import 'x' as y %}", "", "expression_tag", "import"),
        ("{% macro f() %}{% endmacro %}", "", "expression_tag", "macro"),
        ("{% call f() %}{% endcall %}", "", "expression_tag", "call"),
        ("{% extends 'x' %}", "", "expression_tag", "extends"),
        ("{% if a %}", "", "expression_form", "endif"),
        ("{% endif %}", "", "expression_tag", "no beginning"),
        ("{% for a in b %}", "", "expression_form", "endfor"),
        ("{% for _a in b %}{% endfor %}", "", "expression_form", "for name in list"),
        ("{% for a, b, c in d %}{% endfor %}", "", "expression_form", "for name in list"),
        ("{% for a in b recursive %}{% endfor %}", "", "expression_form", "does not belong"),
        ("{% if a %}" * 9 + "x" + "{% endif %}" * 9, "", "expression_depth", "8 deep"),
        ("{# a", "", "expression_form", "no closing #}"),
        ({"$": 5}, "/$", "template_form", "is a text"),
        ({"$": "a", "default": 1}, "/default", "template_form", "only or and omit"),
        ({"$": "a", "omit": 1}, "/omit", "template_form", "true or false"),
        ({"$each": "a", "as": "1", "do": 1}, "", "template_form", "Name one item"),
        ({"$each": "a", "as": "event", "do": 1}, "", "template_form", "Name one item"),
        ({"$each": "a", "as": "none", "do": 1}, "", "template_form", "Name one item"),
        ({"$each": "a", "as": "b"}, "", "template_form", "do is missing"),
        ({"$each": "a", "as": "b", "do": 1, "x": 1}, "/x", "template_form", "only as and do"),
        ({"$each": 3, "as": "b", "do": 1}, "/$each", "template_form", "is a text"),
        ({"a": "{{ range(3) }}"}, "/a", "expression_call", "no functions"),
        ({"a": "{{ event.clear() }}"}, "/a", "expression_call", "called"),
    ],
)  # fmt: skip
def test_faults_on_reading(template, pointer, code, words):
    """Each fault names its place in the tree, a stable code and what to do."""
    found, faults = read_template(template, LIMITS)
    assert found is None
    assert [(one.pointer, one.code) for one in faults] == [(pointer, code)]
    assert words in faults[0].text


def test_all_faults_at_once():
    """A template with three faults is told of all three."""
    _, faults = read_template({"a": "{{ 1 + }}", "b": {"$": "c|nope"}, "d": ["{% x %}"]}, LIMITS)
    assert [one.pointer for one in faults] == ["/a", "/b/$", "/d/0"]


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ({"a": "{{ event.title + 1 }}"}, "/a, event.title + 1: + needs numbers, not a text. Write ~ to join texts."),
        ({"a": [{"$": "event.id|date"}]}, "/a/0, event.id|date: date needs an ISO time or Unix seconds."),
        ({"$each": "event.entityId", "as": "e", "do": 1}, "the root: $each needs a list."),
        ({"a": {"$each": "event.id|int", "as": "e", "do": {"$": "e * 2"}}}, "/a, event.id|int: $each needs a list."),
        ("{% if event.id > 1 %}a{% elif event.id|int / 0 %}b{% endif %}", None),
        ("{% if event.nope %}a{% elif event.id|int / 0 %}b{% endif %}", "the root, event.id|int / 0: A division by zero."),
        ({"$": "event.nothing", "omit": True}, "the root: Everything was left out."),
        ({"$": "'inf'|float"}, "the root, 'inf'|float: The result is no JSON value."),
    ],
)  # fmt: skip
def test_faults_on_rendering(template, sentence):
    """What fails on one event is named: place, expression, what was wrong."""
    found, faults = read_template(template, LIMITS)
    assert faults == ()
    if sentence is None:
        assert found.render(ROOT, data_bytes=1, zone="UTC")
        return
    with pytest.raises(TemplateFault) as caught:
        found.render(ROOT, data_bytes=1, zone="UTC")
    assert caught.value.sentence == sentence


def nested(levels):
    """A list in a list …"""
    tree = 1
    for _ in range(levels):
        tree = [tree]
    return tree


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ({"a": "x" * 70_000}, "template_bytes"),
        (nested(40), "template_depth"),
        (["{{ event.id }}"] * 501, "template_expressions"),
        ("{{ " + "a" * 2_001 + " }}", "expression_long"),
        ("\ud800", "template_form"),
    ],
)
def test_limits_on_reading(template, code):
    """Source, depth, expressions and their length are bounded."""
    assert read_template(template, LIMITS)[1][0].code == code


WIDE = {"event": {"list": list(range(3_000)), "text": "x" * 100_000, "deep": nested(40), "o": {"url": "x"}}, "count": 1}


@pytest.mark.parametrize(
    ("template", "code"),
    [
        (["{{ event.text }}"] * 3, "expression_size"),
        ([{"$": "[event.text]"}] * 3, "expression_size"),
        ([{"$": "event.text"}, {"$": "event.text"}, {"$": "event.text"}], "expression_size"),
        ({"$each": "event.list", "as": "a", "do": {"$": "event.text"}}, "expression_size"),
        ({"$each": "event.list", "as": "a", "do": "y" * 1_000}, "expression_size"),
        ({"$each": "event.list", "as": "a", "do": {"k" * 1_000: 1}}, "expression_size"),
        ({"$each": "event.list", "as": "a", "do": "{{ a + 1 }}" + "y" * 1_000}, "expression_fuel"),
        ({"$each": "event.list[:300]", "as": "a", "do": "{{ a + 1 }}" + "y" * 1_000}, "expression_size"),
        ("{% for a in event.list %}{{ event.text }}{% endfor %}", "expression_size"),
        ("{% for a in event.list %}" + "y" * 1_000 + "{% endfor %}", "expression_size"),
        ("{% for a in event.list %}{% for b in event.list %}{% endfor %}{% endfor %}", "expression_fuel"),
        ({"$each": "event.list", "as": "a", "do": {"$each": "event.list", "as": "b", "do": 1}}, "expression_fuel"),
        ({"$each": "event.list", "as": "a", "do": {"$each": "event.list", "as": "b", "do": {"$": "a * b"}}}, "expression_fuel"),
        ({"$": "event.deep"}, "expression_depth"),
        ({"$": "[event.deep]"}, "expression_depth"),
        ("{{ 'x'|indent(100000000) }}", "expression_fuel"),
        ("{{ event.text|replace('x', event.text) }}", "expression_fuel"),
        ([{"$": "event.text|replace('x', 'yyyyyy')"}], "expression_size"),
    ],
)  # fmt: skip
def test_limits_on_rendering(template, code):
    """Towards a gigabyte: stopped with a named limit, whatever way it is tried."""
    found, faults = read_template(template, LIMITS)
    assert faults == ()
    with pytest.raises(TemplateFault) as caught:
        found.render(WIDE, data_bytes=120_000, zone="UTC")
    assert caught.value.code == code


def test_depth_of_the_payload_counts_both():
    """The template's levels and those of a value together have a bound."""
    found, _ = read_template({"a": {"b": {"$": "event.deep"}}}, LIMITS)
    root = {"event": {"deep": nested(28)}}
    assert found.render(root, data_bytes=1, zone="UTC")
    with pytest.raises(TemplateFault, match="levels"):
        found.render({"event": {"deep": nested(31)}}, data_bytes=1, zone="UTC")


def test_what_it_reads():
    """The paths of a template, with the variables of loops resolved to their place."""
    template = {
        "a": "{{ event.id }}{% for tag in event.tags %}{{ tag.x }}{{ loop.index }}{% endfor %}",
        "b": {"$each": "event.agents", "as": "one", "do": {"$each": "one.roles", "as": "r", "do": {"$": "r.name"}}},
        "c": {"$each": "event.agents|sort", "as": "one", "do": {"$": "one.name"}},
    }
    found, _ = read_template(template, LIMITS)
    assert {one.path for one in found.reads} == {
        ("event", "id"), ("event", "tags"), ("event", "agents"), ("event", "agents", 0, "roles"),
        ("event", "agents", 0, "roles", 0, "name"),
    }  # fmt: skip


def test_a_stored_template_is_compiled_once_and_judged_by_today_s_limits():
    """When the Operator lowers a limit, an older template is refused by name."""
    text = '{"a":"{{ event.id }}"}'
    assert compiled(text, LIMITS) is compiled(text, LIMITS)
    with pytest.raises(TemplateFault, match="at most 1,024 bytes"):
        compiled(json.dumps("x" * 2_000), Limits(template_bytes_max=1_024))


leaf = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "", "plain", "{{ event.id }}", "{{ event.tags }} {{ event.half|round }}", "{{ x.name }}", "{% for t in event.tags %}{{ t }}{% endfor %}",
            "{% if x %}{{ x }}{% else %}-{% endif %}", "{{ event.title|truncate(5) }}", "{{ event.id + 1 }}", "{{", "{% end",
        ]
    ),
    st.text(max_size=8),
    st.sampled_from(
        [{"$": "event.id"}, {"$": "event.nope", "omit": True}, {"$": "x"}, {"$": "event.agents|length"}, {"$": "event.nothing", "or": "{{ event.id }}"}]
    ),
)  # fmt: skip
trees = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "url", "$", "or", "omit", "$each", "do", "as"]), inner, max_size=4),
        st.tuples(st.sampled_from(["event.agents", "event.tags", "events", "event.loops", "event.id", "x"]), inner).map(
            lambda pair: {"$each": pair[0], "as": "x", "do": pair[1]}
        ),
    ),
    max_leaves=8,
)


@given(trees)
@settings(max_examples=800, deadline=None)
def test_any_tree_is_json_or_a_fault(tree):
    """Whatever is read renders to JSON within the limits, or ends with its own fault and no other."""
    found, faults = read_template(tree, LIMITS)
    assert (found is None) == bool(faults)
    if found is None:
        return
    try:
        body = found.render(ROOT, data_bytes=1, zone="UTC")
    except TemplateFault:
        return
    json.loads(body)
    assert len(body) <= LIMITS.rendered_bytes_max
    assert found.render(ROOT, data_bytes=1, zone="UTC") == body


paths = st.sampled_from(
    ["event.id", "event.entityId", "event.half", "event.open", "event.nothing", "event.nope.x", "event.tags",
     "event.agents[1].name", "event.agents[0]", "event.agents.0.id", "event.status", "event.title[0]", "event.items",
     "event.loops[-3][1]", "count", "nope", "event.tags.append", "event.agents[7].name", "event.id.x"]
)  # fmt: skip


@given(paths)
@settings(max_examples=100, deadline=None)
def test_a_looked_up_path_is_what_the_interpreter_says(path):
    """Plain paths need no interpreter, and give the same."""
    assert rendered({"$": path}) == rendered({"$": f"[{path}]|first"})
    assert rendered(f"<{{{{ {path} }}}}>") == rendered(f"{{% if true %}}<{{{{ {path} }}}}>{{% endif %}}")
