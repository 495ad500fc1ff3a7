"""What is known of replays: one of them, how far it is, and what one would send."""

from collections.abc import Mapping
from dataclasses import dataclass

from deskbell.model.delivery import DeliveryState
from deskbell.model.errors import NotFound
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.query import DeliveryFilter
from deskbell.model.replay import Choice, Replay
from deskbell.ports import Clock, Replayer, Store
from deskbell.rules.limits import Limits
from deskbell.webhooks.replay_wish import Wish, chosen

_COUNT_MAX = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A dry run."""

    choice: Choice
    by_webhook: Mapping[WebhookId, int]
    arrived: int = 0  # deliveries in the range that need no replay, told when there is nothing to replay

    @property
    def total(self) -> int:
        """How many deliveries would begin."""
        return sum(self.by_webhook.values())


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where the deliveries of a replay are. One that a later replay took over is counted there."""

    waiting: int
    delivered: int
    accepted: int
    exhausted: int
    cancelled: int


class ReplayReading:
    """Reads; changes nothing."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits, replayer: Replayer) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._replayer = replayer

    async def get(self, site: SiteId, replay_id: str) -> Replay:
        """One replay. Raises NotFound."""
        found = await self._store.replays.get(site, replay_id)
        if found is None:
            raise NotFound
        return found

    async def progress(self, replay: Replay) -> Progress:
        """Counted from the deliveries that carry its id."""
        found = {
            state.value: await self._store.deliveries.count(
                replay.site, DeliveryFilter(replay_id=replay.id, states=(state.value,)), _COUNT_MAX
            )
            for state in DeliveryState
            if state is not DeliveryState.GATHERING
        }
        return Progress(**found)

    async def count(self, site: SiteId, wish: Wish) -> Counted:
        """The dry run. Raises Invalid or Conflict as `begin` does."""
        now = self._clock.now()
        choice = chosen(wish, await self._store.webhooks.all(site), now, self._limits)
        by_webhook = await self._replayer.count_replay(site, choice, now)
        return Counted(
            choice=choice, by_webhook=by_webhook, arrived=0 if by_webhook else await self._arrived(site, choice)
        )

    async def _arrived(self, site: SiteId, choice: Choice) -> int:
        which = DeliveryFilter(
            webhook_ids=choice.webhook_ids,
            states=(DeliveryState.DELIVERED.value, DeliveryState.ACCEPTED.value),
            since=choice.since,
            until=choice.until,
        )
        return await self._store.deliveries.count(site, which, _COUNT_MAX)
