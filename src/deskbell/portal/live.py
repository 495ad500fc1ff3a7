"""Server-sent events: one stream per page, only reading, its permission checked again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.responses import StreamingResponse

from deskbell.model.errors import DeskbellError
from deskbell.portal.page import PageAsk
from deskbell.server.streaming import until_stopping

BATCH_S = 0.25
"""At most four messages a second."""
COMMENT_S = 15.0
CHECK_S = 5.0
QUEUE_MAX = 1_000


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message: HTML of the page's own part, and the id from which a later stream goes on."""

    event: str
    html: str
    id: str = ""

    def encoded(self) -> bytes:
        """As it is sent."""
        head = f"id: {self.id}\n" if self.id else ""
        data = "\n".join(f"data: {line}" for line in self.html.splitlines() if line.strip())
        return f"{head}event: {self.event}\n{data}\n\n".encode()


@dataclass(frozen=True, kw_only=True)
class Stream:
    """What a stream listens to and what it tells."""

    bells: Sequence[str]
    wanted: Callable[[str, object], str | None]  # bell and detail: the id of what changed, None when it is not ours
    tell: Callable[[Sequence[str]], Awaitable[Sequence[Message]]]  # ids, oldest first; also called once at the start
    allowed: Callable[[], Awaitable[bool]]  # asked every few seconds, for as long as the page is open
    ended: Callable[[], None] = lambda: None  # the page is closed


def live(ask: PageAsk, stream: Stream) -> StreamingResponse:
    """The answer; it lasts until the browser closes it or the permission goes."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no", "vary": "HX-Request"}
    parts = until_stopping(ask.rooms.doorbell, messages(ask, stream))
    return StreamingResponse(parts, media_type="text/event-stream", headers=headers)


async def messages(ask: PageAsk, stream: Stream) -> AsyncIterator[bytes]:
    """Listen, gather for a moment, tell; a comment while nothing happens."""
    changed: dict[str, None] = {}
    rung = asyncio.Event()

    def heard(bell: str) -> Callable[[object], None]:
        def hear(detail: object) -> None:
            found = stream.wanted(bell, detail)
            if found is not None and len(changed) < QUEUE_MAX:
                changed.pop(found, None)
                changed[found] = None
                rung.set()

        return hear

    ends = [ask.rooms.doorbell.listen(bell, heard(bell)) for bell in stream.bells]
    monotonic = ask.rooms.clock.monotonic
    try:
        yield b"retry: 2000\n\n"
        for message in await stream.tell(()):
            yield message.encoded()
        checked = quiet_since = monotonic()
        while True:
            try:
                await asyncio.wait_for(rung.wait(), CHECK_S)
            except TimeoutError:
                rung.clear()
            if monotonic() - checked >= CHECK_S:
                checked = monotonic()
                if not await stream.allowed():
                    yield Message(event="ended", html="ended").encoded()
                    return
            if changed:
                ids = tuple(changed)
                changed.clear()
                rung.clear()
                for message in await stream.tell(ids):
                    yield message.encoded()
                    quiet_since = monotonic()
                await asyncio.sleep(BATCH_S)
            elif monotonic() - quiet_since >= COMMENT_S:
                quiet_since = monotonic()
                yield b": still here\n\n"
    except DeskbellError:
        return
    finally:
        for end in ends:
            end()
        stream.ended()


def resume_id(ask: PageAsk) -> str:
    """What the browser was told last: by header after a broken line, by query when it opened the stream again."""
    return ask.request.headers.get("last-event-id", "") or ask.query.get("after", "")
