"""Small complete values for the tests of stores; every id carries the time it is made for."""

from dataclasses import replace
from itertools import count
from typing import Any

from deskbell.model.account import Account, ApiKey, Link, LinkKind, Login, Permission, Role
from deskbell.model.audit import AuditEntry
from deskbell.model.changes import Insert, Settle, Unit
from deskbell.model.chat import Chat, ChatMessage, ChatStatus, ChatType
from deskbell.model.credential import AuthKind, SealedAuth, SealedCertificate
from deskbell.model.delivery import Attempt, Decision, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.event import CustomType, Event, Subject, TraceEntry
from deskbell.model.exchange import Outcome, OutcomeClass, Timing
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId, make_id
from deskbell.model.inspector import Bin, Capture
from deskbell.model.instant import TICKS_PER_MS, Instant
from deskbell.model.people import SYSTEM, Actor, ActorKind, Agent, Company, Contact, User
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import Choice, Note, Status, Ticket, TicketLists
from deskbell.model.webhook import Health, SealedUrl, Secret, Webhook

SITE = SiteId("dd")
OTHER = SiteId("other")
START_MS = 1_790_000_000_000
ANN = Actor(kind=ActorKind.PERSON, name="Ann", id="usr_ann")
_numbers = count(1)


def at(ms: int) -> Instant:
    """An instant so many milliseconds after the start of the test's time."""
    return Instant((START_MS + ms) * TICKS_PER_MS)


def ident(prefix: Any, ms: int = 0) -> str:
    """A new id of that time; later ones of the same time sort after earlier ones."""
    return make_id(prefix, unix_ms=START_MS + ms, chance=next(_numbers))


def site(name: SiteId = SITE, **members: Any) -> Site:
    """A site."""
    return Site(**{"site": name, "name": "Desk", "created_at": at(0), **members})


def webhook(**members: Any) -> Webhook:
    """A webhook, version 1."""
    url = SealedUrl(sealed=b"\x00\xffsealed", masked="https://a.example/…hook", host="a.example", fingerprint="f" * 8)
    plain: dict[str, Any] = {
        "site": SITE,
        "id": WebhookId(ident("whk")),
        "version": 1,
        "shard": 7,
        "description": "To the other system",
        "receiver_url": url,
        "event_types": ("chat.*",),
        "created_at": at(0),
        "created_by": ANN,
        "headers": {"x-key": b"\x01\x02"},
        "auth": SealedAuth(kind=AuthKind.BASIC, sealed=b"\x03\xff", shown={"username": "Zoë"}),
        "client_certificate": SealedCertificate(
            sealed=b"\x04\xff", subject="CN=desk", expires_at=at(9), fingerprint="ab" * 32
        ),
        "settings": {"channel": "a", "deep": {"n": [1, 2]}},
    }
    return Webhook(**{**plain, **members})


def secret(owner: Webhook, ms: int = 0, **members: Any) -> Secret:
    """A signing secret."""
    plain: dict[str, Any] = {"site": owner.site, "webhook_id": owner.id, "id": ident("sec", ms), "created_at": at(ms)}
    return Secret(**{**plain, "sealed": b"\x00sealed", **members})


def event(ms: int = 0, **members: Any) -> Event:
    """An event."""
    plain: dict[str, Any] = {
        "site": SITE,
        "id": EventId(ident("evt", ms)),
        "type": "chat.created",
        "snapshot": b'{"id":"1"}',
        "occurred_at": at(ms),
        "received_at": at(ms),
        "by": ANN,
        "subject": Subject(type="chat", id="c1", title="Printer on fire"),
        "sequence": 1,
        "trace": (TraceEntry(webhook_id=WebhookId("whk_1"), reason="filter: a > 1"),),
    }
    return Event(**{**plain, **members})


