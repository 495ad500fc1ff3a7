"""A chat (the seed's "chat session"): statuses, legal moves, and the members of its snapshot."""

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, User
from deskbell.model.timer import Entered


class ChatStatus(StrEnum):
    """Where a chat is now."""

    CREATED = "created"
    HANDLED = "handled"
    MISSED = "missed"
    CALLBACK = "callback"
    COMPLETED = "completed"


class ChatType(StrEnum):
    """Who began it: a contact (request) or an agent (push)."""

    REQUEST = "request"
    PUSH = "push"


FIRST_STATUSES = frozenset({ChatStatus.CREATED, ChatStatus.CALLBACK})
ACTIVE_STATUSES = frozenset({ChatStatus.CREATED, ChatStatus.HANDLED, ChatStatus.CALLBACK})
CHAT_MOVES = MappingProxyType(
    {
        ChatStatus.CREATED: frozenset(
            {ChatStatus.HANDLED, ChatStatus.MISSED, ChatStatus.CALLBACK, ChatStatus.COMPLETED}
        ),
        ChatStatus.HANDLED: frozenset({ChatStatus.COMPLETED}),
        ChatStatus.MISSED: frozenset({ChatStatus.COMPLETED, ChatStatus.CALLBACK}),
        ChatStatus.CALLBACK: frozenset({ChatStatus.HANDLED, ChatStatus.COMPLETED}),
        ChatStatus.COMPLETED: frozenset[ChatStatus](),
    }
)
"""Legal moves; a report from other software may make any move, it is believed."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the chat's times add up to; each None until known."""

    creator_waited_s: float | None = None  # creation to handled, missed or callback
    handled_at: Instant | None = None
    duration_s: float | None = None  # first handled to completed


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the chat is about: a ticket."""

    type: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Preferred:
    """A span in which a contact would like to be called."""

    start: str  # as given, ISO 8601
    end: str


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A contact's wish to be called back."""

    type: str  # phone, chat
    phone: str | None = None
    note: str | None = None
    preferred_time: tuple[Preferred, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class CloseRecord:
    """Who completed the chat, and their note."""

    user: User
    note: str | None = None
    last_modified_at: Instant


@dataclass(frozen=True, kw_only=True)
class Untold:
    """Messages that no `chat.updated` has told yet."""

    by: Actor  # who posted the last one
    maker_key: str | None  # key_… that posted all of them, for loop protection; None: not only one key did
    hop: int  # the highest of them


@dataclass(frozen=True, kw_only=True)
class Chat:
    """A chat as it is now."""

    site: SiteId
    id: str
    name: str
    type: ChatType
    status: ChatStatus
    past_status: tuple[ChatStatus, ...]  # oldest first, the current one last
    creator: User
    created_at: Instant
    last_modified_at: Instant
    report: Report = field(default_factory=Report)
    reference: Reference | None = None
    callback: Callback | None = None
    target_users: tuple[User, ...] = ()
    close_record: CloseRecord | None = None
    users: tuple[User, ...] = ()
    participants: tuple[User, ...] = ()
    last_message_id: str | None = None
    closed_at: Instant | None = None
    sequence: int = 0  # of its newest event
    version: int = 1
    has_page: bool = False  # asked for on the client page: the creator can be seen to go
    updated_event_at: Instant | None = None  # when chat.updated was last made for a message
    untold: Untold | None = None  # messages since then
    entered: Entered | None = None  # into its status; None: not known


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    """One message in a chat."""

    site: SiteId
    chat_id: str
    id: str  # <unix ms>-<2 hex>-<userId>
    author: User
    text: str
    at: Instant
