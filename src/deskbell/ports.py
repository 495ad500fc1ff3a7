"""The openings in the house: every Protocol between the rooms, on one page.

Every reading method takes the site first and answers frozen values of `model/`. Lists are newest first; `before` is
the key of the last item of the previous page (None: from the start) and at most `limit` rows come back.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from deskbell.model.account import Account, ApiKey, Link, Login
from deskbell.model.audit import EVERY_ROW, AuditEntry, AuditFilter, AuditPlace, AuditRow
from deskbell.model.changes import Change, Guard, Refused, Unit, Verdict
from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.delivery import Asked, Attempt, Delivery
from deskbell.model.draft import Draft, Published
from deskbell.model.event import CustomType, Event, Idempotency
from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.figures import StoreFigures
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.inspector import Bin, Capture
from deskbell.model.instant import Instant
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter, WaitingCount
from deskbell.model.replay import Choice, Replay
from deskbell.model.sealed import SealedRow
from deskbell.model.shard import Shares
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import Note, Ticket, TicketLists
from deskbell.model.timer import DwellRule, Timer
from deskbell.model.webhook import Health, Secret, StatHour, Webhook

COUNT_ALL = 2**31
"""No limit of a count."""


class Clock(Protocol):
    """Time. `now` is wall time, `monotonic` seconds that never go back."""

    def now(self) -> Instant: ...
    def monotonic(self) -> float: ...


class Random(Protocol):
    """Chance."""

    def bits(self, count: int) -> int: ...
    def fraction(self) -> float: ...  # 0 <= x < 1
    def secret(self, size: int) -> bytes: ...  # for keys and tokens


class Sites(Protocol):
    async def get(self, site: SiteId) -> Site | None: ...
    async def all(self) -> tuple[Site, ...]: ...
    async def custom_types(self, site: SiteId) -> tuple[CustomType, ...]: ...
    async def ticket_lists(self, site: SiteId) -> TicketLists | None: ...
    async def sign_on(self, site: SiteId) -> SignOn | None: ...
    async def sign_ons(self) -> tuple[SignOn, ...]: ...  # of all sites


class Webhooks(Protocol):
    async def all(self, site: SiteId) -> tuple[Webhook, ...]: ...  # every state, by id; damaged rows are left out
    async def get(self, site: SiteId, webhook_id: str) -> Webhook | None: ...
    async def version(self, site: SiteId, webhook_id: str, version: int) -> Webhook | None: ...
    async def secrets(self, site: SiteId, webhook_id: str) -> tuple[Secret, ...]: ...  # newest first
    async def health(self, site: SiteId) -> tuple[Health, ...]: ...
    async def versions(self) -> tuple[tuple[SiteId, str, int], ...]: ...  # all sites: (site, "" or whk_…, version)
    async def stats(self, site: SiteId, from_hour: int) -> tuple[StatHour, ...]: ...


class Events(Protocol):
    async def page(
        self, site: SiteId, which: EventFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Event, ...]: ...  # newer: the rows just newer than `before` ("": the oldest), still newest first
    async def get(self, site: SiteId, event_id: str) -> Event | None: ...
    async def many(self, site: SiteId, event_ids: Sequence[EventId]) -> tuple[Event, ...]: ...  # in the order asked
    async def by_external(self, site: SiteId, external_id: str) -> Event | None: ...
    async def count(self, site: SiteId, which: EventFilter) -> int: ...
    async def idempotency(self, site: SiteId, maker: str, key: str) -> Idempotency | None: ...


class Deliveries(Protocol):
    async def page(
        self, site: SiteId, which: DeliveryFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Delivery, ...]: ...  # newer: the rows just newer than `before`, still newest first
    async def get(self, site: SiteId, delivery_id: str) -> Delivery | None: ...
    async def count(self, site: SiteId, which: DeliveryFilter, up_to: int) -> int: ...
    async def waiting(self, site: SiteId) -> tuple[WaitingCount, ...]: ...  # but for what is being cancelled
    async def carrying(
        self, site: SiteId, event_ids: Sequence[EventId], webhook_id: WebhookId | None = None
    ) -> tuple[Delivery, ...]: ...  # those that carry one of these events, by id
    async def attempts(self, site: SiteId, delivery_id: str) -> tuple[Attempt, ...]: ...  # oldest first
    async def attempt(self, site: SiteId, attempt_id: str) -> Attempt | None: ...
    async def last_attempts(self, site: SiteId, delivery_ids: Sequence[DeliveryId]) -> tuple[Attempt, ...]: ...


class Desk(Protocol):
    async def chat(self, site: SiteId, chat_id: str) -> Chat | None: ...
    async def chats(self, site: SiteId, which: ChatFilter, before: str | None, limit: int) -> tuple[Chat, ...]: ...
    async def chats_of(self, site: SiteId, chat_ids: Sequence[str]) -> tuple[Chat, ...]: ...  # in any order
    async def messages(self, site: SiteId, chat_id: str) -> tuple[ChatMessage, ...]: ...  # oldest first
    async def ticket(self, site: SiteId, key: str) -> Ticket | None: ...  # by id, or by external id
    async def tickets(
        self, site: SiteId, which: TicketFilter, before: str | None, limit: int
    ) -> tuple[Ticket, ...]: ...  # by entity id, descending
    async def tickets_of(self, site: SiteId, ticket_ids: Sequence[str]) -> tuple[Ticket, ...]: ...  # in any order
    async def notes(self, site: SiteId, ticket_id: str) -> tuple[Note, ...]: ...  # oldest first
    async def next_ticket_number(self, site: SiteId) -> int: ...
    async def dwell_rules(self, site: SiteId) -> tuple[DwellRule, ...]: ...  # by id


class People(Protocol):
    """Keys are the entity id as digits, or the external id."""

    async def company(self, site: SiteId, key: str) -> Company | None: ...
    async def companies(self, site: SiteId) -> tuple[Company, ...]: ...  # by entity id, ascending
    async def contact(self, site: SiteId, key: str) -> Contact | None: ...
    async def contacts(self, site: SiteId) -> tuple[Contact, ...]: ...
    async def agent(self, site: SiteId, key: str) -> Agent | None: ...
    async def agents(self, site: SiteId) -> tuple[Agent, ...]: ...
    async def next_number(self, site: SiteId, noun: str) -> int: ...  # company, contact, agent


class Accounts(Protocol):
    async def users(self, site: SiteId) -> tuple[Account, ...]: ...
    async def logins(self, site: SiteId, user_id: str) -> tuple[Login, ...]: ...
    async def login_by_hash(self, token_hash: str) -> Login | None: ...  # all sites: the hash is the credential
    async def keys(self, site: SiteId) -> tuple[ApiKey, ...]: ...
    async def key_by_lookup(self, lookup: str) -> ApiKey | None: ...
    async def link_by_hash(self, token_hash: str) -> Link | None: ...
    async def links(self, site: SiteId, kind: str) -> tuple[Link, ...]: ...
    async def users_by_email(self, email: str) -> tuple[Account, ...]: ...  # all sites, not removed


class Bins(Protocol):
    async def all(self, site: SiteId) -> tuple[Bin, ...]: ...
    async def get(self, site: SiteId, bin_id: str) -> Bin | None: ...
    async def by_address(self, address: str) -> Bin | None: ...
    async def captures(
        self, site: SiteId, bin_id: str, before_seq: int | None, limit: int
    ) -> tuple[Capture, ...]: ...  # newest first
    async def captures_after(
        self, site: SiteId, bin_id: str, after_seq: int, limit: int
    ) -> tuple[Capture, ...]: ...  # oldest first
    async def capture(self, site: SiteId, capture_id: str) -> Capture | None: ...


class Audit(Protocol):
    async def page(
        self, site: SiteId, before: int | None, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]: ...
    async def range(
        self, site: SiteId, after_seq: int, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]: ...  # oldest first
    async def checkpoint(self, site: SiteId) -> AuditPlace | None: ...  # the last row that retention took


class Due(Protocol):
    """What the owner of shards must send; for all sites."""

    async def webhooks(
        self, up_to: int = COUNT_ALL
    ) -> tuple[tuple[SiteId, WebhookId, int, Instant], ...]: ...  # waiting count, at most `up_to`; next due
    async def deliveries(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[Delivery, ...]: ...  # waiting ones in order of (due, id), strictly after this position
    async def heads(
        self, site: SiteId, webhook_id: WebhookId, subjects: Sequence[tuple[str, str]], *, or_exhausted: bool
    ) -> tuple[Delivery, ...]: ...  # the oldest of each subject (type, id) not ended, or exhausted; no tests
    async def unreadable(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[DeliveryId, ...]: ...  # those of `deliveries` whose rows are damaged, so that it raises
    async def asked(self, limit: int) -> tuple[Asked, ...]: ...  # attempts asked for and not made, oldest first
    async def uncounted(self, limit: int) -> tuple[Attempt, ...]: ...  # attempts that nobody counts


class Timers(Protocol):
    """Armed timers, for all sites."""

    async def due(self, until: Instant, limit: int) -> tuple[Timer, ...]: ...  # due at or before, oldest first
    async def next_due(self) -> Instant | None: ...  # None: nothing is armed, but for spent ones
    async def of_subjects(self, site: SiteId, subjects: Sequence[str]) -> tuple[Timer, ...]: ...  # by subject, rule
    async def count(self) -> int: ...  # but for spent ones


class Replays(Protocol):
    async def get(self, site: SiteId, replay_id: str) -> Replay | None: ...
    async def page(self, site: SiteId, before: str | None, limit: int) -> tuple[Replay, ...]: ...
    async def running(self) -> tuple[Replay, ...]: ...  # all sites: running ones


class Shards(Protocol):
    """Who owns which shard, on the database's clock. With one process nobody asks."""

    async def beat(self, node: str, lease_s: float, *, delivers: bool) -> Shares: ...  # alive; renews what it owns
    async def take(
        self, node: str, shards: Sequence[int], lease_s: float
    ) -> Mapping[int, int]: ...  # shard: fence, of those that were free
    async def hand_over(self, node: str, shards: Sequence[int]) -> None: ...  # free at once
    async def leave(self, node: str) -> None: ...  # hand over everything; the node is gone