def delivery(ms: int = 0, **members: Any) -> Delivery:
    """A waiting delivery that is due at once."""
    plain: dict[str, Any] = {
        "site": SITE,
        "id": DeliveryId(ident("dlv", ms)),
        "webhook_id": WebhookId("whk_1"),
        "webhook_version": 1,
        "shard": 7,
        "event_ids": (EventId(ident("evt", ms)),),
        "event_types": ("chat.created",),
        "created_at": at(ms),
        "due_at": at(ms),
        "subject": Subject(type="chat", id="c1", title="Printer on fire"),
    }
    return Delivery(**{**plain, **members})


def attempt(of: Delivery, ms: int = 0, **members: Any) -> Attempt:
    """A successful first attempt."""
    plain: dict[str, Any] = {
        "site": of.site,
        "id": ident("att", ms),
        "delivery_id": of.id,
        "webhook_id": of.webhook_id,
        "number": of.attempts + 1,
        "trigger": Trigger.AUTOMATIC,
        "started_at": at(ms),
        "outcome": Outcome(kind=OutcomeClass.DELIVERED, name="http_200", status=200, text="fine"),
        "decision": Decision(kind=DecisionKind.DELIVERED),
        "timing": Timing(queued_ms=0.5, first_byte_ms=2.25, total_ms=3.0),
        "address": "192.0.2.1:443",
        "url_masked": "https://a.example/…hook",
        "request_headers": (("content-type", "application/json"), ("x-two", "a"), ("x-two", "b")),
        "response_headers": (("server", "x"),),
        "response_body": b"ok\xff",
        "secret_fingerprint": "abcd",
    }
    return Attempt(**{**plain, **members})


def ended(of: Delivery, ms: int = 0, state: DeliveryState = DeliveryState.DELIVERED, **members: Any) -> Delivery:
    """The delivery after an attempt that ended it."""
    plain: dict[str, Any] = {
        "state": state,
        "ended_at": at(ms),
        "attempts": of.attempts + 1,
        "step": of.step + 1,
        "last_outcome": "http_200",
        "last_status": 200,
        "payload_bytes": 99,
    }
    return replace(of, **{**plain, **members})


def settle(of: Delivery, ms: int = 0, expected: DeliveryState = DeliveryState.WAITING) -> Settle:
    """A settle that delivers."""
    return Settle(attempt=attempt(of, ms), after=ended(of, ms), expected=expected)


def user(number: int = 1, side: str = "c") -> User:
    """A person of the desk."""
    return User(entity_id=number, name="Jo", user_id=f"{SITE}~{side}~{number}")


def chat(ms: int = 0, **members: Any) -> Chat:
    """A chat that has just begun."""
    plain: dict[str, Any] = {
        "site": SITE,
        "id": f"chat-{next(_numbers):06}",
        "name": "Printer",
        "type": ChatType.REQUEST,
        "status": ChatStatus.CREATED,
        "past_status": (ChatStatus.CREATED,),
        "creator": user(),
        "created_at": at(ms),
        "last_modified_at": at(ms),
    }
    return Chat(**{**plain, **members})


def message(of: Chat, ms: int = 0) -> ChatMessage:
    """A message in a chat."""
    return ChatMessage(site=of.site, chat_id=of.id, id=f"{ms}-00-x", author=user(), text="Hello", at=at(ms))


def ticket(number: int, **members: Any) -> Ticket:
    """A new ticket."""
    plain: dict[str, Any] = {
        "site": SITE,
        "id": str(number),
        "entity_id": number,
        "title": f"Ticket {number}",
        "status": Status(id=1, name="New"),
        "priority": Choice(id=1, name="Low"),
        "queue": Choice(id=1, name="Desk"),
        "created_at": at(number),
        "last_modified_at": at(number),
        "form": {"a": 1},
    }
    return Ticket(**{**plain, **members})


def note(of: Ticket, ms: int = 0) -> Note:
    """A note on a ticket."""
    plain: dict[str, Any] = {"site": of.site, "ticket_id": of.id, "id": f"n{ms}", "kind": "note", "text": "Seen"}
    return Note(**plain, author_kind="agent", author=user(2, "m"), is_public=True, created_at=at(ms))


def lists(name: SiteId = SITE, **members: Any) -> TicketLists:
    """The site's lists."""
    one = (Choice(id=1, name="Low"),)
    return TicketLists(
        **{"site": name, "statuses": (Status(id=1, name="New"),), "priorities": one, "queues": one, **members}
    )


