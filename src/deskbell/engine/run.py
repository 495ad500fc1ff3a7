"""One attempt on its way: what is known of it from its start to its settle."""

from dataclasses import dataclass

from deskbell.engine.lane import Lane
from deskbell.engine.opened import Opened
from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import Trigger
from deskbell.model.exchange import Sendable
from deskbell.model.instant import Instant
from deskbell.rules.failing import Turn


@dataclass(slots=True, kw_only=True)
class Run:
    """Filled in step by step."""

    parcel: Parcel
    lane: Lane
    opened: Opened
    trigger: Trigger
    by: str | None
    started_at: Instant
    queued_ms: float
    was_first: bool
    is_probe: bool  # it goes to see whether the receiver is back
    fence: int | None  # of the shard when it began; None: this process is alone
    sendable: Sendable | None = None
    is_signed: bool = False  # the receiver takes signature, own headers and credentials
    turned: Turn | None = None  # what it turned about the webhook: to be told
    reason: str = ""  # why that is so
    is_over: bool = False  # judged: whatever comes back later changes nothing
