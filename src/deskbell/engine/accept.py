"""One call of `publish`: what it is to write, and what of it is handed to the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deskbell.engine.parcel import Parcel
from deskbell.engine.tray import Tray
from deskbell.model.audit import AuditEntry
from deskbell.model.changes import Change, Guard, Refused
from deskbell.model.draft import Draft, Published
from deskbell.model.event import Event
from deskbell.model.ids import SiteId
from deskbell.model.webhook import Webhook

Done = Callable[[Published | Refused], None]


@dataclass(frozen=True, kw_only=True)
class Accept:
    """One call of `submit`: what is to stand or fall together."""

    site: SiteId
    drafts: Sequence[Draft]
    changes: Sequence[Change] = ()
    guards: Sequence[Guard] = ()
    audit: AuditEntry | None = None
    only: Webhook | None = None  # a test: one delivery to this webhook, whatever it chose


class Taken:
    """One call that is handed to the store."""

    __slots__ = ("accept", "done", "events", "parcels", "started", "tray")

    def __init__(self, accept: Accept, done: Done, events: list[Event], parcels: list[Parcel], started: float) -> None:
        self.accept = accept
        self.done = done
        self.events = events
        self.parcels = parcels  # of new deliveries
        self.started = started
        self.tray: Tray | None = None  # some of it is gathered

    @property
    def published(self) -> Published:
        """What the caller is told."""
        joined = () if self.tray is None else self.tray.joined_ids
        return Published(
            event_ids=tuple(event.id for event in self.events),
            delivery_ids=(*(parcel.delivery.id for parcel in self.parcels), *joined),
        )
