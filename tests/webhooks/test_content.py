"""Filter, changed fields and template on save: read, tried on the samples of each chosen type, and told all at once."""

# ruff: noqa: E501  the tables have one row a line

from typing import Any

import pytest

from deskbell.model.changes import Insert
from deskbell.model.errors import Invalid
from deskbell.model.event import CustomType
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from deskbell.webhooks.checks_content import told_of
from engine.world import SITE as DESK
from engine.world import START
from webhooks.office import ANA, ORIGIN, Office, spec

SITE = Site(site=SiteId("dd"), name="DD", created_at=Instant(0))
TICKETS = ("ticket.updated", "ticket.created")


def told(declared: Any = None, **members: Any) -> Any:
    """What is said of these settings."""
    return told_of(spec(**members), SITE, Limits(), declared or {})


def faults(**members: Any) -> list[tuple[str, str]]:
    """Pointer and code of each fault."""
    return [(one.pointer, one.code) for one in told(**members).faults]


GOOD: list[dict[str, Any]] = [
    {},
    {"event_types": TICKETS, "filter": "status.name == 'Open' and priority.name in ['High', 'Urgent']"},
    {"event_types": TICKETS, "filter": "'vip' in tags or company.name|lower is startingwith('desk')"},
    {"event_types": TICKETS, "changed_fields": ("status", "agents", "status.id")},
    {"event_types": ("*",), "filter": "meta.eventType != 'chat.updated'"},
    {"event_types": ("chat.*",), "filter": "report.creatorWaited and report.creatorWaited > 60"},
    {"event_types": ("custom.order",), "filter": "data.total > 100"},
    {"event_types": ("approval.*",), "filter": "anything.at.all"},
    {"event_types": TICKETS, "filter": "changes.priority.new.name == 'High' and changes.tags"},
    {"event_types": TICKETS, "format": "template", "template": {"text": "{{ event.title }}"}},
    {"event_types": TICKETS, "template": {"text": "{{ event.title }}"}},
    {"event_types": ("*",), "format": "template", "template": {"type": {"$": "event.meta.eventType"}}},
]


@pytest.mark.parametrize("members", GOOD)
def test_good_ones(members):
    """Neither faults nor warnings."""
    assert told(**members).faults == ()
    assert told(**members).warnings == ()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"filter": "a = b"}, [("/filter", "expression_form")]),
        ({"filter": "  "}, [("/filter", "expression_form")]),
        ({"filter": "data|nope"}, [("/filter", "expression_filter")]),
        ({"filter": "data.n + 1 > 2"}, [("/filter", "filter")]),
        ({"filter": "'a'|indent(100000000)"}, [("/filter", "filter")]),
        ({"filter": "a" * 2_001}, [("/filter", "expression_long")]),
        ({"changed_fields": ("status", "a b")}, [("/changedFields/1", "field_form")]),
        ({"changed_fields": ("a",) * 51}, [("/changedFields", "range")]),
        ({"format": "template"}, [("/template", "required")]),
        ({"template": {"a": ["{{ 1 + }}"], "b": {"$": 1}}}, [("/template/a/0", "expression_form"), ("/template/b/$", "template_form")]),
        ({"template": {"a": "{{ event.data.n + 1 }}"}}, [("/template/a", "expression_value")]),
        ({"template": {"$": "event.nope", "omit": True}}, [("/template", "template_empty")]),
        ({"template": ["x" * 70_000]}, [("/template", "template_bytes")]),
        ({"filter": "a =", "template": "{{", "changed_fields": ("-",)}, [("/template", "expression_form"), ("/filter", "expression_form"), ("/changedFields/0", "field_form")]),
        ({"event_types": ("custom.\"x", "chat.missed"), "filter": "name"}, []),
        ({"format": "xml", "template": {}}, []),
    ],
)  # fmt: skip
def test_faults(members, expected):
    """Each with its pointer into the template and a stable code, all of them at once."""
    assert faults(**members) == expected


def test_a_fault_names_type_sample_expression_and_text():
    """One that fails for the minimal sample alone says so."""
    found = told(
        event_types=("ticket.updated",), format="template", template={"due": {"$": "event.contact.entityId + 1"}}
    )
    (fault,) = found.faults
    assert fault.pointer == "/template/due"
    assert fault.detail == ("ticket.updated, minimal sample: event.contact.entityId + 1: + needs numbers, not nothing.")


