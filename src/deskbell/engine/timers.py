"""Timers: sleep until the next one is due, and fire what is due, each in a unit that holds only while it is armed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from deskbell.engine.accept import Accept
from deskbell.engine.ground import Ground
from deskbell.engine.ownership import FIRST_SHARD
from deskbell.engine.publish import Intake
from deskbell.model.changes import ArmTimer, MustTimer, Refused, Unit
from deskbell.model.draft import Firing
from deskbell.model.errors import Busy
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.model.timer import Timer

Fire = Callable[[Sequence[Timer], Instant], Awaitable[Sequence[Firing]]]
"""What follows from each of these timers, as whoever armed them says. It only reads."""

AGAIN_S = 0.5
"""Before what is due is looked at again when nothing of it could be written."""
RETRIES = 2
"""How often a firing is made anew at once, because its subject was changed at the same time."""
PUT_OFF_S = 60.0
"""A timer whose firing fails for a reason of its own waits so long, and holds up no other."""
_AT_ONCE = Instant(0)
_AT_ANY_TIME = Instant(2**63 - 1)


class Timers:
    """One process fires for all nodes: the owner of the first shard. Two that both believe it fire once all the same.

    Each firing is one unit: what follows, the event, and the timer's next arming or its end, guarded by the timer as
    it was read. So a crash at any moment leaves it armed, or fired for good.
    """

    def __init__(self, ground: Ground, *, intake: Intake) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._limits = ground.limits
        self._log = ground.log
        self._intake = intake
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._sleeps_until = _AT_ANY_TIME
        self._doorbell.listen("timer", self.look)
        self.fire: Fire | None = None  # told by the roof

    def armed(self, due_at: Instant) -> None:
        """A timer was armed and is durable. What is due later than the next safety poll needs no ring."""
        if due_at <= plus(self._clock.now(), self._limits.safety_poll_s):
            self._doorbell.ring("timer", due_at)

    def look(self, due_at: Instant = _AT_ONCE) -> None:
        """Something is due at this time: wake up if that is earlier than planned."""
        if due_at < self._sleeps_until:
            self._wake.set()

    async def run(self) -> None:
        """For ever: fire what is due, then sleep until the next is, or somebody rings."""
        while True:
            self._wake.clear()
            self._sleeps_until = _AT_ANY_TIME
            pause_s = await self.step()
            self._sleeps_until = plus(self._clock.now(), pause_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause_s)

    async def tend(self) -> None:
        """Fire everything that is due now."""
        while await self.step() == 0.0:
            pass

    async def step(self) -> float:
        """Fire one batch of what is due. How long to sleep then; 0: there may be more."""
        async with self._turn:
            if self.fire is None or not self._intake.open or not self._ownership.may_start(FIRST_SHARD):
                return self._limits.safety_poll_s
            now = self._clock.now()
            due = await self._store.timers.due(now, self._limits.timers_at_once)
            if not due:
                return await self._pause_s(now)
            planned = await self._planned(self.fire, due, now)
            pairs = zip(due, planned, strict=True)
            moved = await asyncio.gather(*(self._fire(self.fire, timer, firing, now) for timer, firing in pairs))
            return 0.0 if any(moved) else AGAIN_S

    async def _pause_s(self, now: Instant) -> float:
        """Until the next is due; at most a safety poll, since a ring can be lost and a clock be set."""
        next_at = await self._store.timers.next_due()
        if next_at is None:
            return self._limits.safety_poll_s
        return min(max(0, next_at - now) / TICKS_PER_SECOND, self._limits.safety_poll_s)

    async def _planned(self, fire: Fire, due: Sequence[Timer], now: Instant) -> Sequence[Firing | None]:
        """What follows from all of them, read together; when that fails, each is looked at alone."""
        try:
            return await fire(due, now)
        except Exception as error:
            self._log.warning("timers.one_by_one", timers=len(due), error=repr(error))
            return [None] * len(due)

    async def _fire(self, fire: Fire, timer: Timer, firing: Firing | None, now: Instant) -> bool:
        """Whether the timer is not as it was any more: it was fired, here or elsewhere, or put off."""
        try:
            refused = await self._write(timer, firing or (await fire((timer,), now))[0])
            for _ in range(RETRIES):
                if refused is None or refused.reason != "version":
                    break
                refused = await self._write(timer, (await fire((timer,), now))[0])  # its subject was changed meanwhile
        except Busy:  # of a site that cannot be read nothing else may have to wait
            return self._settings.unreadable.has_site(timer.site) and await self._put_off(timer, now)
        except Exception as error:
            self._log.error("timer.failed", site=timer.site, rule=timer.rule, subject=timer.subject, error=repr(error))
            return await self._put_off(timer, now)
        if refused is None or refused.reason == "timer":
            return True
        if refused.reason in ("version", "busy", "disk_full") or refused.is_store_broken:
            return False
        self._log.error("timer.refused", site=timer.site, rule=timer.rule, subject=timer.subject, reason=refused.reason)
        return await self._put_off(timer, now)

    async def _write(self, timer: Timer, firing: Firing) -> Refused | None:
        """Why it was not written; None when it was."""
        guard = MustTimer(timer=timer)
        if firing.drafts:
            self._intake.check_room(timer.site)
            accept = Accept(site=timer.site, drafts=firing.drafts, changes=firing.changes, guards=(guard,))
            outcome = await self._intake.accepted(accept)
            refused = outcome if isinstance(outcome, Refused) else None
        else:
            verdict = await self._store.commit(Unit(changes=firing.changes, guards=(guard,)))
            refused = verdict if isinstance(verdict, Refused) else None
        if refused is None and firing.drafts:
            self._doorbell.ring("desk", (timer.site, *timer.subject.split(":", 1)))
        return refused

    async def _put_off(self, timer: Timer, now: Instant) -> bool:
        later = ArmTimer(timer=replace(timer, due_at=plus(now, PUT_OFF_S)))
        verdict = await self._store.commit(Unit(changes=(later,), guards=(MustTimer(timer=timer),)))
        return not isinstance(verdict, Refused) or verdict.reason == "timer"
