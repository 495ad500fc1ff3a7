"""Server-sent events end when Deskbell stops: an open page must not hold up the process."""

import asyncio
from collections.abc import AsyncIterator

from deskbell.ports import Doorbell

STOPPING = "stopping"
"""The bell that rings once when the process begins to stop."""


async def until_stopping(doorbell: Doorbell, source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream's parts, until it ends by itself or the process stops."""
    stopping = asyncio.Event()
    stop_listening = doorbell.listen(STOPPING, lambda _: stopping.set())
    waiting = asyncio.ensure_future(stopping.wait())
    step: asyncio.Future[bytes] | None = None
    try:
        while True:
            step = asyncio.ensure_future(anext(source))
            await asyncio.wait({step, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                part = step.result()
            except StopAsyncIteration:
                return
            yield part
    finally:
        stop_listening()
        for pending in (waiting, step):
            if pending is not None and not pending.done():
                pending.cancel()
        await asyncio.gather(waiting, *([step] if step is not None else []), return_exceptions=True)
