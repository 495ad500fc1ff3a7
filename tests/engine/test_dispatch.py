"""The one timer for what is due later, on the event loop that the product runs on."""

import asyncio

import uvloop

from deskbell.clock import SystemClock
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.lane import Lane
from deskbell.engine.ownership import Ownership
from deskbell.model.ids import SiteId, WebhookId
from deskbell.rules.limits import Limits


def test_what_is_due_within_half_a_millisecond_does_not_stop_the_next() -> None:
    """For so short a wait uvloop hands out a handle without a time; something else that is due later is kept too."""
    woken: list[Lane] = []

    async def wake_both() -> None:
        clock, over = SystemClock(), asyncio.Event()
        dispatcher = Dispatcher(clock=clock, limits=Limits(), ownership=Ownership(clock, alone=True))
        dispatcher.on_lane_due = lambda lane: (woken.append(lane), over.set() if len(woken) == 2 else None)
        for wait_s in (0.0001, 0.01):
            lane = Lane(SiteId("desk"), WebhookId(f"whk_{wait_s}"))
            lane.store_due = clock.monotonic() + wait_s
            dispatcher.at(lane.store_due, lane)
        await asyncio.wait_for(over.wait(), 10)

    uvloop.run(wake_both())
    assert [one.webhook_id for one in woken] == ["whk_0.0001", "whk_0.01"]