class Schema(Protocol):
    async def version(self) -> int: ...
    async def check(self) -> tuple[str, ...]: ...  # integrity faults, empty when sound
    async def meta(self, key: str) -> str | None: ...
    async def backup(self, path: str) -> None: ...


class SealedRows(Protocol):
    """Every row that holds sealed fields, for all sites: what re-encryption walks through."""

    async def page(
        self, table: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[SealedRow, ...]: ...  # in the order of keys; damaged rows too, without a value


class Store(Protocol):
    """The database. `submit` puts a unit into this turn's transaction and calls `done` once it is durable."""

    sites: Sites
    webhooks: Webhooks
    events: Events
    deliveries: Deliveries
    desk: Desk
    people: People
    accounts: Accounts
    bins: Bins
    audit: Audit
    due: Due
    timers: Timers
    replays: Replays
    shards: Shards
    sealed: SealedRows
    schema: Schema
    is_shared: bool  # other processes may deliver from it too: shards are leased, settles carry fences

    @property
    def figures(self) -> StoreFigures: ...
    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None: ...
    async def commit(self, unit: Unit) -> Verdict: ...
    async def close(self) -> None: ...


class Sender(Protocol):
    """The guarded dialler. `done` is called exactly once, on the loop; never an exception."""

    def submit(self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None]) -> None: ...
    async def close(self) -> None: ...


