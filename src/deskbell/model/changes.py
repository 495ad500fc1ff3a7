"""What can be written: a unit of changes that stand or fall together, with guards and an audit entry.

A refused unit changes nothing and harms no other unit of the same transaction; a unit is never split.
"""

from dataclasses import dataclass
from typing import Any

from deskbell.model.account import Account, ApiKey, Link, Login
from deskbell.model.audit import AuditEntry
from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.delivery import Asked, Attempt, Delivery, DeliveryState
from deskbell.model.event import CustomType, Event, Idempotency, Subject
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.inspector import Bin, Capture
from deskbell.model.instant import Instant
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.replay import Replay
from deskbell.model.sealed import SealedRow
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import Note, Ticket, TicketLists
from deskbell.model.timer import DwellRule, Timer
from deskbell.model.webhook import Health, Secret, StatHour, Webhook

Versioned = (
    Site | Webhook | Chat | Ticket | TicketLists | Company | Contact | Agent | Account | Bin | CustomType | DwellRule
    | Replay | SignOn
)  # fmt: skip
"""Rows with a `version`, replaced only when the stored version is one less."""

Row = (
    Versioned
    | Event
    | Idempotency
    | Delivery
    | Asked
    | Attempt
    | Secret
    | ChatMessage
    | Note
    | Login
    | ApiKey
    | Link
    | Capture
)


@dataclass(frozen=True, kw_only=True)
class Insert:
    """Write a new row; an existing key refuses the unit (`exists`).

    A Delivery in state waiting or gathering is queued too; a Webhook is also kept as its version;
    an Attempt only appends.
    """

    row: Row


@dataclass(frozen=True, kw_only=True)
class Replace:
    """Write a row anew whose stored version is `row.version - 1`, else refuse the unit (`version`).

    A Webhook is also kept as its version.
    """

    row: Versioned


@dataclass(frozen=True, kw_only=True)
class Overwrite:
    """Write an unversioned row whatever was there (login seen, key used, secret's end, link used, what is erased)."""

    row: Secret | Login | ApiKey | Link | Capture | ChatMessage | Note


@dataclass(frozen=True, kw_only=True)
class Settle:
    """Append the attempt and move its delivery; refused (`state`) unless the stored state is `expected`.

    The queue row goes when `after` is ended, else it moves to `after.due_at`. With a fence: refused (`fence`) unless
    it is the present one of the shard `after.shard`.
    """

    attempt: Attempt
    after: Delivery
    expected: DeliveryState
    fence: int | None = None  # None: this process is alone


@dataclass(frozen=True, kw_only=True)
class MoveDelivery:
    """Move a delivery without an attempt (cancel, replay, freeze, quarantine); its events stay as they are.

    Refused (`state`) unless it is as `expected`, and was neither attempted nor joined since `after` was read.
    """

    after: Delivery
    expected: DeliveryState


@dataclass(frozen=True, kw_only=True)
class Join:
    """Add events to a delivery that gathers; refused (`state`) unless it still does.

    Joins of one delivery may be handed in side by side, whatever becomes of each: every one adds its own events at the
    end and their types once, raises `hop`, and leaves the subject only when it is theirs as well.
    """

    site: SiteId
    delivery_id: DeliveryId
    event_ids: tuple[EventId, ...]
    event_types: tuple[str, ...]  # of them, each once
    subject: Subject | None  # what all of them are about
    hop: int  # the highest among them
    due_at: Instant  # it falls due then, if not sooner


@dataclass(frozen=True, kw_only=True)
class CancelWaiting:
    """Cancel every delivery of a webhook that is not ended (delete, enable with cancel, drop older than).

    With `rows_max` only so many: `Committed.rows` tells whether there may be more.
    """

    site: SiteId
    webhook_id: WebhookId
    at: Instant
    older_than: Instant | None = None  # created before
    due_before: Instant | None = None
    rows_max: int | None = None


@dataclass(frozen=True, kw_only=True)
class ArmTimer:
    """Arm a timer; it takes the place of one with the same rule and subject, unless that has a higher epoch."""

    timer: Timer


@dataclass(frozen=True, kw_only=True)
class DropTimers:
    """Disarm timers of a subject; of one rule, or of all. None that is armed is fine."""

    site: SiteId
    subject: str
    rule: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """End a waiting delivery whose row cannot be read: exhausted, quarantined. What may be damaged of it is blanked."""

    site: SiteId
    delivery_id: DeliveryId
    at: Instant


@dataclass(frozen=True, kw_only=True)
class DropAsked:
    """The attempt that was asked for is made, or will not be made. None that was asked for is fine."""

    site: SiteId
    delivery_id: DeliveryId


@dataclass(frozen=True, kw_only=True)
class DropRule:
    """Disarm every timer of a rule that is changed or deleted."""

    site: SiteId
    rule: str


