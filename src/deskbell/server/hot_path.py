"""`POST /api/v1/events`, answered by a small ASGI app in front of everything else: the path that must be fast."""

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from deskbell.model.account import Caller, Permission
from deskbell.model.changes import Insert, Refused
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import (
    Busy,
    Conflict,
    DiskFull,
    FaultAt,
    Invalid,
    Refusal,
    WrongMedia,
)
from deskbell.model.event import Event, Idempotency
from deskbell.model.ids import EventId, SiteId, make_id
from deskbell.model.instant import TICKS_PER_SECOND, unix_ms
from deskbell.model.people import Actor, ActorKind
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.event_types import check_event_type
from deskbell.rules.limits import Limits
from deskbell.rules.payload import custom_head
from deskbell.rules.strict_json import PublishItem, parse_hop, read_publish
from deskbell.server.authenticate import Authenticator
from deskbell.server.door import origin_of, read_body
from deskbell.server.once import check_same, idempotency_key
from deskbell.server.problem import problem
from deskbell.server.rate import KeyRates

PATH = "/api/v1/events"
_JSON = (b"content-type", b"application/json")


@dataclass(frozen=True, kw_only=True)
class HotPath:
    """Publishing: read, check, hand to the publisher, answer 202 once durable."""

    app: ASGIApp  # everything else
    authenticator: Authenticator
    publisher: Publisher
    store: Store
    rates: KeyRates
    clock: Clock
    random: Random
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        try:
            body = await self.publish(Request(scope, receive))
        except Refusal as refusal:
            await problem(refusal, scope.get("deskbell.request_id", ""))(scope, receive, send)
            return
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 202, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body})

    async def publish(self, request: Request) -> bytes:
        """The 202 body. Raises a Refusal; then nothing was stored."""
        check_media(request)
        known = await self.authenticator.caller(request, None)
        caller = await self.authenticator.permitted(known, (Permission.EVENTS_WRITE,), origin_of(request))
        self.rates.spend(caller)
        hop = parse_hop(request.headers.getlist("deskbell-hop"))
        body = await read_body(request, self.limits.events_body_bytes_max)
        items, is_array = read_publish(body, self.limits)
        check_types(items, is_array)
        key = idempotency_key(request)
        if key is None:
            return await self.accept(caller, items, is_array, hop)
        return await self.accept_once(caller, items, is_array, hop, key, body)

    async def accept(
        self, caller: Caller, items: Sequence[PublishItem], is_array: bool, hop: int, key: Idempotency | None = None
    ) -> bytes:
        """Store the events that are not stored yet; the answer names all of them."""
        first = firsts(items, is_array)
        known = await self.stored_before(caller.site, items, is_array)
        ids = [EventId("") if known[n] is None else known[n].id for n in range(len(items))]  # type: ignore[union-attr]  # None is the other branch
        fresh = [n for n in range(len(items)) if known[n] is None and first[n] == n]
        for n in fresh:
            ids[n] = self.new_id()
        ids = [ids[first[n]] for n in range(len(items))]
        answer = answer_of(ids, is_array)
        if not fresh and key is None:
            return answer
        drafts = [self.draft(caller, items[n], ids[n], hop) for n in fresh]
        changes = () if key is None else (Insert(row=replace(key, answer=answer)),)
        done = await self.submit(caller.site, drafts, changes)
        if isinstance(done, Published):
            return answer
        if done.what == "event.external_id":
            return await self.accept(caller, items, is_array, hop, key)
        if done.what.startswith("idempotency") and key is not None:
            return await self.answered(key)
        raise refusal_of(done)

    def submit(
        self, site: SiteId, drafts: Sequence[Draft], changes: Sequence[Insert]
    ) -> Awaitable[Published | Refused]:
        """Hand over; the future is done once the events are durable."""
        future: asyncio.Future[Published | Refused] = asyncio.get_running_loop().create_future()

        def done(result: Published | Refused) -> None:
            if not future.done():
                future.set_result(result)

        self.publisher.submit(site, drafts, done, changes=changes)
        return future

    async def accept_once(
        self, caller: Caller, items: Sequence[PublishItem], is_array: bool, hop: int, key: str, body: bytes
    ) -> bytes:
        """As `accept`, but the same key and body get the first answer again for 24 h."""
        row = Idempotency(
            site=caller.site,
            maker=caller.id,
            key=key,
            body_hash=hashlib.sha256(b"POST " + PATH.encode() + b"\n" + body).hexdigest(),
            answer=b"",
            at=self.clock.now(),
        )
        stored = await self.store.events.idempotency(row.site, row.maker, row.key)
        if stored is not None and stored.at > row.at - self.limits.idempotency_hours * 3600 * TICKS_PER_SECOND:
            check_same(stored, row)
            return stored.answer
        return await self.accept(caller, items, is_array, hop, row)

    async def answered(self, row: Idempotency) -> bytes:
        """The answer of a request with the same key that was faster."""
        stored = await self.store.events.idempotency(row.site, row.maker, row.key)
        if stored is None:
            raise Busy
        check_same(stored, row)
        return stored.answer

    async def stored_before(self, site: SiteId, items: Sequence[PublishItem], is_array: bool) -> list[Event | None]:
        """For each item the stored event with its id and content. Raises Conflict for other content."""
        found: list[Event | None] = []
        for n, item in enumerate(items):
            event = None
            if item.external_id is not None:
                event = await self.store.events.by_external(site, item.external_id)
                if event is not None and not is_same(event, item):
                    raise other_content(item, n, is_array, "is stored")
            found.append(event)
        return found

    def draft(self, caller: Caller, item: PublishItem, event_id: EventId, hop: int) -> Draft:
        """What the publisher gets for one item."""
        kind = ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON
        return Draft(
            id=event_id,
            type=item.type,
            by=Actor(kind=kind, name=caller.name, id=caller.id),
            occurred_at=self.clock.now() if item.occurred_at is None else item.occurred_at,
            data=item.data,
            subject=item.subject,
            external_id=item.external_id,
            hop=hop,
            maker_key=caller.id if caller.kind == "key" else None,
        )

    def new_id(self) -> EventId:
        """A fresh event id."""
        return EventId(make_id("evt", unix_ms=unix_ms(self.clock.now()), chance=self.random.bits(74)))