def company(number: int, **members: Any) -> Company:
    """A company."""
    plain: dict[str, Any] = {"site": SITE, "entity_id": number, "name": "Acme", "identifier": "acme"}
    return Company(**{**plain, "created_at": at(0), **members})


def contact(number: int, **members: Any) -> Contact:
    """A contact."""
    return Contact(**{"site": SITE, "entity_id": number, "name": "Jo", "created_at": at(0), **members})


def agent(number: int, **members: Any) -> Agent:
    """An agent."""
    return Agent(**{"site": SITE, "entity_id": number, "name": "Al", "created_at": at(0), **members})


def account(**members: Any) -> Account:
    """A user of the portal."""
    plain: dict[str, Any] = {"site": SITE, "id": ident("usr"), "email": "ann@example.com", "name": "Ann"}
    return Account(**{**plain, "role": Role.OWNER, "password_hash": None, "created_at": at(0), **members})


def login(of: Account, **members: Any) -> Login:
    """A login."""
    plain: dict[str, Any] = {
        "site": of.site,
        "id": ident("lgn"),
        "user_id": of.id,
        "token_hash": ident("req"),
        "csrf": "x",
    }
    times = {"created_at": at(0), "seen_at": at(0), "confirmed_at": at(0)}
    return Login(**{**plain, **times, "address": "192.0.2.9", **members})


def api_key(**members: Any) -> ApiKey:
    """An API key."""
    plain: dict[str, Any] = {"site": SITE, "id": ident("key"), "lookup": ident("req"), "token_hash": "h", "name": "ci"}
    scopes = (Permission.EVENTS_WRITE, Permission.DESK_READ)
    return ApiKey(**{**plain, "scopes": scopes, "created_at": at(0), "created_by": "usr_1", **members})


def link(**members: Any) -> Link:
    """A set-up link."""
    plain: dict[str, Any] = {"site": SITE, "id": ident("lnk"), "kind": LinkKind.SETUP, "token_hash": ident("req")}
    return Link(**{**plain, "subject": "", "created_at": at(0), "expires_at": at(1000), **members})


def bin_(**members: Any) -> Bin:
    """An inspector bin."""
    plain: dict[str, Any] = {"site": SITE, "id": ident("bin"), "name": "Mine", "address": ident("req").lower()}
    return Bin(**{**plain, "created_at": at(0), "created_by": "usr_1", **members})


def capture(of: Bin, seq: int, **members: Any) -> Capture:
    """A captured request."""
    plain: dict[str, Any] = {"site": of.site, "bin_id": of.id, "seq": seq, "id": ident("cap"), "at": at(seq)}
    request = {"method": "POST", "path": "/", "query": "", "headers": (("a", "b"),), "body": b"\xff", "body_cut": False}
    return Capture(**{**plain, **request, "peer": "192.0.2.1", "answered_status": 200, **members})


def custom_type(name: str = "custom.a", **members: Any) -> CustomType:
    """A declared event type."""
    return CustomType(**{"site": SITE, "name": name, "description": "A", "created_at": at(0), **members})


def health(webhook_id: str = "whk_1", **members: Any) -> Health:
    """A webhook's health."""
    return Health(**{"site": SITE, "webhook_id": webhook_id, **members})


def sign_on(**members: Any) -> SignOn:
    """A provider."""
    plain = {"site": SITE, "issuer": "https://login.example", "client_id": "d", "client_secret": b"s", "label": "L"}
    return SignOn(**{**plain, **members})


def entry(**members: Any) -> AuditEntry:
    """What is to be recorded."""
    plain: dict[str, Any] = {"site": SITE, "at": at(0), "actor": SYSTEM, "operation": "webhook.create"}
    return AuditEntry(**{**plain, "object_id": "whk_1", **members})


def inserts(*rows: Any, **members: Any) -> Unit:
    """A unit that inserts rows in this order."""
    return Unit(changes=tuple(Insert(row=row) for row in rows), **members)
