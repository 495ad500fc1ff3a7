"""A replay as a run: its states, and how far it may be ahead of what is sent."""

from dataclasses import replace
from types import MappingProxyType

from deskbell.model.instant import Instant
from deskbell.model.people import Actor
from deskbell.model.replay import Replay, ReplayState
from deskbell.rules.limits import Limits

MOVES = MappingProxyType(
    {
        ReplayState.RUNNING: frozenset({ReplayState.PAUSED, ReplayState.CANCELLED, ReplayState.FINISHED}),
        ReplayState.PAUSED: frozenset({ReplayState.RUNNING, ReplayState.CANCELLED}),
        ReplayState.CANCELLED: frozenset[ReplayState](),
        ReplayState.FINISHED: frozenset[ReplayState](),
    }
)
"""From state to the states that may follow."""

_AHEAD_LEAST = 20
_AHEAD_S = 2.0


def moved(replay: Replay, state: ReplayState, *, by: Actor | None, now: Instant) -> Replay | None:
    """The run in another state; None when that may not follow."""
    if state not in MOVES[replay.state]:
        return None
    ends = not MOVES[state]
    return replace(replay, state=state, state_by=by, ended_at=now if ends else None, version=replay.version + 1)


def stepped(run: Replay, *, position: str | None, made: int, now: Instant) -> Replay:
    """The run after a step; without a position it has come to its end."""
    return replace(
        run,
        position=position,
        done=run.done + made,
        state=run.state if position is not None else ReplayState.FINISHED,
        ended_at=None if position is not None else now,
        version=run.version + 1,
    )


def ahead_most(rate_per_second: float | None, limits: Limits) -> int:
    """How many due deliveries of a webhook may wait before a replay adds more.

    A replay stays that little ahead of what is sent: new events do not queue behind all of it, and a pause holds.
    """
    most = limits.replay_ahead_max
    return most if rate_per_second is None else max(_AHEAD_LEAST, min(most, int(rate_per_second * _AHEAD_S)))
