"""Freezing: from its first attempt on a delivery takes no more events, and that is durable before a byte leaves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.gathering import key_of
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.parcel import Parcel
from deskbell.model.changes import MoveDelivery, Refused, Unit, Verdict
from deskbell.model.delivery import DeliveryState

AGAIN_S = 1.0
"""After a freeze that could not be written for want of room."""


class Freezing:
    """Between the slot and the attempt, for deliveries that gather. After a crash nothing joins what was sent."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding) -> None:
        self._store = ground.store
        self._clock = ground.clock
        self._log = ground.log
        self._ownership = ground.ownership
        self._faultpoints = ground.faultpoints
        self._on_broken = ground.broken
        self._dispatcher = dispatcher
        self._holding = holding

    def freeze(self, parcel: Parcel, then: Callable[[Parcel], None]) -> None:
        """Close it, wait for what is joining, write it down; then the attempt. It has its slot already."""
        lane = self._dispatcher.lane(parcel.delivery.site, parcel.delivery.webhook_id)
        key = key_of(parcel.shape, parcel.delivery.subject)
        newest = lane.gathering.get(key)
        if newest is not None and newest.delivery_id == parcel.delivery.id:
            parcel.gathering = lane.gathering.pop(key)
        gathering = parcel.gathering
        if gathering is not None and gathering.pending:
            gathering.then = lambda: self._submit(lane, parcel, then)
        else:
            self._submit(lane, parcel, then)

    def _submit(self, lane: Lane, parcel: Parcel, then: Callable[[Parcel], None]) -> None:
        after = replace(parcel.delivery, state=DeliveryState.WAITING)
        self._faultpoints.crash_point("before_freeze")

        def done(verdict: Verdict) -> None:
            self._faultpoints.crash_point("after_freeze")
            if isinstance(verdict, Refused):
                self._refused(lane, parcel, verdict)
                return
            parcel.delivery = after
            if self._ownership.may_start(lane.shard):
                then(parcel)
            else:
                self._let_go(lane, parcel)

        self._store.submit(Unit(changes=(MoveDelivery(after=after, expected=DeliveryState.GATHERING),)), done)

    def _refused(self, lane: Lane, parcel: Parcel, verdict: Refused) -> None:
        """It was cancelled, or joined unseen: what the database has counts. Without room: later."""
        self._log.info("freeze.refused", reason=verdict.reason, delivery=parcel.delivery.id)
        if verdict.is_store_broken:
            self._on_broken("freeze")
        if verdict.reason in ("busy", "disk_full"):
            asyncio.get_running_loop().call_later(AGAIN_S, self._let_go, lane, parcel)
        else:
            self._let_go(lane, parcel)

    def _let_go(self, lane: Lane, parcel: Parcel) -> None:
        """Give the slot back; the reader takes up what is still to be sent."""
        parcel.sending = False
        self._dispatcher.free(lane, parcel.is_first)
        self._holding.forget(lane, parcel)
        self._holding.note(lane, self._clock.now())
