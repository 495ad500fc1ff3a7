"""Stories of tickets."""

import json
from dataclasses import replace
from typing import Any

import pytest

from desk.conftest import KEY, Desk
from deskbell.model.errors import Conflict, Invalid, NotFound


async def make(desk: Desk, **more: Any) -> str:
    """The id of a new ticket of Cora; what its creation fired is forgotten."""
    ticket = await desk.tickets.create("dd", KEY, {"title": "Printer", "contactId": 1, **more})
    desk.publisher.drafts.clear()
    return ticket.id


def head(desk: Desk, place: int = -1) -> dict[str, Any]:
    """The snapshot of an event."""
    found: dict[str, Any] = json.loads(desk.publisher.drafts[place].head + b"}")
    return found


async def test_creation_is_one_event(desk: Desk) -> None:
    """A new ticket takes the defaults, its contact's company, and fires `ticket.created` alone without changes."""
    ticket = await desk.tickets.create("dd", KEY, {"title": "Printer", "contactId": 1, "agentIds": [1], "tags": ["a"]})
    assert desk.types == ["ticket.created"]
    assert desk.publisher.drafts[0].changed == ()
    snapshot = head(desk)
    assert (snapshot["changes"], snapshot["link"]) == ({}, "https://desk.example/desk/agent/tickets/1")
    assert (ticket.status.name, ticket.priority.name, ticket.queue.name) == ("New", "Normal", "Service Desk")
    assert ticket.company is not None
    assert (ticket.company.name, ticket.source, ticket.sequence) == ("Acme", "api", 1)


@pytest.mark.parametrize(
    ("patch", "expected", "changed"),
    [
        ({"title": "Plotter"}, [], ("title",)),
        ({"statusId": 2}, ["status_changed"], ("status",)),
        ({"statusId": 4}, ["status_changed", "approval_required"], ("status",)),
        ({"statusId": 7}, ["status_changed", "closed"], ("status", "closedDateTime")),
        ({"agentIds": [2, "dd~m~1"]}, ["assigned"], ("agents",)),
        ({"priorityId": 4}, ["priority_changed"], ("priority",)),
        ({"contactId": 2}, ["contact_changed"], ("contact",)),
        ({"companyId": None}, ["company_changed"], ("company",)),
        ({"tags": ["old", "new"]}, ["tag_added"], ("tags",)),
        ({"tags": []}, ["tag_removed"], ("tags",)),
        ({"statusId": 4, "agentIds": [1], "priorityId": 3, "contactId": 2, "tags": ["new"]},
         ["status_changed", "assigned", "priority_changed", "contact_changed", "tag_added", "tag_removed",
          "approval_required"],
         ("status", "priority", "contact", "agents", "tags")),
        ({"dueDateTime": "2026-01-02T03:04:05Z", "subType": "x", "type": "y"}, [], ("type", "subType", "dueDateTime")),
    ],
)  # fmt: skip
async def test_one_change_and_its_events(
    desk: Desk, patch: dict[str, Any], expected: list[str], changed: tuple[str, ...]
) -> None:
    """`ticket.updated` comes first, then the specific events in order, all with the same changes."""
    key = await make(desk, tags=["old"])
    ticket = await desk.tickets.change("dd", key, patch, KEY)
    assert desk.types == ["ticket.updated", *(f"ticket.{name}" for name in expected)]
    assert {one.changed for one in desk.publisher.drafts} == {changed}
    assert len({one.head for one in desk.publisher.drafts}) == 1
    assert [one.sequence for one in desk.publisher.drafts] == list(range(2, 3 + len(expected)))
    assert ticket.sequence == 2 + len(expected)
    assert tuple(head(desk)["changes"]) == changed


async def test_a_change_to_what_is_already_there_is_none(desk: Desk) -> None:
    """Setting the same values fires and writes nothing."""
    key = await make(desk)
    units = len(desk.store.units)
    await desk.tickets.change("dd", key, {"title": "Printer", "statusId": 1, "agentIds": []}, KEY)
    assert (desk.types, len(desk.store.units)) == ([], units)


async def test_close_and_reopen(desk: Desk) -> None:
    """Closing sets the closing time, reopening takes it away; doing either twice is a conflict."""
    key = await make(desk)
    assert (await desk.tickets.close("dd", key, KEY)).closed_at == desk.clock.at
    with pytest.raises(Conflict):
        await desk.tickets.close("dd", key, KEY)
    assert (await desk.tickets.reopen("dd", key, KEY)).closed_at is None
    assert desk.types[-3:] == ["ticket.updated", "ticket.status_changed", "ticket.reopened"]


async def test_a_note_changes_last_note(desk: Desk) -> None:
    """A note is kept, becomes `lastNote`, and fires updated and note_added."""
    key = await make(desk)
    _, note = await desk.tickets.note("dd", key, {"text": "On\nmy way", "isPublic": True, "by": "dd~m~1"}, KEY)
    assert desk.types == ["ticket.updated", "ticket.note_added"]
    assert head(desk)["lastNote"]["author"]["name"] == "Ana Ruiz"
    assert (note.author_kind, note.is_public, note.kind) == ("agent", True, "note")
    assert await desk.tickets.notes("dd", key) == (note,)
    assert list(head(desk)["changes"]) == ["lastNote"]


