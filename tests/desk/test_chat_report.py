"""Chats reported by other software."""

import json
from pathlib import Path
from typing import Any

import pytest

from desk.conftest import KEY, Desk
from deskbell.model.chat import ChatStatus
from deskbell.model.errors import Invalid
from deskbell.model.instant import parse_instant
from deskbell.rules.payload import finish_snapshot

EXAMPLE: dict[str, Any] = json.loads(Path(__file__).with_name("chat-example.json").read_bytes())[0]
CREATOR = EXAMPLE["creator"]
ID = EXAMPLE["id"]


async def test_the_example_in_two_reports(desk: Desk) -> None:
    """Reported as created and then as handled, without `report`, the chat is the example, key order included."""
    known = {key: EXAMPLE[key] for key in ("name", "type", "reference", "creator", "users", "participants")}
    desk.clock.at = parse_instant(EXAMPLE["createdDateTime"])
    await desk.chats.report("dd", ID, {**known, "status": "created"}, KEY)
    desk.clock.at = parse_instant(EXAMPLE["lastModifiedDateTime"])
    chat, event_ids = await desk.chats.report("dd", ID, {"status": "handled"}, KEY)
    assert desk.types == ["chat.created", "chat.handled"]
    assert len(event_ids) == 1
    draft = desk.publisher.drafts[-1]
    snapshot = json.loads(
        finish_snapshot(
            draft.head,
            event_id="evt_1",
            event_type=draft.type,
            sequence=draft.sequence,
            occurred_at=draft.occurred_at,
            extra={},
        )
    )
    assert snapshot["meta"]["canAccess"] is True
    assert snapshot["meta"]["sequence"] == chat.sequence == 2
    snapshot["meta"] = EXAMPLE["meta"]
    assert json.dumps(snapshot) == json.dumps(EXAMPLE)


async def test_the_example_with_its_times_told(desk: Desk) -> None:
    """The whole example in one report, times told, comes out as it went in."""
    await desk.chats.report("dd", ID, EXAMPLE, KEY)
    snapshot = json.loads(desk.publisher.drafts[0].head + b"}")
    assert {**snapshot, "meta": EXAMPLE["meta"]} == EXAMPLE
    assert desk.types == ["chat.handled"]


async def test_the_same_report_again_does_nothing(desk: Desk) -> None:
    """A report is idempotent by content, at any later time."""
    first, _ = await desk.chats.report("dd", ID, EXAMPLE, KEY)
    units = len(desk.store.units)
    desk.clock.go(100)
    again, event_ids = await desk.chats.report("dd", ID, EXAMPLE, KEY)
    assert (again, event_ids) == (first, ())
    assert len(desk.store.units) == units


async def test_people_are_upserted(desk: Desk) -> None:
    """People and companies of a report are made, and renamed by a later one; people of other sites are only shown."""
    stranger = {"userId": "zz~m~9", "name": "Zoe"}
    await desk.chats.report("dd", ID, {"creator": CREATOR, "targetUsers": [stranger]}, KEY)
    contact = await desk.people.contacts.get("dd", 106)
    assert contact.user.company is not None
    assert (contact.name, contact.user.company.identifier) == ("Jason He", "DeskDirectorLtd")
    assert (await desk.people.companies.get("dd", 19348)).name == "DeskDirector"
    await desk.chats.report("dd", ID, {"creator": {**CREATOR, "name": "Jason Hu"}}, KEY)
    assert (await desk.people.contacts.get("dd", 106)).name == "Jason Hu"
    assert len(await desk.people.agents.list("dd")) == 2
    assert desk.types == ["chat.created", "chat.updated"]


