"""What a receiver kind is given to render, and what it gives back. Frozen once, the same bytes on every attempt."""

from dataclasses import dataclass

from deskbell.model.ids import DeliveryId, EventId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook


class RenderRefused(ValueError):
    """This payload cannot be made, and trying again would not help: name and text of the outcome."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A delivery at the moment it is frozen: everything a payload may depend on."""

    webhook: Webhook  # at the version of the delivery
    delivery_id: DeliveryId
    event_ids: tuple[EventId, ...]
    event_types: tuple[str, ...]  # one per event
    occurred_at: tuple[Instant, ...]  # one per event
    snapshots: tuple[bytes, ...]  # JSON objects, one per event
    created_at: Instant  # of the delivery
    site: Site | None = None  # None where only its msp is known
    portal_url: str = ""  # without a slash at the end


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A payload, and whether it has to be stored because it cannot be joined from stored snapshots."""

    body: bytes
    content_type: str
    stored: bool = False
    headers: tuple[tuple[str, str], ...] = ()  # of the kind itself
