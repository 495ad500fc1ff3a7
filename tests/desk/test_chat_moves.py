"""Every legal and illegal action in every status."""

import pytest

from desk.conftest import KEY, Desk
from deskbell.model.chat import CHAT_MOVES, Chat, ChatStatus
from deskbell.model.errors import Conflict
from deskbell.rules.chat_moves import CHAT_ACTIONS, STATUS_EVENTS, may_move

CORA, ANA = "dd~c~1", "dd~m~1"
ACTIONS = ("join", "invite", "leave", "callback", "complete", "message")


async def chat_in(desk: Desk, status: ChatStatus) -> Chat:
    """A chat of Cora in this status, reached by legal moves."""
    wish = {"type": "chat"} if status is ChatStatus.CALLBACK else None
    chat = await desk.chats.request("dd", KEY, contact_id=1, callback=wish)
    if status is ChatStatus.HANDLED:
        return await desk.chats.join("dd", chat.id, ANA, KEY)
    if status is ChatStatus.MISSED:
        return await desk.chats.leave("dd", chat.id, CORA, KEY)
    if status is ChatStatus.COMPLETED:
        return await desk.chats.complete("dd", chat.id, ANA, None, KEY)
    return chat


async def act(desk: Desk, chat: Chat, action: str) -> Chat:
    """The action by the person who may take it."""
    chats = desk.chats
    if action == "join":
        return await chats.join("dd", chat.id, "dd~m~2", KEY)
    if action == "invite":
        return await chats.invite("dd", chat.id, ANA, ["dd~c~2"], KEY)
    if action == "leave":
        return await chats.leave("dd", chat.id, CORA, KEY)
    if action == "callback":
        return await chats.callback("dd", chat.id, CORA, {"type": "phone", "phone": "+64 9 1234567"}, KEY)
    if action == "complete":
        return await chats.complete("dd", chat.id, ANA, "done", KEY)
    return await chats.say("dd", chat.id, CORA, "hello", KEY)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", list(ChatStatus))
async def test_every_action_in_every_status(desk: Desk, status: ChatStatus, action: str) -> None:
    """What the table allows is one event; all else is a conflict that names what is legal and writes nothing."""
    chat = await chat_in(desk, status)
    events, units = len(desk.types), len(desk.store.units)
    if action in CHAT_ACTIONS[status]:
        after = await act(desk, chat, action)
        assert len(desk.types) == events + 1
        assert after.sequence == chat.sequence + 1
        moved = after.status is not status
        assert desk.types[-1] == (STATUS_EVENTS[after.status] if moved else "chat.updated")
        return
    with pytest.raises(Conflict) as refused:
        await act(desk, chat, action)
    for legal in desk.chats.legal_moves(chat):
        assert legal in refused.value.detail
    assert len(desk.types) == events
    assert len(desk.store.units) == units
    assert await desk.chats.get("dd", chat.id) == chat


@pytest.mark.parametrize("before", list(ChatStatus))
@pytest.mark.parametrize("after", list(ChatStatus))
def test_moves_are_the_table(before: ChatStatus, after: ChatStatus) -> None:
    """A move is legal exactly when the table has it."""
    assert may_move(before, after) is (after in CHAT_MOVES[before])


@pytest.mark.parametrize(
    ("who", "action"),
    [
        ("dd~m~1", "callback"),  # agents do not ask for callbacks
        ("dd~c~2", "callback"),  # nor do strangers
        ("dd~c~2", "join"),  # not invited
        ("dd~c~2", "leave"),  # not in it
        ("dd~c~1", "complete"),  # contacts do not complete
        ("dd~m~1", "message"),  # not in it yet
        ("dd~c~2", "invite"),  # not in it
    ],
)
async def test_people_who_may_not(desk: Desk, who: str, action: str) -> None:
    """The wrong person is refused although the status would allow the action."""
    chat = await chat_in(desk, ChatStatus.CREATED)
    chats = desk.chats
    calls = {
        "callback": lambda: chats.callback("dd", chat.id, who, {"type": "chat"}, KEY),
        "join": lambda: chats.join("dd", chat.id, who, KEY),
        "leave": lambda: chats.leave("dd", chat.id, who, KEY),
        "complete": lambda: chats.complete("dd", chat.id, who, None, KEY),
        "message": lambda: chats.say("dd", chat.id, who, "hi", KEY),
        "invite": lambda: chats.invite("dd", chat.id, who, ["dd~m~2"], KEY),
    }
    with pytest.raises(Conflict):
        await calls[action]()
    assert desk.types == ["chat.created"]
