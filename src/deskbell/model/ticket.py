"""A ticket, its notes, and the site's lists of statuses, priorities and queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import CompanyRef, User
from deskbell.model.timer import Entered


@dataclass(frozen=True, kw_only=True)
class Status:
    """An entry of the site's status list."""

    id: int
    name: str
    is_closed: bool = False
    is_approval_required: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An entry of the site's priority or queue list."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class TicketLists:
    """The site's configurable lists; the first of each is the default."""

    site: SiteId
    statuses: tuple[Status, ...]
    priorities: tuple[Choice, ...]
    queues: tuple[Choice, ...]
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note on a ticket."""

    site: SiteId
    ticket_id: str
    id: str
    kind: str  # note, resolution, form …
    author_kind: str  # agent, contact, form, system
    author: User | None
    is_public: bool
    text: str
    created_at: Instant


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket as it is now."""

    site: SiteId
    id: str  # a string of digits
    entity_id: int
    title: str
    status: Status
    priority: Choice
    queue: Choice
    created_at: Instant
    last_modified_at: Instant
    type: str | None = None
    sub_type: str | None = None
    source: str = "agent"  # agent, portal, form, api
    company: CompanyRef | None = None
    contact: User | None = None
    agents: tuple[User, ...] = ()
    tags: tuple[str, ...] = ()
    due_at: Instant | None = None
    approval: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    last_note: Note | None = None
    closed_at: Instant | None = None
    external_id: str | None = None  # key in another desk's software
    deleted_at: Instant | None = None
    sequence: int = 0  # of its newest event
    version: int = 1
    entered: Entered | None = None  # into its status; None: not known
