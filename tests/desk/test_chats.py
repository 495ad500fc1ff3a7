"""Stories of chats."""

from dataclasses import replace

import pytest

from desk.conftest import KEY, Desk
from deskbell.model.chat import ChatStatus, ChatType
from deskbell.model.errors import Conflict, Invalid, NotFound

CORA, CARL, ANA, BO = "dd~c~1", "dd~c~2", "dd~m~1", "dd~m~2"


def ids(users: object) -> list[str]:
    """The userIds."""
    return [user.user_id for user in users]  # type: ignore[attr-defined]  # a tuple of users


async def test_from_request_to_completion(desk: Desk) -> None:
    """A contact asks, an agent answers 112.4 s later, talks and completes: times, people and events are right."""
    chat = await desk.chats.request("dd", KEY, contact_id=1, name="Printer", message="It smokes")
    assert chat.id == "1586985009-0001"
    assert chat.last_message_id == f"1586985009589-02-{CORA}"
    desk.clock.go(112.4)
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    desk.clock.go(60)
    chat = await desk.chats.complete("dd", chat.id, ANA, "Unplugged it", KEY)
    assert desk.types == ["chat.created", "chat.handled", "chat.completed"]
    assert [one.sequence for one in desk.publisher.drafts] == [1, 2, 3]
    assert {one.maker_key for one in desk.publisher.drafts} == {"key_1"}
    assert chat.past_status == (ChatStatus.CREATED, ChatStatus.HANDLED, ChatStatus.COMPLETED)
    assert chat.report.creator_waited_s == pytest.approx(112.4, abs=0.001)
    assert chat.report.duration_s == 60
    assert ids(chat.users) == ids(chat.participants) == [CORA, ANA]
    assert chat.close_record is not None
    assert (chat.close_record.user.name, chat.close_record.note) == ("Ana Ruiz", "Unplugged it")
    assert chat.closed_at == desk.clock.at
    assert [one.text for one in await desk.chats.messages("dd", chat.id)] == ["It smokes"]
    assert desk.changed == [("dd", "chat", chat.id)] * 3


async def test_abandoned_then_called_back(desk: Desk) -> None:
    """A creator who leaves unanswered makes it missed, and may still ask for a callback, which an agent handles."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)
    desk.clock.go(30)
    chat = await desk.chats.leave("dd", chat.id, CORA, KEY)
    assert chat.report.creator_waited_s == 30
    assert chat.users == ()
    wish = {
        "type": "phone",
        "phone": "+64 9 123",
        "preferredTime": [{"start": "2026-01-01T09:00", "end": "2026-01-01T10:00"}],
    }
    chat = await desk.chats.callback("dd", chat.id, CORA, wish, KEY)
    assert chat.callback is not None
    assert chat.callback.preferred_time is not None
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    assert desk.types == ["chat.created", "chat.missed", "chat.callback", "chat.handled"]
    assert chat.report.creator_waited_s == 30


async def test_push_with_guests(desk: Desk) -> None:
    """An agent pushes a chat from a ticket; the guest moves from targetUsers to users, and a second agent handles."""
    ticket = await desk.tickets.create("dd", KEY, {"title": "Printer", "contactId": 1})
    chat = await desk.chats.push(
        "dd", KEY, agent_id=1, reference={"type": "ticket", "id": ticket.id}, target_user_ids=[CORA, BO]
    )
    assert (chat.type, chat.name) == (ChatType.PUSH, "Printer")
    assert ids(chat.target_users) == [CORA, BO]
    chat = await desk.chats.join("dd", chat.id, CORA, KEY)
    assert (ids(chat.target_users), ids(chat.users)) == ([BO], [ANA, CORA])
    chat = await desk.chats.join("dd", chat.id, BO, KEY)
    assert chat.status is ChatStatus.HANDLED
    assert desk.types[1:] == ["chat.created", "chat.updated", "chat.handled"]


async def test_joining_twice_changes_nothing(desk: Desk) -> None:
    """Whoever is in already stays in, without an event; a second agent is an update."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    assert await desk.chats.join("dd", chat.id, ANA, KEY) == chat
    await desk.chats.join("dd", chat.id, BO, KEY)
    assert desk.types == ["chat.created", "chat.handled", "chat.updated"]


