"""What every store knows of each noun: its table, its key after the site, its look-up columns and its parent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from deskbell.model.account import Account, ApiKey, Link, Login
from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.delivery import Asked, Attempt, Delivery
from deskbell.model.event import CustomType, Event, Idempotency
from deskbell.model.inspector import Bin, Capture
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.replay import Replay
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import Note, Ticket, TicketLists
from deskbell.model.timer import DwellRule
from deskbell.model.webhook import Secret, Webhook, WebhookState
from deskbell.storage.bounds import id_bound


@dataclass(frozen=True, kw_only=True)
class Noun:
    """One kind of row."""

    type: type
    table: str
    key: tuple[str, ...] = ()  # members that, after the site, name the row
    columns: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)  # kept beside the body, for look-ups
    unique: tuple[str, ...] = ()  # columns that occur once per site (None may repeat)
    unique_everywhere: tuple[str, ...] = ()  # columns that occur once in the installation
    parent: tuple[str, tuple[str, ...]] | None = None  # table, and the members here that hold its key

    @property
    def kind(self) -> str:
        """The name in DeleteRow and MustVersion."""
        return self.type.__name__.lower()

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """The whole key of a row, site first."""
        return (row.site, *[getattr(row, name) for name in self.key])


def _members(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {name: attrgetter(name) for name in names}


def waits_from(row: Webhook) -> str:
    """The lowest id of a delivery that still waits for the webhook: lower ones are being cancelled."""
    if row.state is WebhookState.DELETED:
        return "~"  # after every id
    return "" if row.drop_before is None else id_bound("dlv", row.drop_before, 0)


def _email(row: Account) -> str | None:
    return row.email if row.removed_at is None else None


def _creator(row: Chat) -> str:
    return row.creator.user_id


def _reference(row: Chat) -> str | None:
    return None if row.reference is None else row.reference.id


def _contact(row: Ticket) -> str | None:
    return None if row.contact is None else row.contact.user_id


def _is_closed(row: Ticket) -> bool:
    return row.status.is_closed


def _is_deleted(row: Ticket) -> bool:
    return row.deleted_at is not None


NOUNS = (
    Noun(type=Event, table="event", key=("id",), columns=_members("external_id"), unique=("external_id",)),
    Noun(type=Idempotency, table="idempotency", key=("maker", "key")),
    Noun(type=Delivery, table="delivery", key=("id",)),
    Noun(type=Asked, table="asked", key=("delivery_id",), columns=_members("at")),
    Noun(type=Attempt, table="attempt", key=("id",)),
    Noun(type=Site, table="site"),
    Noun(type=CustomType, table="custom_type", key=("name",)),
    Noun(type=Webhook, table="webhook", key=("id",), columns=_members("shard", "state") | {"waits_from": waits_from}),
    Noun(
        type=Secret,
        table="secret",
        key=("webhook_id", "id"),
        columns=_members("created_at"),
        parent=("webhook", ("webhook_id",)),
    ),
    Noun(
        type=Chat,
        table="chat",
        key=("id",),
        columns=_members("status", "created_at") | {"creator_id": _creator, "reference_id": _reference},
    ),
    Noun(
        type=ChatMessage,
        table="chat_message",
        key=("chat_id", "id"),
        columns=_members("at"),
        parent=("chat", ("chat_id",)),
    ),
    Noun(
        type=Ticket,
        table="ticket",
        key=("id",),
        columns=_members("entity_id", "external_id")
        | {"contact_id": _contact, "is_closed": _is_closed, "is_deleted": _is_deleted},
        unique=("entity_id", "external_id"),
    ),
    Noun(
        type=Note,
        table="ticket_note",
        key=("ticket_id", "id"),
        columns=_members("created_at"),
        parent=("ticket", ("ticket_id",)),
    ),
    Noun(type=TicketLists, table="ticket_list"),
    Noun(
        type=Company,
        table="company",
        key=("entity_id",),
        columns=_members("external_id"),
        unique=("external_id",),
    ),
    Noun(
        type=Contact,
        table="contact",
        key=("entity_id",),
        columns=_members("external_id"),
        unique=("external_id",),
    ),
    Noun(
        type=Agent,
        table="agent",
        key=("entity_id",),
        columns=_members("external_id"),
        unique=("external_id",),
    ),
    Noun(type=Account, table="user", key=("id",), columns={"email": _email}, unique=("email",)),
    Noun(
        type=Login,
        table="login",
        key=("id",),
        columns=_members("user_id", "token_hash"),
        unique_everywhere=("token_hash",),
    ),
    Noun(type=ApiKey, table="api_key", key=("id",), columns=_members("lookup"), unique_everywhere=("lookup",)),
    Noun(
        type=Link,
        table="link",
        key=("id",),
        columns=_members("kind", "token_hash"),
        unique_everywhere=("token_hash",),
    ),
    Noun(type=DwellRule, table="dwell_rule", key=("id",)),
    Noun(type=SignOn, table="sign_on", key=("id",)),
    Noun(type=Replay, table="replay", key=("id",), columns=_members("state")),
    Noun(type=Bin, table="bin", key=("id",), columns=_members("address"), unique_everywhere=("address",)),
    Noun(
        type=Capture,
        table="capture",
        key=("bin_id", "seq"),
        columns=_members("id", "at"),
        unique=("id",),
        parent=("bin", ("bin_id",)),
    ),
)

NOUN_OF_TYPE = MappingProxyType({noun.type: noun for noun in NOUNS})
NOUN_OF_KIND = MappingProxyType({noun.kind: noun for noun in NOUNS})
HOT_TYPES = frozenset({Event, Delivery, Attempt, Idempotency})
"""Rows with columns of their own for every member; all others keep a JSON body beside their look-up columns."""

NUMBERED = frozenset({"company", "contact", "agent"})
"""Kinds whose numbers are never given twice, even after a row is deleted."""

IDEMPOTENCY_FRESH_TICKS = 3_600 * 10_000_000
"""An idempotency key blocks the same key for an hour; how long it is *answered* is the caller's decision."""

QUOTES = b'{"status":'
"""How a stored answer begins that quotes what was answered; others hold ids alone."""
