"""A replay: a named run that sends a range of events again."""

from dataclasses import dataclass
from enum import StrEnum

from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor


class ReplayState(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a replay sends again."""

    webhook_ids: tuple[WebhookId, ...]
    states: tuple[str, ...]  # exhausted, cancelled, missed, delivered …; rules/replaying.py knows them
    since: Instant | None = None  # events received at or after
    until: Instant | None = None  # and before
    event_types: tuple[str, ...] = ()  # exact names or groups; empty: all
    words: tuple[str, ...] = ()  # all must occur, as in the list of deliveries


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The run: what was chosen, how far it is. Each step writes its deliveries and its new position in one unit."""

    site: SiteId
    id: str  # rpl_…
    choice: Choice
    by: Actor
    created_at: Instant
    total: int  # counted by the dry run at the start
    state: ReplayState = ReplayState.RUNNING
    state_by: Actor | None = None
    rate_per_second: float | None = None  # None: as fast as the webhooks' own rates allow
    position: str | None = None  # where the run goes on; opaque but to the engine
    done: int = 0  # deliveries made or begun anew so far
    ended_at: Instant | None = None
    version: int = 1