def check_media(request: Request) -> None:
    """415 before the body is read: only JSON in UTF-8, not encoded."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise WrongMedia
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongMedia


def check_types(items: Sequence[PublishItem], is_array: bool) -> None:
    """Only `custom.*` may be published; every other type is made by Deskbell itself."""
    faults = []
    for n, item in enumerate(items):
        code = check_event_type(item.type)
        if code is None and not item.type.startswith("custom."):
            code = "event_type_reserved"
        if code is not None:
            detail = "Published events have a type like custom.invoice_paid."
            faults.append(FaultAt(pointer=f"/{n}/type" if is_array else "/type", code=code, detail=detail))
    if faults:
        raise Invalid("Some event types cannot be published.", faults=tuple(faults), reason=faults[0].code)


def is_same(event: Event, item: PublishItem) -> bool:
    """Whether a stored event has this item's content; of an erased one only its type is known."""
    if event.is_erased:
        return event.type == item.type
    head = custom_head(event.site, event.id, item.type, item.data)
    same_time = item.occurred_at is None or item.occurred_at == event.occurred_at
    return event.snapshot.startswith(head + b',"meta":') and event.subject == item.subject and same_time


def firsts(items: Sequence[PublishItem], is_array: bool) -> list[int]:
    """For each item where its id stands first. Raises Conflict when one id stands for different contents."""
    found: list[int] = []
    places: dict[str, int] = {}
    for n, item in enumerate(items):
        place = n if item.external_id is None else places.setdefault(item.external_id, n)
        if items[place] != item:
            raise other_content(item, n, is_array, "stands twice in this request,")
        found.append(place)
    return found


def other_content(item: PublishItem, n: int, is_array: bool, where: str) -> Conflict:
    """One id cannot stand for two events."""
    fault = FaultAt(pointer=f"/{n}/id" if is_array else "/id", code="exists", detail="Other content.")
    return Conflict(f"The id {item.external_id!r} {where} with other content.", faults=(fault,))


def answer_of(ids: Sequence[EventId], is_array: bool) -> bytes:
    """`{"id": …}` or `{"ids": […]}`."""
    value: Any = {"ids": list(ids)} if is_array else {"id": ids[0]}
    return msgspec.json.encode(value)


def refusal_of(done: Refused) -> Refusal:
    """What a caller is told when the store did not take the unit."""
    if done.reason == "disk_full":
        return DiskFull(retry_after_s=10)
    return Busy(retry_after_s=5)
