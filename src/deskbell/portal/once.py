"""A form sent twice creates once: a double click, a reload or a back finds what the first one made."""

import asyncio
import hashlib
from functools import cache
from weakref import WeakValueDictionary

from deskbell.model.changes import Insert, Unit
from deskbell.model.event import Idempotency
from deskbell.portal.page import PageAsk

KEY_CHARS_MAX = 64


class Turns:
    """One lock per form, as long as somebody waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        """The lock of this form."""
        return self._locks.setdefault(key, asyncio.Lock())


@cache
def turns() -> Turns:
    """The locks of this process."""
    return Turns()


def key_of(form_id: str) -> str:
    """How a form is kept: apart from the keys that programs send."""
    return f"form:{hashlib.sha256(form_id.encode()).hexdigest()[:KEY_CHARS_MAX]}"


async def made_before(ask: PageAsk, form_id: str) -> str | None:
    """The id of what this form made already."""
    found = await ask.rooms.store.events.idempotency(ask.site, ask.caller.id, key_of(form_id))
    return found.answer.decode() if found else None


async def remember(ask: PageAsk, form_id: str, made: str) -> None:
    """Keep what this form made."""
    row = Idempotency(
        site=ask.site,
        maker=ask.caller.id,
        key=key_of(form_id),
        body_hash="",
        answer=made.encode(),
        at=ask.rooms.clock.now(),
    )
    await ask.rooms.store.commit(Unit(changes=(Insert(row=row),)))
