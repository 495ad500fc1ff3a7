"""How fast a replay may go: its own rate, and no further ahead than its webhooks send."""

from collections.abc import Collection, Sequence

from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.replay_walk import Place
from deskbell.model.ids import WebhookId
from deskbell.model.replay import Replay
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.pacing import Bucket
from deskbell.rules.replay_run import ahead_most
from deskbell.rules.replaying import Again

STEP = 200
"""Deliveries of one unit."""
SOON_S, LATE_S = 0.05, 1.0
"""While a webhook is busy with what was begun: how long to wait, doubled each time."""


class Headway:
    """What is remembered of each run's pace. It may be lost: then a run is a second early, once."""

    def __init__(self, ground: Ground, *, holding: Holding) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._clock = ground.clock
        self._limits = ground.limits
        self._holding = holding
        self._paces: dict[str, Bucket] = {}
        self._waits: dict[str, float] = {}
        self._sizes: dict[str, int] = {}

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget the runs that have ended."""
        self._paces = {one: pace for one, pace in self._paces.items() if one in ids}
        self._waits = {one: wait_s for one, wait_s in self._waits.items() if one in ids}
        self._sizes = {one: size for one, size in self._sizes.items() if one in ids}

    def refused(self, run: Replay, taken: int) -> None:
        """A step of this size was refused: the next one is smaller, so that one row cannot hold up the others."""
        self._sizes[run.id] = max(1, taken // 2)

    def written(self, run: Replay) -> None:
        """A step was written."""
        self._sizes.pop(run.id, None)

    async def taken(self, run: Replay, places: Sequence[Place]) -> tuple[list[Place], float]:
        """The places of the next step, from the first on, and how long the one after them has to wait."""
        taken: list[Place] = []
        room: dict[WebhookId, int] = {}
        for place in places[: self._sizes.get(run.id, STEP)]:
            webhook = self._settings.webhook(run.site, place.what.webhook_id)
            if webhook is not None and webhook.state is not WebhookState.DELETED:
                if webhook.id not in room:
                    room[webhook.id] = await self._room(webhook)
                if room[webhook.id] <= 0 or self._is_in_hand(place):
                    return taken, self._patience(run, nothing=not taken)
                wait_s = self._spend(run)
                if wait_s > 0:
                    return taken, wait_s
                room[webhook.id] -= 1
            taken.append(place)
        self._waits.pop(run.id, None)
        return taken, 0.0

    async def _room(self, webhook: Webhook) -> int:
        """How many more deliveries this webhook may get now. One that cannot send at all holds up nobody.

        None while old ones are being cancelled: what is begun anew would be taken for one of them.
        """
        if webhook.drop_before is not None:
            return 0
        most = ahead_most(webhook.rate_per_second, self._limits)
        health, now = self._settings.health.get(webhook.id), self._clock.now()
        waits = health is not None and max(health.throttled_until or 0, health.breaker_until or 0) > now
        site = self._settings.site(webhook.site)
        if webhook.state is not WebhookState.ENABLED or waits or site is None or site.holds(webhook.id):
            return most
        rows = await self._store.due.deliveries(webhook.site, webhook.id, None, most)
        return most - sum(row.due_at <= now for row in rows)

    def _is_in_hand(self, place: Place) -> bool:
        """Whether a person sends this very delivery at the moment: its attempt is to be settled first."""
        what = place.what
        return isinstance(what, Again) and self._holding.find(what.webhook_id, what.delivery.id) is not None

    def _spend(self, run: Replay) -> float:
        """Take a token of the run's own rate; else how long until there is one."""
        if run.rate_per_second is None:
            return 0.0
        now = self._clock.monotonic()
        pace = self._paces.setdefault(run.id, Bucket(run.rate_per_second, now))
        wait_s = pace.wait_s(now)
        if wait_s <= 0:
            pace.take(now)
        return wait_s

    def _patience(self, run: Replay, *, nothing: bool) -> float:
        self._waits[run.id] = min(LATE_S, self._waits.get(run.id, SOON_S / 2) * 2) if nothing else SOON_S
        return self._waits[run.id]