async def test_what_is_not_told_stays(desk: Desk) -> None:
    """Missing members stay, null ones are emptied, and unknown ones are passed over."""
    await desk.chats.report("dd", ID, {**EXAMPLE, "lastMessageId": "1-aa-dd~c~106"}, KEY)
    body = {"report": {"creatorWaited": 1.5}, "reference": None, "colour": "red", "msp": "other"}
    chat, _ = await desk.chats.report("dd", ID, body, KEY)
    assert chat.reference is None
    assert (chat.report.creator_waited_s, chat.report.handled_at) == (1.5, None)
    assert (chat.name, chat.last_message_id) == ("Test", "1-aa-dd~c~106")
    assert chat.status is ChatStatus.HANDLED


async def test_a_person_known_already_needs_no_name(desk: Desk) -> None:
    """A userId is enough for somebody whom the site knows."""
    chat, _ = await desk.chats.report("dd", "c1", {"creator": {"userId": "dd~c~1"}}, KEY)
    assert chat.creator.name == "Cora"
    assert chat.creator.company is not None
    assert desk.store.row("contact", "dd", 1).version == 1


async def test_an_illegal_move_is_believed(desk: Desk) -> None:
    """A status that our table does not allow is taken, kept in the history, and fires its event."""
    await desk.chats.report("dd", ID, {"creator": CREATOR, "status": "completed"}, KEY)
    chat, _ = await desk.chats.report("dd", ID, {"status": "created"}, KEY)
    assert chat.past_status == (ChatStatus.COMPLETED, ChatStatus.CREATED)
    assert chat.closed_at is None
    assert desk.types == ["chat.completed", "chat.created"]


async def test_our_rules_on_active_chats_do_not_apply(desk: Desk) -> None:
    """Two active chats of one contact are believed."""
    for chat_id in ("one", "two"):
        await desk.chats.report("dd", chat_id, {"creator": CREATOR}, KEY)
    assert desk.types == ["chat.created", "chat.created"]


async def test_completed_with_close_record(desk: Desk) -> None:
    """A close record is kept, and a completed chat has its closing time."""
    await desk.chats.report("dd", ID, {"creator": CREATOR}, KEY)
    body = {"status": "completed", "closeRecord": {"user": {"userId": "dd~m~1"}, "note": "done"}}
    chat, _ = await desk.chats.report("dd", ID, body, KEY)
    assert chat.close_record is not None
    assert (chat.close_record.user.name, chat.closed_at) == ("Ana Ruiz", desk.clock.at)
    desk.clock.go(5)
    assert (await desk.chats.report("dd", ID, body, KEY))[1] == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/creator"),
        ({"creator": {"userId": "106"}}, "/creator/userId"),
        ({"creator": {"userId": "dd~c~77"}}, "/creator/name"),
        ({"creator": {**CREATOR, "entityId": 3}}, "/creator/entityId"),
        ({"creator": CREATOR, "status": "open"}, "/status"),
        ({"creator": CREATOR, "pastStatus": ["created", 7]}, "/pastStatus/1"),
        ({"creator": CREATOR, "users": [CREATOR, "x"]}, "/users/1"),
        ({"creator": CREATOR, "createdDateTime": "yesterday"}, "/createdDateTime"),
        ({"creator": CREATOR, "report": {"chatDuration": "long"}}, "/report/chatDuration"),
        ({"creator": CREATOR, "closeRecord": {"note": "x"}}, "/closeRecord/user"),
        ({"creator": CREATOR, "name": "a\x00b"}, "/name"),
    ],
)
async def test_reports_that_are_not_valid(desk: Desk, body: dict[str, Any], pointer: str) -> None:
    """Each fault is told at its member and nothing is stored."""
    with pytest.raises(Invalid) as refused:
        await desk.chats.report("dd", ID, body, KEY)
    assert pointer in [fault.pointer for fault in refused.value.faults]
    assert desk.store.units == []


@pytest.mark.parametrize("chat_id", ["", "a b", "ä", "x" * 65, "a/b"])
async def test_ids_of_reports(desk: Desk, chat_id: str) -> None:
    """An id outside the form is refused."""
    with pytest.raises(Invalid):
        await desk.chats.report("dd", chat_id, {"creator": CREATOR}, KEY)
