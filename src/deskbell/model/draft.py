"""What is handed to the publisher: an event that has no id and no trace yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deskbell.model.changes import Change
from deskbell.model.event import Subject
from deskbell.model.ids import DeliveryId, EventId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An event to be. Either `head` (everything but custom) or `data` (custom) is set."""

    type: str
    by: Actor
    occurred_at: Instant
    head: bytes | None = None  # snapshot as JSON without `meta` and without the closing brace
    data: bytes | None = None  # custom: exactly the published JSON
    subject: Subject | None = None
    sequence: int | None = None
    id: EventId | None = None  # given when an answer that names it is stored in the same unit
    external_id: str | None = None
    hop: int = 0
    test: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)  # members of `meta` after the usual ones
    changed: tuple[str, ...] | None = None  # names in `changes`; None: the type has no `changes`
    maker_key: str | None = None  # key_… that caused it, for loop protection


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was accepted, in the order of the drafts."""

    event_ids: tuple[EventId, ...]
    delivery_ids: tuple[DeliveryId, ...] = ()
    answered_before: bool = False  # an idempotent repeat: nothing new was stored


@dataclass(frozen=True, kw_only=True)
class Firing:
    """What follows when a timer fires: written in one unit, if the timer is still armed as it was read."""

    changes: tuple[Change, ...]
    drafts: tuple[Draft, ...] = ()
