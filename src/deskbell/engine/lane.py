"""The lane of one webhook: what is in memory of its queue, and what it may do now."""

from collections import deque
from collections.abc import Iterator

from deskbell.engine.gathering import Gathering, Key
from deskbell.engine.order import Order
from deskbell.engine.parcel import Parcel
from deskbell.model.ids import DeliveryId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.rules.pacing import Bucket, Recovery

Entry = tuple[Parcel, int]
"""A parcel and the turn in which it was queued."""


class Lane:
    """State of one webhook's queue. Only the dispatcher and the backlog reader change it."""

    __slots__ = (
        "allowed", "bucket", "carried", "cursor", "debt_bytes", "epoch", "first", "gathering", "gone", "held",
        "in_flight", "in_rotation", "members", "missed", "open_until", "order", "reading", "recovery", "retries",
        "shard", "site", "store_due", "wait_until", "waiting", "wake_at", "webhook_id",
    )  # fmt: skip

    def __init__(self, site: SiteId, webhook_id: WebhookId) -> None:
        self.site = site
        self.webhook_id = webhook_id
        self.shard = -1  # until the settings say
        self.members: dict[DeliveryId, Parcel] = {}  # in memory: queued, later, in flight or settling
        self.first: deque[Entry] = deque()
        self.retries: deque[Entry] = deque()
        self.in_flight = 0
        self.debt_bytes = 0  # what it owes for large payloads
        self.in_rotation = 0  # 1: with first attempts, 2: with retries, 3: both
        self.held = True  # until the settings say otherwise
        self.wait_until = 0.0  # monotonic: the receiver asked for a pause
        self.open_until = 0.0  # monotonic: the breaker is open
        self.carried: tuple[Instant | None, Instant | None] = (None, None)  # the wall times of these two
        self.allowed = 0  # in flight at once, by the breaker; none until the settings say otherwise
        self.wake_at: float | None = None  # monotonic: when the dispatcher looks again
        self.bucket: Bucket | None = None
        self.recovery: Recovery | None = None  # the receiver is just back
        self.order: Order | None = None  # of its subjects, when the webhook is ordered by them
        # what is not in memory
        self.waiting = 0  # rows, when they were last counted
        self.store_due: float | None = None  # monotonic: when something in the database is due; None: nothing known
        self.missed = False  # something was put behind the reader's back since it began
        self.cursor: tuple[Instant, str] | None = None
        self.reading = False
        self.epoch = 0  # goes up when the reader's rows may be out of date
        self.gone: set[DeliveryId] = set()  # left memory while the reader was reading
        self.gathering: dict[Key, Gathering] = {}  # made by this process, and not full yet

    def pop(self, queue: deque[Entry]) -> Parcel | None:
        """The next parcel of this queue whose entry still counts; an older one of its subject may have come since."""
        while queue:
            parcel, turn = queue.popleft()
            if parcel.turn == turn and (self.order is None or self.order.may_go(parcel)):
                return parcel
        return None

    def idle(self) -> Iterator[Parcel]:
        """Members that are neither in flight nor settling."""
        return (parcel for parcel in tuple(self.members.values()) if not parcel.sending)
