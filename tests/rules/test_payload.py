"""Snapshots byte for byte."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deskbell.model.chat import Callback, Chat, ChatStatus, ChatType, CloseRecord, Preferred, Reference, Report
from deskbell.model.ids import SiteId
from deskbell.model.instant import parse_instant, plus
from deskbell.model.people import CompanyRef, User
from deskbell.model.ticket import Choice, Note, Status, Ticket
from deskbell.rules import payload

SITE = SiteId("dd")
GOLDEN = Path(__file__).parent / "golden" / "chat-example.json"
JASON = User(
    entity_id=106,
    name="Jason He",
    user_id="dd~c~106",
    company=CompanyRef(entity_id=19348, name="DeskDirector", identifier="DeskDirectorLtd"),
)
SAM = User(entity_id=12, name="Sam", user_id="dd~m~12")
META = {
    "event_id": "evt_01M84BY4MNE9MRBSH2W73B2T2R",
    "event_type": "chat.handled",
    "sequence": 2,
    "occurred_at": parse_instant("2020-04-15T21:12:00.9897216Z"),
}


def seed_chat() -> Chat:
    """The chat of the seed's example as a value."""
    return Chat(
        site=SITE,
        id="1586985009-627B",
        name="Test",
        type=ChatType.REQUEST,
        status=ChatStatus.HANDLED,
        past_status=(ChatStatus.CREATED, ChatStatus.HANDLED),
        creator=JASON,
        created_at=parse_instant("2020-04-15T21:10:09.5895683Z"),
        last_modified_at=parse_instant("2020-04-15T21:12:00.9897216Z"),
        reference=Reference(type="ticket", id="22282"),
        users=(JASON,),
        participants=(JASON,),
    )


def some_ticket() -> Ticket:
    """A plain open ticket."""
    at = parse_instant("2026-11-23T14:00:00Z")
    return Ticket(
        site=SITE,
        id="7",
        entity_id=7,
        title="Toner",
        status=Status(id=1, name="New"),
        priority=Choice(id=1, name="Normal"),
        queue=Choice(id=1, name="Service Desk"),
        created_at=at,
        last_modified_at=at,
    )


def finish(head: bytes, **more: object) -> bytes:
    """The whole snapshot of a head with the usual meta."""
    return payload.finish_snapshot(head, **{**META, "extra": {}, **more})  # type: ignore[arg-type]


def test_seed_example_is_reproduced_with_key_order() -> None:
    """The seed's example comes out value for value and key for key, but for the added members of meta."""
    made = finish(payload.chat_head(seed_chat()))
    ours, theirs = json.loads(made), json.loads(GOLDEN.read_bytes())[0]
    added = list(ours["meta"])[1:]
    assert added == ["eventId", "eventType", "sequence", "occurredDateTime"]
    ours["meta"] = {"canAccess": ours["meta"]["canAccess"]}
    assert json.dumps(ours) == json.dumps(theirs)  # texts, so that the order counts at every depth


def test_bytes_are_compact_utf8() -> None:
    """No spaces between tokens, no \\u escapes, no line break at the end."""
    made = finish(payload.chat_head(replace(seed_chat(), name='Zoë 🦊 "x"')))
    assert '"name":"Zoë 🦊 \\"x\\""'.encode() in made
    assert json.dumps(json.loads(made), ensure_ascii=False, separators=(",", ":")).encode() == made


def test_closed_date_stands_before_created_only_when_closed() -> None:
    """`closedDateTime` is absent before and has its own place after."""
    chat = seed_chat()
    assert b"closedDateTime" not in payload.chat_head(chat)
    keys = list(payload.chat_wire(replace(chat, closed_at=chat.created_at)))
    assert keys[keys.index("lastMessageId") : keys.index("createdDateTime") + 1] == [
        "lastMessageId",
        "closedDateTime",
        "createdDateTime",
    ]