async def test_a_deleted_ticket_is_gone(desk: Desk) -> None:
    """Deleting fires updated and deleted; the ticket is found no more."""
    key = await make(desk)
    await desk.tickets.delete("dd", key, KEY)
    assert desk.types == ["ticket.updated", "ticket.deleted"]
    with pytest.raises(NotFound):
        await desk.tickets.get("dd", key)


async def test_two_changes_at_once_both_stand(desk: Desk) -> None:
    """A change that was overtaken is planned anew on the newer row, so that neither is lost."""
    key = await make(desk)

    async def other() -> None:
        await desk.tickets.change("dd", key, {"title": "Plotter"}, KEY)

    desk.store.before_commit.append(other)
    ticket = await desk.tickets.change("dd", key, {"statusId": 2}, KEY)
    assert (ticket.title, ticket.status.id, ticket.version) == ("Plotter", 2, 3)
    assert [one.sequence for one in desk.publisher.drafts] == [2, 3, 4]


async def test_the_sites_own_link(desk: Desk) -> None:
    """A pattern of the site makes the link."""
    site = desk.store.row("site", "dd")
    desk.store.put(replace(site, ticket_link="https://psa.example/t?id={id}"))
    await desk.tickets.create("dd", KEY, {"title": "x", "contactId": 1})
    assert head(desk)["link"] == "https://psa.example/t?id=1"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/title", "/contactId"}),
        ({"title": "x", "contactId": 9, "statusId": 9, "agentIds": [1, 9]}, {"/contactId", "/statusId", "/agentIds/1"}),
        ({"title": "x\ny", "contactId": 1, "colour": "red"}, {"/title", "/colour"}),
        ({"title": "x", "contactId": 1, "tags": ["ok", 5], "dueDateTime": "soon"}, {"/tags/1", "/dueDateTime"}),
        ({"title": "x", "contactId": 1, "by": "nobody", "companyId": 9}, {"/by", "/companyId"}),
        ({"title": 5, "contactId": True, "priorityId": "high"}, {"/title", "/contactId", "/priorityId"}),
    ],
)  # fmt: skip
async def test_tickets_that_are_not_valid(desk: Desk, body: dict[str, Any], pointers: set[str]) -> None:
    """Every fault is told at its member, all at once, and nothing is stored."""
    with pytest.raises(Invalid) as refused:
        await desk.tickets.create("dd", KEY, body)
    assert {fault.pointer for fault in refused.value.faults} == pointers
    assert desk.store.units == []


async def test_reports_upsert_and_are_idempotent(desk: Desk) -> None:
    """A report in the shape of the snapshot makes the ticket, the same again does nothing, a change fires as ever."""
    body = {
        "title": "Mail",
        "status": {"id": 40, "name": "With vendor"},
        "priority": {"name": "High"},
        "contact": {"userId": "dd~c~70", "name": "Nora", "company": {"entityId": 8, "name": "N Ltd"}},
        "agents": [{"userId": "dd~m~1"}],
        "lastNote": {"text": "hello", "authorKind": "contact", "isPublic": True},
        "whatever": 1,
    }
    ticket, event_ids = await desk.tickets.report("dd", "22282", body, KEY)
    assert (ticket.id, ticket.entity_id, ticket.status.name, ticket.priority.id) == ("22282", 22282, "With vendor", 3)
    assert len(event_ids) == 1
    assert (await desk.people.contacts.get("dd", 70)).name == "Nora"
    desk.clock.go(10)
    assert (await desk.tickets.report("dd", "22282", body, KEY))[1] == ()
    await desk.tickets.report("dd", "22282", {"status": {"id": 7, "name": "Closed"}}, KEY)
    assert desk.types == ["ticket.created", "ticket.updated", "ticket.status_changed", "ticket.closed"]
    assert len(await desk.tickets.notes("dd", "22282")) == 1


async def test_a_key_of_other_software(desk: Desk) -> None:
    """A key that is not digits is kept as externalId, and finds the ticket again."""
    ticket, _ = await desk.tickets.report("dd", "INC-7", {"title": "Mail"}, KEY)
    assert (ticket.id, ticket.external_id) == ("1", "INC-7")
    again, _ = await desk.tickets.report("dd", "INC-7", {"title": "Mails"}, KEY)
    assert (again.id, desk.types) == ("1", ["ticket.created", "ticket.updated"])


async def test_lists_are_changed(desk: Desk) -> None:
    """Each told list takes the old one's place; a new entry gets the next id; faults are told."""
    lists = await desk.tickets.change_lists("dd", {"queues": [{"id": 1, "name": "First line"}, {"name": "Second"}]})
    assert [(one.id, one.name) for one in lists.queues] == [(1, "First line"), (2, "Second")]
    assert len((await desk.tickets.lists("dd")).statuses) == 7
    body = {"statuses": [{"name": "Done", "isClosed": True}], "priorities": [], "queues": [{"id": 1}]}
    with pytest.raises(Invalid) as refused:
        await desk.tickets.change_lists("dd", body)
    pointers = {fault.pointer for fault in refused.value.faults}
    assert pointers == {"/statuses/0/isClosed", "/priorities", "/queues/0/name"}