async def test_messages_fire_at_most_once_in_five_seconds(desk: Desk) -> None:
    """The first message fires at once, those within 5 s only move lastMessageId, the next one fires again."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)
    for seconds in (0, 2, 2.9, 0.1):
        desk.clock.go(seconds)
        chat = await desk.chats.say("dd", chat.id, CORA, "hello", KEY)
    assert desk.types == ["chat.created", "chat.updated", "chat.updated"]
    assert (chat.sequence, chat.version) == (3, 5)
    assert chat.last_message_id == (await desk.chats.messages("dd", chat.id))[-1].id


async def test_one_active_chat_before_a_ticket(desk: Desk) -> None:
    """A contact has one active pre-ticket chat; when it is over the next is allowed, and the old one stays over."""
    first = await desk.chats.request("dd", KEY, contact_id=1)
    with pytest.raises(Conflict, match=first.id):
        await desk.chats.request("dd", KEY, contact_id="dd~c~1")
    await desk.chats.request("dd", KEY, contact_id=2)
    await desk.chats.leave("dd", first.id, CORA, KEY)
    await desk.chats.request("dd", KEY, contact_id=1)
    with pytest.raises(Conflict, match="already has an active chat"):
        await desk.chats.callback("dd", first.id, CORA, {"type": "chat"}, KEY)


async def test_one_active_chat_per_ticket_and_contact(desk: Desk) -> None:
    """A ticket has one active chat with a contact, whoever began it, and none once it is closed."""
    ticket = await desk.tickets.create("dd", KEY, {"title": "Printer", "contactId": 1})
    about = {"type": "ticket", "id": ticket.id}
    await desk.chats.request("dd", KEY, contact_id=1, reference=about)
    with pytest.raises(Conflict, match="about ticket"):
        await desk.chats.push("dd", KEY, agent_id=1, reference=about, target_user_ids=[CORA])
    await desk.chats.push("dd", KEY, agent_id=1, reference=about, target_user_ids=[CARL])
    await desk.chats.request("dd", KEY, contact_id=1)
    await desk.tickets.close("dd", ticket.id, KEY)
    with pytest.raises(Conflict, match="closed"):
        await desk.chats.request("dd", KEY, contact_id=2, reference=about)


async def test_two_requests_at_once_have_one_winner(desk: Desk) -> None:
    """A request that another one overtakes between reading and writing is planned anew and refused."""

    async def other() -> None:
        await desk.chats.request("dd", KEY, contact_id=1, name="the winner")

    desk.store.before_commit.append(other)
    with pytest.raises(Conflict, match="already has an active chat"):
        await desk.chats.request("dd", KEY, contact_id=1, name="the loser")
    assert [chat.name for chat in desk.store.all_of("dd", "chat")] == ["the winner"]


async def test_two_agents_at_once(desk: Desk) -> None:
    """Of two agents who join at once both are in, and the chat is handled once."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)

    async def other() -> None:
        await desk.chats.join("dd", chat.id, BO, KEY)

    desk.store.before_commit.append(other)
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    assert ids(chat.users) == [CORA, BO, ANA]
    assert desk.types == ["chat.created", "chat.handled", "chat.updated"]


async def test_ids_that_collide_are_drawn_again(desk: Desk) -> None:
    """Two chats of one second with the same four digits get different ids."""
    desk.random.laid_out = [0x627B, 0x627B, 0x0A0A]
    first = await desk.chats.request("dd", KEY, contact_id=1)
    second = await desk.chats.request("dd", KEY, contact_id=2)
    assert (first.id, second.id) == ("1586985009-627B", "1586985009-0A0A")


async def test_never_ending_conflicts_are_told(desk: Desk) -> None:
    """When others win every time the caller is told to try again, after a bounded number of plans."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)

    async def other() -> None:
        row = desk.store.row("chat", "dd", chat.id)
        desk.store.put(replace(row, version=row.version + 1))

    desk.store.before_commit += [other] * 20
    with pytest.raises(Conflict, match="same time"):
        await desk.chats.join("dd", chat.id, ANA, KEY)
    assert len(desk.store.before_commit) == 12


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"contact_id": 99}, "/contactId"),
        ({"contact_id": 1, "name": "two\nlines"}, "/name"),
        ({"contact_id": 1, "message": " "}, "/message"),
        ({"contact_id": 1, "reference": {"type": "ticket", "id": "99"}}, "/reference/id"),
        ({"contact_id": 1, "reference": {"type": "mail", "id": "9"}}, "/reference/type"),
        ({"contact_id": 1, "callback": {"type": "fax"}}, "/callback/type"),
        ({"contact_id": 1, "callback": {"type": "phone", "phone": "call me"}}, "/callback/phone"),
        ({"contact_id": 1, "callback": {"type": "chat", "preferredTime": [{"start": "soon"}]}},
         "/callback/preferredTime/0/end"),
        ({"contact_id": 1, "target_user_ids": ["dd~m~1", "xx~c~1"]}, "/targetUserIds/1"),
    ],
)  # fmt: skip
async def test_requests_that_are_not_valid(desk: Desk, asked: dict[str, object], pointer: str) -> None:
    """Each fault is told at its member and nothing is stored."""
    with pytest.raises(Invalid) as refused:
        await desk.chats.request("dd", KEY, **asked)  # type: ignore[arg-type]  # wrong on purpose
    assert pointer in [fault.pointer for fault in refused.value.faults]
    assert desk.store.units == []


async def test_another_sites_chat_is_not_found(desk: Desk) -> None:
    """A chat is found on its own site only."""
    chat = await desk.chats.request("dd", KEY, contact_id=1)
    with pytest.raises(NotFound):
        await desk.chats.get("ee", chat.id)
