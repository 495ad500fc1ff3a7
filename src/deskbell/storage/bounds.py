"""Times as ids: ids sort by time, so a span of time is a span of ids."""

from deskbell.model.ids import Prefix, make_id
from deskbell.model.instant import Instant, unix_ms

SLACK_MS = 60_000
"""Ids and instants of one row come from one clock, but perhaps not from one reading of it."""


def id_bound(prefix: Prefix, at: Instant, slack_ms: int) -> str:
    """The lowest id of a time, moved by the slack."""
    return make_id(prefix, unix_ms=max(0, unix_ms(at) + slack_ms), chance=0)
