"""Timers: something to do for a subject at a time, unless the subject leaves its state before; and the dwell rules."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant

GONE = "gone"
"""Rule of the delay after which a creator who closed the page is treated as leaving."""
GATHERED = "gathered"
"""Rule of the delay at whose end messages posted meanwhile fire one `chat.updated`."""
ARMING = "arming"
"""Rule of the walk that arms a dwell rule for the subjects that are in its status already."""

NEVER = Instant(2**62)
"""When a spent timer is due: it has told all and stays until its subject leaves the state."""


@dataclass(frozen=True, kw_only=True)
class Entered:
    """When a chat or ticket came into the status that it is in."""

    at: Instant
    version: int  # its version then: it grows, so a timer of an earlier stay is told apart


@dataclass(frozen=True, kw_only=True)
class Timer:
    """An armed timer; one row per (site, rule, subject). A timer of an older epoch does nothing."""

    site: SiteId
    rule: str  # `tmr_…` of a dwell rule, or one of the desk's own delays: `gone`, `gathered`, `arming`
    subject: str  # `chat:<id>`, `ticket:<id>`; of `arming` the dwell rule and where the walk is
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
    business_hours: str | None = None  # JSON text, see rules/hours.py; None: all time counts
    enabled: bool = True
    created_at: Instant
    version: int = 1