class Resolver(Protocol):
    """Names to addresses. Raises ResolveFault with a name of security.md 5.3."""

    async def resolve(self, host: str, timeout_s: float) -> tuple[str, ...]: ...


class Doorbell(Protocol):
    """A signal that work may be waiting; never the work itself."""

    def ring(self, bell: str, detail: Any = None) -> None: ...
    def listen(self, bell: str, heard: Callable[[Any], None]) -> Callable[[], None]: ...  # returns: stop listening


class Replayer(Protocol):
    """Counts and carries out replays."""

    async def count_replay(
        self, site: SiteId, choice: Choice, ended_by: Instant
    ) -> Mapping[WebhookId, int]: ...  # deliveries that a replay made at that moment would begin
    def replay_changed(self) -> None: ...  # after a commit that made, resumed or stopped one


class Publisher(Protocol):
    """Accepts events: matches, then writes events, traces, deliveries and the desk's change in one unit."""

    def submit(
        self,
        site: SiteId,
        drafts: Sequence[Draft],
        done: Callable[[Published | Refused], None],
        *,
        changes: Sequence[Change] = (),
        guards: Sequence[Guard] = (),
        audit: AuditEntry | None = None,
    ) -> None: ...  # `done` once durable; raises Busy when the queue of commits is full

    async def publish(
        self,
        site: SiteId,
        drafts: Sequence[Draft],
        *,
        changes: Sequence[Change] = (),
        guards: Sequence[Guard] = (),
        audit: AuditEntry | None = None,
    ) -> Published | Refused: ...
