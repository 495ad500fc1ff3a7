"""Timers: something to do for a subject at a time, unless the subject leaves its state before; and the dwell rules."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant


@dataclass(frozen=True, kw_only=True)
class Timer:
    """An armed timer; one row per (site, rule, subject). A timer of an older epoch does nothing."""

    site: SiteId
    rule: str  # `tmr_…` of a dwell rule, or one of the desk's own delays: `gone`, `gathered`
    subject: str  # `chat:<id>`, `ticket:<id>`
    epoch: int  # grows with each state that the subject enters
    due_at: Instant
    since: Instant  # when the subject entered the state
    fired: int = 0  # how often so far


@dataclass(frozen=True, kw_only=True)
class DwellRule:
    """Tells when a chat or a ticket stays in one status for too long."""

    site: SiteId
    id: str  # tmr_…
    description: str
    subject: str  # chat, ticket
    status: str  # of a chat its name, of a ticket the id of its status
    longer_than_s: int
    repeat_every_s: int | None = None
    repeat_max: int = 0  # how many more times after the first
    business_hours: str | None = None  # JSON text {"days": [1..7], "from": "09:00", "to": "17:00"}; None: always
    enabled: bool = True
    created_at: Instant
    version: int = 1
