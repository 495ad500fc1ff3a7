"""Guards: what must hold for a unit to be carried out."""

from collections.abc import Mapping
from json import dumps
from typing import Any

import apsw

from deskbell.model.changes import Guard, MustFence, MustState, MustTimer, Refused
from deskbell.storage.nouns import NOUN_OF_KIND
from deskbell.storage.read_runs import timer_row


def denied(connection: apsw.Connection, sql: Mapping[str, str], guard: Guard) -> Refused | None:
    """Why the guard does not hold; None when it does."""
    name, bindings, refused = _question(guard)
    return None if connection.execute(sql[name], bindings).get is not None else refused


def _question(guard: Guard) -> tuple[str, dict[str, Any], Refused]:
    """The statement that finds a row when the guard holds, and what is told when it does not."""
    bindings: dict[str, Any]
    if isinstance(guard, MustState):
        bindings = {"site": guard.site, "id": guard.delivery_id, "states": dumps(list(guard.states))}
        return "delivery_has_state", bindings, Refused(reason="state", what="delivery")
    if isinstance(guard, MustTimer):
        return "timer_holds", timer_row(guard.timer), Refused(reason="timer", what="timer")
    if isinstance(guard, MustFence):
        bindings = {"shard": guard.shard, "fence": guard.fence}
        return "fence_holds", bindings, Refused(reason="fence", what="shard")
    noun = NOUN_OF_KIND[guard.kind]
    bindings = {"site": guard.site, "version": guard.version, **dict(zip(noun.key, guard.key, strict=True))}
    return f"{noun.table}_has_version", bindings, Refused(reason="version", what=noun.table)
