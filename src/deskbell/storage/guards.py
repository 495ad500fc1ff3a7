"""Guards: what must hold for a unit to be carried out, as a question to the database."""

from collections.abc import Callable, Sequence
from typing import Any

from deskbell.model.changes import Guard, MustFence, MustMeta, MustState, MustTimer, Refused
from deskbell.storage.nouns import NOUN_OF_KIND
from deskbell.storage.read_runs import timer_row

STALE = Refused(reason="fence", what="shard")
"""Told when a fence is not the present one."""


def question(guard: Guard, listed: Callable[[Sequence[str]], Any]) -> tuple[str, dict[str, Any], Refused]:
    """The statement that finds a row when the guard holds, and what is told when it does not."""
    bindings: dict[str, Any]
    if isinstance(guard, MustState):
        bindings = {"site": guard.site, "id": guard.delivery_id, "states": listed(guard.states)}
        return "delivery_has_state", bindings, Refused(reason="state", what="delivery")
    if isinstance(guard, MustTimer):
        return "timer_holds", timer_row(guard.timer), Refused(reason="timer", what="timer")
    if isinstance(guard, MustFence):
        return "fence_holds", {"shard": guard.shard, "fence": guard.fence}, STALE
    if isinstance(guard, MustMeta):
        return "meta_holds", {"key": guard.key, "value": guard.value}, Refused(reason="meta", what=guard.key)
    noun = NOUN_OF_KIND[guard.kind]
    bindings = {"site": guard.site, "version": guard.version, **dict(zip(noun.key, guard.key, strict=True))}
    return f"{noun.table}_has_version", bindings, Refused(reason="version", what=noun.table)