@pytest.mark.parametrize(
    ("members", "pointer", "words"),
    [
        ({"event_types": TICKETS, "filter": "priority.naem == 'High'"}, "/filter", "has priority.naem"),
        ({"event_types": TICKETS, "filter": "data.x"}, "/filter", "has data.x"),
        ({"event_types": TICKETS, "filter": "changes.statuss"}, "/filter", "has changes.statuss"),
        ({"event_types": TICKETS, "template": "{{ event.titel }}"}, "/template", "has event.titel"),
        ({"event_types": TICKETS, "template": {"a": "{{ title }}"}}, "/template/a", "A template knows event, events"),
        ({"event_types": TICKETS, "template": {"$each": "event.agents", "as": "a", "do": "{{ a.nme }}"}}, "/template/do", "event.agents[0].nme"),
        ({"event_types": TICKETS, "changed_fields": ("statuss",)}, "/changedFields/0", "has statuss"),
        ({"event_types": ("chat.*",), "changed_fields": ("status",)}, "/changedFields", "every event passes"),
        ({"event_types": ("custom.order",), "filter": "date.x"}, "/filter", "has date.x"),
    ],
)  # fmt: skip
def test_warnings(members, pointer, words):
    """A field that no sample has is told, and does not block."""
    found = told(**members)
    assert found.faults == ()
    assert [(one.pointer, one.code) for one in found.warnings] == [(pointer, "field_unknown")]
    assert words in found.warnings[0].detail


def test_a_declared_custom_type_is_judged_by_its_own_sample():
    """With a declared sample its members are known; without one, anything may be there."""
    members = {"event_types": ("custom.paid",), "filter": "data.amount + 1 > 2"}
    assert [one.code for one in told(**members).faults] == ["filter"]
    assert told({"custom.paid": '{"amount":5}'}, **members) == told()
    declared = told({"custom.paid": '{"amount":5}'}, event_types=("custom.*",), filter="data.amuont")
    assert [one.code for one in declared.warnings] == ["field_unknown"]


@pytest.fixture
async def office() -> Any:
    """Registrations on a running engine."""
    office = Office()
    await office.world.start()
    yield office
    await office.world.engine.stop(1.0)


async def test_create_stores_what_was_given(office):
    """The template is kept as JSON, the others as they are; warnings come with the answer and do not block."""
    made = await office.made(
        event_types=TICKETS,
        format="template",
        template={"b": 1, "a": "{{ event.titel }}"},
        filter="entityId > 5",
        changed_fields=("status",),
    )
    stored = await office.rooms.get(DESK, made.webhook.id)
    assert (stored.template, stored.filter) == ('{"b":1,"a":"{{ event.titel }}"}', "entityId > 5")
    assert (stored.changed_fields, stored.format) == (("status",), "template")
    assert [one.pointer for one in made.warnings] == ["/template/a"]


async def test_faults_refuse_the_whole(office):
    """Filter and template are judged with everything else."""
    with pytest.raises(Invalid) as caught:
        await office.made(description="", filter="a =", template={"a": "{{"})
    assert {one.pointer for one in caught.value.faults} == {"/description", "/filter", "/template/a"}


async def test_change_and_take_back(office):
    """A patch replaces a template whole; null goes back to the default; a bad one leaves everything as it was."""
    made = await office.made(event_types=TICKETS, filter="entityId > 5")
    update = office.rooms.update
    changed = await update(ANA, made.webhook.id, {"format": "template", "template": {"a": {"$": "x"}}}, origin=ORIGIN)
    assert [one.pointer for one in changed.warnings] == ["/template/a/$"]
    with pytest.raises(Invalid):
        await update(ANA, made.webhook.id, {"template": {"a": "{{"}}, origin=ORIGIN)
    with pytest.raises(Invalid):
        await update(ANA, made.webhook.id, {"template": None}, origin=ORIGIN)
    members = {"template": None, "format": None, "filter": None, "changedFields": None}
    changed = await update(ANA, made.webhook.id, members, origin=ORIGIN)
    after = changed.webhook
    assert (after.template, after.filter, after.changed_fields, after.format) == (None, None, (), "desk")


async def test_what_a_patch_leaves_alone_is_not_judged_again(office):
    """An older filter that would not pass today does not stand in the way of another change."""
    made = await office.made(event_types=TICKETS)
    await office.world.change(made.webhook, filter="priority.naem ==")
    changed = await office.rooms.update(ANA, made.webhook.id, {"description": "Other"}, origin=ORIGIN)
    assert (changed.webhook.description, changed.warnings) == ("Other", ())
    with pytest.raises(Invalid):
        await office.rooms.update(ANA, made.webhook.id, {"eventTypes": ["ticket.closed"]}, origin=ORIGIN)


async def test_the_audit_has_the_words(office):
    """Who changed a filter or template, from what to what."""
    made = await office.made(event_types=TICKETS)
    await office.rooms.update(ANA, made.webhook.id, {"filter": "entityId > 5"}, origin=ORIGIN)
    entry = (await office.audit())[-1]
    assert (entry.before, entry.after) == ('{"filter":null}', '{"filter":"entityId > 5"}')


async def test_declared_samples_are_read_from_the_site(office):
    """The samples of the site's own declared types are asked."""
    await office.world.commit(
        Insert(
            row=CustomType(
                site=DESK, name="custom.paid", description="Paid", sample='{"amount":5}', created_at=START
            )
        )
    )  # fmt: skip
    made = await office.made(event_types=("custom.paid",), filter="data.amount + 1 > 2")
    assert made.warnings == ()
