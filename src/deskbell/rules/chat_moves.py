"""Which actions a chat allows in each status, and what a refused action is told."""

from types import MappingProxyType

from deskbell.model.chat import CHAT_MOVES, Chat, ChatStatus

CHAT_ACTIONS = MappingProxyType(
    {
        ChatStatus.CREATED: ("join", "invite", "leave", "callback", "complete", "message"),
        ChatStatus.HANDLED: ("join", "invite", "leave", "complete", "message"),
        ChatStatus.CALLBACK: ("join", "invite", "leave", "complete", "message"),
        ChatStatus.MISSED: ("callback", "complete"),
        ChatStatus.COMPLETED: (),
    }
)
"""What a person may do with a chat in this status. `join` by the first agent is the move to handled."""

STATUS_EVENTS = MappingProxyType(
    {
        ChatStatus.CREATED: "chat.created",
        ChatStatus.HANDLED: "chat.handled",
        ChatStatus.MISSED: "chat.missed",
        ChatStatus.CALLBACK: "chat.callback",
        ChatStatus.COMPLETED: "chat.completed",
    }
)
"""The event that a chat fires when it comes into a status."""

_STATE_WORDS = MappingProxyType(
    {
        ChatStatus.CREATED: "This chat waits for an agent.",
        ChatStatus.HANDLED: "An agent has already joined this chat.",
        ChatStatus.CALLBACK: "A callback was already asked for in this chat.",
        ChatStatus.MISSED: "This chat was missed: its creator left before anyone joined.",
        ChatStatus.COMPLETED: "This chat is completed.",
    }
)


def may_move(before: ChatStatus, after: ChatStatus) -> bool:
    """Whether the table of legal moves has this one."""
    return after in CHAT_MOVES[before]


def legal_actions(chat: Chat) -> tuple[str, ...]:
    """The actions that the chat allows now, in the order in which pages offer them."""
    return CHAT_ACTIONS[chat.status]


def refusal_of(chat: Chat, action: str) -> str | None:
    """Why the action is not allowed now, with the legal ones named; None when it is allowed."""
    allowed = legal_actions(chat)
    if action in allowed:
        return None
    words = _STATE_WORDS[chat.status]
    if chat.status is ChatStatus.HANDLED:
        agent = next((user for user in chat.users if user.is_agent), None)
        words = f"{agent.name} has already joined this chat." if agent else words
    legal = f"Legal now: {', '.join(allowed)}." if allowed else "Nothing can be done with it any more."
    return f"{words} {legal}"