@pytest.mark.parametrize(
    ("seconds", "written"), [(None, b"null"), (184.0, b"184"), (184.19249, b"184.192"), (0.5, b"0.5"), (0.0, b"0")]
)
def test_seconds_have_up_to_three_decimals(seconds: float | None, written: bytes) -> None:
    """Whole seconds are written without a point."""
    head = payload.chat_head(replace(seed_chat(), report=Report(creator_waited_s=seconds)))
    assert b'"report":{"creatorWaited":' + written + b"," in head


def test_agents_have_no_company_and_optional_parts_are_left_out() -> None:
    """A callback and a close record show only what is known."""
    chat = replace(
        seed_chat(),
        creator=SAM,
        callback=Callback(type="chat", preferred_time=(Preferred(start="a", end="b"),)),
        close_record=CloseRecord(user=SAM, last_modified_at=seed_chat().created_at),
    )
    wire = payload.chat_wire(chat)
    assert wire["creator"] == {"entityId": 12, "name": "Sam", "userId": "dd~m~12"}
    assert wire["callback"] == {"type": "chat", "preferredTime": [{"start": "a", "end": "b"}]}
    assert list(wire["closeRecord"]) == ["user", "lastModifiedDateTime"]


def test_custom_data_stands_as_published() -> None:
    """Number spelling, key order and spaces of the published JSON are kept."""
    data = b'{ "b": 1.50, "a": 1e400, "big": 123456789012345678901234567890 }'
    head = payload.custom_head("dd", "evt_1", "custom.order", data)
    assert head == b'{"msp":"dd","id":"evt_1","type":"custom.order","data":' + data
    assert finish(head, sequence=None).startswith(head + b',"meta":{"canAccess":true,')


def test_meta_ends_with_extra_members() -> None:
    """Members of one event type come after the usual ones, in their order."""
    made = finish(b'{"msp":"dd"', sequence=None, extra={"since": "x", "thresholdSeconds": 3600, "test": True})
    assert made.endswith(
        b'"sequence":null,"occurredDateTime":"2020-04-15T21:12:00.9897216Z",'
        b'"since":"x","thresholdSeconds":3600,"test":true}}'
    )


def test_ticket_members_in_order() -> None:
    """The ticket's members stand as the contract lists them."""
    ticket = replace(some_ticket(), closed_at=some_ticket().created_at)
    made = json.loads(finish(payload.ticket_head(ticket, {}, "https://desk.example/7")))
    assert " ".join(made) == (
        "msp id entityId title type subType status priority queue source company contact agents tags dueDateTime "
        "approval form lastNote changes createdDateTime lastModifiedDateTime closedDateTime link meta"
    )
    assert made["changes"] == {}
    assert made["status"] == {"id": 1, "name": "New", "isClosed": False, "isApprovalRequired": False}


def test_changes_hold_whole_members() -> None:
    """Every changed member has its whole old and new value; the time of change alone is no change."""
    old = some_ticket()
    note = Note(
        site=SITE,
        ticket_id="7",
        id="1",
        kind="note",
        author_kind="agent",
        author=SAM,
        is_public=True,
        text="done",
        created_at=old.created_at,
    )
    closed = Status(id=7, name="Closed", is_closed=True)
    later = plus(old.created_at, 1)
    new = replace(old, status=closed, closed_at=later, agents=(SAM,), last_note=note, last_modified_at=later)
    changes = payload.ticket_changes(old, new)
    assert list(changes) == ["status", "agents", "lastNote", "closedDateTime"]
    assert changes["agents"] == ([], [payload.user_wire(SAM)])
    assert changes["closedDateTime"] == (None, "2026-11-23T14:00:01.0000000Z")
    assert payload.ticket_changes(new, replace(new, closed_at=None))["closedDateTime"][1] is None
    assert payload.ticket_changes(old, replace(old, last_modified_at=later)) == {}
    written = json.loads(payload.ticket_head(new, changes, "") + b"}")["changes"]
    assert written["status"]["new"]["name"] == "Closed"
