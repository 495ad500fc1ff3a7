"""Timers in the writer's transaction: arming, disarming, and the guard that lets each fire once."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from deskbell.model.changes import ArmTimer, DropRule, DropTimers
from deskbell.model.timer import Timer
from deskbell.storage.postgres.session import Session


def timer_row(timer: Timer) -> tuple[Any, ...]:
    """Bindings of `timer_put` and `timer_has`."""
    return (timer.site, timer.rule, timer.subject, timer.epoch, timer.due_at, timer.since, timer.fired)


async def is_armed(session: Session, timer: Timer) -> bool:
    """Whether the timer is armed just as it was read; it stays so until the commit."""
    return bool(await session.value("timer_has", timer_row(timer)))


async def _arm(session: Session, change: ArmTimer) -> None:
    await session.run("timer_put", timer_row(change.timer))


async def _drop(session: Session, change: DropTimers) -> None:
    await session.run("timer_drop", {"site": change.site, "subject": change.subject, "rule": change.rule})


async def _drop_rule(session: Session, change: DropRule) -> None:
    await session.run("timer_drop_rule", {"site": change.site, "rule": change.rule})


TIMER_VERBS: Mapping[type, Callable[[Session, Any], Awaitable[None]]] = MappingProxyType(
    {ArmTimer: _arm, DropTimers: _drop, DropRule: _drop_rule}
)