@dataclass(frozen=True, kw_only=True)
class EraseSubject:
    """Blank what is kept of a subject: snapshots of its events, payloads and answers; cancel what waits.

    The site's stored answers to requests with an Idempotency-Key are blanked too: they may quote it.

    Ids, types and times stay. An erased event has an empty snapshot and no subject title. A delivery is erased when
    one of its events is. `Committed.rows` is the number of events.
    """

    site: SiteId
    subject: tuple[str, str]  # type, id
    at: Instant


@dataclass(frozen=True, kw_only=True)
class EraseWebhook:
    """Delete a deleted webhook for good, with its secrets, versions, health and statistics; deliveries stay."""

    site: SiteId
    webhook_id: WebhookId


@dataclass(frozen=True, kw_only=True)
class PutHealth:
    """Keep the webhook's health, last one wins."""

    health: Health


@dataclass(frozen=True, kw_only=True)
class AddStats:
    """Add counts to the hourly statistics, and remember the newest attempt that is counted."""

    rows: tuple[StatHour, ...]
    counted_to: str  # att_…


@dataclass(frozen=True, kw_only=True)
class PutMeta:
    """Keep a value of the installation (key check records)."""

    key: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Reseal:
    """Write rows whose sealed fields were sealed anew, each as long as it is still stored as it was read.

    Their versions stay: nothing else of them may differ. `Committed.rows` is how many were.
    """

    rows: tuple[tuple[SealedRow, Any], ...]  # as it was read, and the value to write


@dataclass(frozen=True, kw_only=True)
class DeleteRow:
    """Delete one row: kind is the row type's name in lower case, key its key after the site.

    A deleted `bin` takes its captures along. Kinds: bin, contact, company, agent, customtype, dwellrule, signon.
    """

    site: SiteId
    kind: str
    key: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class TrimCaptures:
    """Keep only the newest captures of a bin."""

    site: SiteId
    bin_id: str
    keep: int


@dataclass(frozen=True, kw_only=True)
class Purge:
    """Delete what is past its retention, at most `rows_max` rows of each table.

    One call need not look at everything: `Committed.rows` 0 means that there is nothing more to do for now.
    """

    site: SiteId
    before: Instant
    rows_max: int
    captures_before: Instant | None = None  # captures and idempotency keys are kept for times of their own;
    keys_before: Instant | None = None  # None: as long as all else


@dataclass(frozen=True, kw_only=True)
class PurgeAudit:
    """Delete a chain's beginning up to this row, whose number and hash stay as the checkpoint.

    Refused (`state`) unless the row is there with this hash. `Committed.rows` tells how many rows went.
    """

    site: SiteId
    seq: int
    hash: str


Change = (
    Insert | Replace | Overwrite | Settle | MoveDelivery | Join | CancelWaiting | PutHealth | AddStats | PutMeta
    | DeleteRow | TrimCaptures | Purge | SetAside | ArmTimer | DropTimers | DropAsked | DropRule | EraseSubject
    | EraseWebhook | PurgeAudit | Reseal
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MustState:
    """Guard: this delivery is in one of these states."""

    site: SiteId
    delivery_id: DeliveryId
    states: tuple[DeliveryState, ...]


@dataclass(frozen=True, kw_only=True)
class MustVersion:
    """Guard: this row (kind and key as for DeleteRow) has this version."""

    site: SiteId
    kind: str
    key: tuple[Any, ...]
    version: int


@dataclass(frozen=True, kw_only=True)
class MustTimer:
    """Guard: this timer is armed just as it was read, so it fires once. Else the unit is refused (`timer`)."""

    timer: Timer


@dataclass(frozen=True, kw_only=True)
class MustFence:
    """Guard: this is the present fence of the shard. Else the unit is refused (`fence`)."""

    shard: int
    fence: int


@dataclass(frozen=True, kw_only=True)
class MustMeta:
    """Guard: the installation's value of this key is still this one. Else the unit is refused (`meta`)."""

    key: str
    value: str  # empty: there is none


Guard = MustState | MustVersion | MustTimer | MustFence | MustMeta


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Changes that stand or fall together."""

    changes: tuple[Change, ...]
    guards: tuple[Guard, ...] = ()
    audit: AuditEntry | None = None


@dataclass(frozen=True, kw_only=True)
class Committed:
    """The unit is durable."""

    rows: int = 0  # changed by its CancelWaiting, Purge, PurgeAudit, EraseSubject or Reseal; it has at most one of them


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The unit changed nothing: `exists`, `version`, `state`, `missing`, `timer`, `fence`, `meta`, or `busy`,
    `disk_full`, `broken`."""

    reason: str
    what: str = ""  # table or kind, e.g. `event.external_id`; of `broken`: the fault of a value of this unit alone

    @property
    def is_store_broken(self) -> bool:
        """Whether no unit can be written any more, rather than this one."""
        return self.reason == "broken" and not self.what


Verdict = Committed | Refused
