"""Reads the queue of an ordered webhook: which subjects have something to send, and the heads of those wanted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.heads import Heads
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.line import Key, key_of
from deskbell.engine.order import BEHIND_MAX, Order
from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import Delivery, DeliveryState, Trigger
from deskbell.model.ids import DeliveryId, SiteId
from deskbell.model.instant import Instant, plus

ROWS_MAX = 500
"""Deliveries of one page."""
ASKED_MAX = 100
"""Subjects of one question."""
OVERLAP_S = 15.0
"""So long before the last look the next one begins: other nodes' clocks may be behind, and their commits slow."""
WHOLE_S = 900.0
"""Where other nodes accept events the whole queue is looked at so often: a clock may be further behind than that."""
LATER_S = 1.0
"""No more subjects can be known, or a head cannot be read now: look again after so long."""

Load = Callable[[SiteId, list[Delivery]], Awaitable[list[Parcel]]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The oldest deliveries of one subject, as the database has them."""

    rows: tuple[Delivery, ...]  # none: nothing is to be sent
    more: bool  # others may stand behind these
    is_whole: bool  # and none in between


class OrderedReading:
    """A look at the whole queue at first, later only at what came in since; then one question for many subjects."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, load: Load) -> None:
        self._store = ground.store
        self._clock = ground.clock
        self._dispatcher = dispatcher
        self._holding = holding
        self._load = load
        self._heads = Heads(ground)

    async def read(self, lane: Lane, order: Order) -> None:
        """One page, and one question. What they leave is wanted again."""
        now = self._clock.monotonic()
        order.wake(now)
        is_due = order.scan_at is not None and order.scan_at <= now
        pause_s = 0.0
        if not order.is_known or lane.missed or lane.cursor is not None or is_due:
            pause_s = await self._scan(lane, order)
        if lane.order is order and order.wanted:
            await self._ask(lane, order)
        if lane.order is not order:
            return
        if order.wanted or lane.missed or lane.cursor is not None or not order.is_known:
            self._holding.look(lane, pause_s if not order.wanted else 0.0)
        elif (at := order.next_at()) is not None:
            self._holding.look(lane, max(0.0, at - self._clock.monotonic()))

    # the queue

    async def _scan(self, lane: Lane, order: Order) -> float:
        """The next page; after how many seconds it makes sense to go on."""
        if lane.cursor is None:
            lane.missed, order.scan_at, order.scan_began = False, None, self._clock.now()
            self._begin(order)
        rows = await self._store.due.deliveries(lane.site, lane.webhook_id, lane.cursor or self._start(order), ROWS_MAX)
        if lane.order is not order:
            return 0.0
        taken, is_through, pause_s = self._sort_out(lane, order, rows)
        if is_through:
            lane.cursor, order.is_known, order.scanned_at = None, True, order.scan_began
        for parcel in await self._load(lane.site, taken):
            self._keep(lane, order, parcel)
        return pause_s

    def _begin(self, order: Order) -> None:
        """Whether this look is one at the whole queue."""
        now = self._clock.monotonic()
        if not order.is_alone and now >= order.whole_at + WHOLE_S:
            order.scanned_at = None
        if order.scanned_at is None:
            order.whole_at = now

    def _start(self, order: Order) -> tuple[Instant, str] | None:
        """The whole queue at first; later what was made, or falls due, since the last look."""
        if order.scanned_at is None:
            return None
        return plus(min(order.scanned_at, self._clock.now()), -OVERLAP_S), ""

    def _sort_out(self, lane: Lane, order: Order, rows: tuple[Delivery, ...]) -> tuple[list[Delivery], bool, float]:
        """The rows without a subject that are to be taken, whether that was all, and a pause when there is no room."""
        taken: list[Delivery] = []
        horizon, room = self._holding.horizon(), self._holding.room(lane)
        for row in rows:
            key, is_far = key_of(row), row.due_at > horizon
            if is_far and order.is_known:
                self._holding.note(lane, row.due_at)
                return taken, True, 0.0
            if key is not None:
                if not order.sees(row, key):
                    return taken, False, LATER_S
            elif is_far:
                self._holding.note(lane, row.due_at)
            elif row.id not in lane.members:
                if len(taken) >= room:
                    return taken, False, 0.0
                taken.append(row)
            lane.cursor = (row.due_at, row.id)
        return taken, len(rows) < ROWS_MAX, 0.0

    def _keep(self, lane: Lane, order: Order, parcel: Parcel) -> bool:
        """Into memory, unless it was there meanwhile; one without a subject goes."""
        key, delivery_id = key_of(parcel.delivery), parcel.delivery.id
        if lane.order is not order or delivery_id in lane.members or delivery_id in lane.gone:
            return False
        self._holding.keep(lane, parcel)
        if key is None and parcel.trigger is Trigger.TEST:
            self._dispatcher.queue_urgent(lane, parcel)
        elif key is None:
            self._dispatcher.queue(lane, parcel)
        return True

    # the heads

    async def _ask(self, lane: Lane, order: Order) -> None:
        keys = list(order.wanted)[: min(ASKED_MAX, self._holding.room(lane))]
        then = {key: order.asks(key) for key in keys}
        try:
            answers = await self._answers(lane, order, keys)
            loaded = await self._loaded(lane, answers)
        except BaseException:
            for key in keys:
                order.want(key)
            raise
        if lane.order is not order or lane.held:
            return
        for key in keys:
            if key in order.lines and key not in order.wanted:
                self._place(lane, order, key, answers[key], loaded, then[key])
        self._holding.let_go(lane)

    async def _answers(self, lane: Lane, order: Order, keys: list[Key]) -> dict[Key, Answer]:
        found: dict[Key, Answer] = {}
        for key in keys:
            after = order.lines[key].after
            if after is not None:
                rows, more = await self._heads.behind(lane.site, lane.webhook_id, key, after, BEHIND_MAX)
                found[key] = Answer(rows=rows, more=more, is_whole=True)
        others = [key for key in keys if key not in found]
        heads = await self._heads.of(lane.site, lane.webhook_id, others, holds=order.holds) if others else {}
        for key in others:
            found[key] = Answer(rows=(heads[key],) if key in heads else (), more=True, is_whole=False)
        return found

    async def _loaded(self, lane: Lane, answers: dict[Key, Answer]) -> dict[DeliveryId, Parcel]:
        """With their events: the heads that are due soon, and what stands behind them as far as there is room."""
        horizon = self._holding.horizon()
        soon = [
            one.rows for one in answers.values() if one.rows and _is_open(one.rows[0]) and one.rows[0].due_at <= horizon
        ]
        behind = [row for rows in soon for row in rows[1:]]
        wanted = [*(rows[0] for rows in soon), *behind[: max(0, self._holding.room(lane) - len(soon))]]
        missing = [row for row in wanted if row.id not in lane.members]
        return {parcel.delivery.id: parcel for parcel in await self._load(lane.site, missing)}

    def _place(
        self,
        lane: Lane,
        order: Order,
        key: Key,
        answer: Answer,
        loaded: dict[DeliveryId, Parcel],
        then: frozenset[DeliveryId],
    ) -> None:
        """The answer takes effect, unless something happened to the subject while it was on its way."""
        line = order.lines[key]
        if not answer.rows:
            if line.more or any(one.delivery.id not in then for one in line.members):
                order.want(key)
            else:
                order.drop(key)
            return
        head = answer.rows[0]
        if any(row.id in lane.gone for row in answer.rows):
            order.want(key)
        elif not _is_open(head):
            order.sleep(key, head, None)
        elif head.id not in lane.members and head.id not in loaded:
            order.sleep(key, head, max(self._holding.monotonic_due(head.due_at), self._clock.monotonic() + LATER_S))
        else:
            self._take(lane, order, key, answer, loaded)

    def _take(self, lane: Lane, order: Order, key: Key, answer: Answer, loaded: dict[DeliveryId, Parcel]) -> None:
        parcels: list[Parcel] = []
        more = answer.more or order.lines[key].more
        for row in answer.rows:
            if row.id in loaded:
                self._keep(lane, order, loaded[row.id])
            if row.id not in lane.members:
                more = True
                break
            parcels.append(lane.members[row.id])
        head = order.heads(key, parcels, more=more, is_whole=answer.is_whole)
        if not head.sending and head.trigger in (Trigger.AUTOMATIC, Trigger.REPLAY):
            self._dispatcher.queue(lane, head)


def _is_open(row: Delivery) -> bool:
    return row.state in (DeliveryState.WAITING, DeliveryState.GATHERING)
