"""`Idempotency-Key` on every POST of the API: the same key and request get the first answer again for 24 h.

What is guaranteed: in one process a key is used by one request at a time, so a repetition never does the work twice.
A use case that writes `Once.row` with its own change keeps that promise over a crash and over many processes as well.
For all others the answer is stored after their change: a crash in between, or the same key at the same moment on two
nodes, may do the work twice. Refusals are not stored: they changed nothing, and the next try may succeed.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from weakref import WeakValueDictionary

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from deskbell.model.account import Caller
from deskbell.model.changes import Insert, Refused, Unit
from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.event import Idempotency
from deskbell.model.instant import TICKS_PER_SECOND
from deskbell.ports import Clock, Store
from deskbell.rules.limits import Limits
from deskbell.rules.strict_json import check_idempotency_key

REPLAYED = "idempotency-replayed"
_KEPT_HEADERS = ("location", "etag")
log = structlog.get_logger()


class Keeps(Enum):
    """What is stored of the answer to a request with a key."""

    ANSWER = "the answer"
    SECRET = "that it was carried out: the answer held a secret, and nothing secret is stored"  # noqa: S105  # no secret
    NOTHING = "nothing: it changes nothing, so a repetition is simply carried out"


class Kept(msgspec.Struct):
    """An answer as it is stored. `body` is None when it held a secret."""

    status: int
    headers: dict[str, str]
    body: str | None


@dataclass(kw_only=True)
class Once:
    """The key of the present request. `row` makes the change that stores its answer; use it at most once."""

    blank: Idempotency
    is_stored: bool = False

    def row(self, status: int, body: bytes, headers: Mapping[str, str]) -> Insert:
        """The change that stores this answer, to be written in one unit with what was asked for."""
        self.is_stored = True
        kept = Kept(status=status, headers=dict(headers), body=body.decode())
        return Insert(row=replace(self.blank, answer=msgspec.json.encode(kept)))


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys that were used, in the store; those in use now, in memory."""

    store: Store
    clock: Clock
    limits: Limits
    _turns: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def answer(
        self,
        request: Request,
        caller: Caller,
        body: bytes,
        keeps: Keeps,
        carry_out: Callable[[Once | None], Awaitable[Response]],
    ) -> Response:
        """The first answer again, or that of carrying it out now. Raises Invalid for a key used with another body."""
        key = idempotency_key(request)
        if key is None or keeps is Keeps.NOTHING:
            return await carry_out(None)
        blank = Idempotency(
            site=caller.site,
            maker=caller.id,
            key=key,
            body_hash=request_hash(request, body),
            answer=b"",
            at=self.clock.now(),
        )
        turn = self._turns.setdefault((blank.site, blank.maker, key), asyncio.Lock())
        async with turn:
            stored = await self.store.events.idempotency(blank.site, blank.maker, key)
            if stored is not None and stored.at > blank.at - self.limits.idempotency_hours * 3600 * TICKS_PER_SECOND:
                return first_answer(stored, blank)
            once = Once(blank=blank)
            response = await carry_out(once)
            if response.status_code < 300 and not once.is_stored:
                await self._store_answer(blank, response, keeps)
            return response

    async def _store_answer(self, blank: Idempotency, response: Response, keeps: Keeps) -> None:
        """After the work was done. That it could not be stored does not undo it: the caller gets the answer."""
        kept = Kept(
            status=response.status_code,
            headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            body=None if keeps is Keeps.SECRET else bytes(response.body).decode(),
        )
        row = replace(blank, answer=msgspec.json.encode(kept))
        verdict = await self.store.commit(Unit(changes=(Insert(row=row),)))
        if isinstance(verdict, Refused):
            log.warning("idempotency.not_stored", reason=verdict.reason, what=verdict.what)


def first_answer(stored: Idempotency, blank: Idempotency) -> Response:
    """What was answered the first time."""
    check_same(stored, blank)
    if not stored.answer:
        raise Conflict(
            "This was carried out before; its answer was erased with somebody's content. Look at what it made, or use "
            "a new key.",
            reason="answer_erased",
        )
    kept = msgspec.json.decode(stored.answer, type=Kept)
    if kept.body is None:
        made = f" It made {kept.headers['location']}." if "location" in kept.headers else ""
        raise Conflict(
            f"This was carried out before.{made} Its answer held a secret, which is not kept: ask for the secret, "
            "or make a new one with a new key.",
            reason="answered_with_secret",
        )
    media = {"content-type": "application/json"} if kept.body else {}
    headers = {**kept.headers, **media, REPLAYED: "true"}
    return Response(kept.body.encode(), status_code=kept.status, headers=headers)


def check_same(stored: Idempotency, blank: Idempotency) -> None:
    """Raises Invalid when the key was used for another request."""
    if stored.body_hash != blank.body_hash:
        fault = FaultAt(pointer="", code="idempotency_key", detail="Use a new key for a new request.")
        raise Invalid("This Idempotency-Key was used with another body.", faults=(fault,))


def request_hash(request: Request, body: bytes) -> str:
    """What makes a request the same: method, path with query, body."""
    query = f"?{request.url.query}" if request.url.query else ""
    head = f"{request.method} {request.url.path}{query}\n"
    return hashlib.sha256(head.encode() + body).hexdigest()


def idempotency_key(request: Request) -> str | None:
    """The checked Idempotency-Key header."""
    values = request.headers.getlist("idempotency-key")
    if not values:
        return None
    fault = check_idempotency_key(values[0] if len(values) == 1 else ", ".join(values))
    if fault is not None:
        raise Invalid("The Idempotency-Key is not valid.", faults=(fault,))
    return values[0]
