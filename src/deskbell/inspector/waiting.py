"""Waiting until a bin has captured enough, woken by the doorbell."""

import asyncio
from typing import Any

from deskbell.model.ids import SiteId
from deskbell.model.inspector import Capture
from deskbell.ports import Doorbell, Store

WAIT_S_MAX = 60.0


async def wait_for(
    store: Store, doorbell: Doorbell, site: SiteId, bin_id: str, count: int, timeout_s: float, after_seq: int
) -> tuple[Capture, ...]:
    """The captures newer than `after_seq`, as soon as there are `count` of them or the time is over, oldest first."""
    rung = asyncio.Event()

    def heard(detail: Any) -> None:
        if isinstance(detail, Capture) and detail.bin_id == bin_id and detail.site == site:
            rung.set()

    stop = doorbell.listen("capture", heard)
    try:
        async with asyncio.timeout(min(max(timeout_s, 0.0), WAIT_S_MAX)):
            while True:
                rung.clear()
                items = await store.bins.captures_after(site, bin_id, after_seq, count)
                if len(items) >= count:
                    return items
                await rung.wait()
    except TimeoutError:
        return await store.bins.captures_after(site, bin_id, after_seq, count)
    finally:
        stop()
