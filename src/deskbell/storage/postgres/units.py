"""One unit at a time: guards, changes in their order, then the audit row. The caller holds a savepoint."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import asyncpg

from deskbell.model.audit import AuditEntry
from deskbell.model.changes import (
    AddStats,
    CancelWaiting,
    Change,
    Committed,
    DeleteRow,
    Guard,
    Insert,
    MustFence,
    MustState,
    MustTimer,
    Overwrite,
    Purge,
    PutMeta,
    Refused,
    Replace,
    TrimCaptures,
    Unit,
    Verdict,
)
from deskbell.model.webhook import Webhook
from deskbell.rules.audit_chain import FIRST_HASH, canonical, chain_hash
from deskbell.storage.bodies import body_of, named
from deskbell.storage.hot import is_hot_change, is_stale, touched
from deskbell.storage.nouns import NOUN_OF_KIND, NOUN_OF_TYPE, NUMBERED
from deskbell.storage.postgres.bulk import Bulk
from deskbell.storage.postgres.purging import purge
from deskbell.storage.postgres.refusals import refused_by
from deskbell.storage.postgres.session import Session
from deskbell.storage.postgres.timers import TIMER_VERBS, is_armed
from deskbell.storage.rows import stat_row

STALE = Refused(reason="fence", what="shard")
Done = Refused | int | None
"""What a verb answers: a refusal, or how many rows it changed where somebody wants to know."""


class Units:
    """Applies single units inside the writer's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._verbs: dict[type, Callable[[Any], Awaitable[Done]]] = {
            Insert: self._insert,
            Replace: self._replace,
            Overwrite: self._overwrite,
            CancelWaiting: self._cancel_waiting,
            AddStats: self._add_stats,
            PutMeta: self._put_meta,
            DeleteRow: self._delete,
            TrimCaptures: self._trim_captures,
            Purge: self._purge,
        }

    async def apply(self, unit: Unit, fences: Mapping[int, int], *, one_by_one: bool) -> Verdict:
        """Carry out a unit; `one_by_one` its hot changes too, so that a refusal is that of the first guilty one."""
        for guard in unit.guards:
            refused = await self._guard(guard, fences)
            if refused is not None:
                return refused
        rows = 0
        for is_hot, changes in groupby(unit.changes, is_hot_change):
            for some in _pieces(tuple(changes), one_by_one or not is_hot):
                if is_stale(some, fences):
                    return STALE
                done = await (self._hot(some) if is_hot else self._verb(some[0]))
                if isinstance(done, Refused):
                    return done
                rows += done or 0
        if unit.audit is not None:
            await self._record(unit.audit)
        return Committed(rows=rows)

    async def _verb(self, change: Change) -> Done:
        verb = self._verbs.get(type(change))
        return await (verb(change) if verb is not None else TIMER_VERBS[type(change)](self._session, change))

    async def _hot(self, changes: Sequence[Change]) -> Refused | None:
        bulk = Bulk(self._session, units=1)
        bulk.add(changes)
        return await bulk.write()

    async def _guard(self, guard: Guard, fences: Mapping[int, int]) -> Refused | None:
        """The refusal of a guard that does not hold."""
        if isinstance(guard, MustFence):
            return None if fences.get(guard.shard) == guard.fence else STALE
        if isinstance(guard, MustTimer):
            return None if await is_armed(self._session, guard.timer) else Refused(reason="timer", what="timer")
        bindings: dict[str, Any]
        if isinstance(guard, MustState):
            bindings = {"site": guard.site, "id": guard.delivery_id, "states": list(guard.states)}
            held = await self._session.value("delivery_has_state", bindings)
            return None if held else Refused(reason="state", what="delivery")
        noun = NOUN_OF_KIND[guard.kind]
        bindings = {"site": guard.site, "version": guard.version, **dict(zip(noun.key, guard.key, strict=True))}
        held = await self._session.value(f"{noun.table}_has_version", bindings)
        return None if held else Refused(reason="version", what=noun.table)

    async def _insert(self, change: Insert) -> Done:
        row = change.row
        noun = NOUN_OF_TYPE[type(row)]
        try:
            await self._session.run(f"{noun.table}_insert", named(row))
        except asyncpg.IntegrityConstraintViolationError as error:
            return refused_by(error, noun.parent[0] if noun.parent else "")
        await self._keep_version(row)
        return None

    async def _keep_version(self, row: Any) -> None:
        if isinstance(row, Webhook):
            version = {"site": row.site, "id": row.id, "version": row.version, "body": body_of(row)}
            await self._session.run("webhook_version_insert", version)

    async def _replace(self, change: Replace) -> Done:
        table = NOUN_OF_TYPE[type(change.row)].table
        if not await self._session.run(f"{table}_replace", named(change.row)):
            return Refused(reason="version", what=table)
        await self._keep_version(change.row)
        return None

    async def _overwrite(self, change: Overwrite) -> Done:
        noun = NOUN_OF_TYPE[type(change.row)]
        try:
            await self._session.run(f"{noun.table}_overwrite", named(change.row))
        except asyncpg.IntegrityConstraintViolationError as error:
            return refused_by(error, noun.parent[0] if noun.parent else "")
        return None

    async def _cancel_waiting(self, change: CancelWaiting) -> Done:
        bindings = {"site": change.site, "webhook_id": change.webhook_id, "at": change.at}
        more = {"older_than": change.older_than, "rows_max": change.rows_max}
        return await self._session.run("delivery_cancel_waiting", {**bindings, **more})

    async def _add_stats(self, change: AddStats) -> None:
        for row in change.rows:
            await self._session.run("stat_hour_put", stat_row(row))
        await self._session.run("counted_to_put", {"id": change.counted_to, "earlier": self._session.earlier})

    async def _put_meta(self, change: PutMeta) -> None:
        await self._session.run("meta_put", {"key": change.key, "value": change.value})

    async def _delete(self, change: DeleteRow) -> Done:
        noun = NOUN_OF_KIND[change.kind]
        bindings = {"site": change.site, **dict(zip(noun.key, change.key, strict=True))}
        if not await self._session.run(f"{noun.table}_delete", bindings):
            return Refused(reason="missing", what=noun.table)
        if noun.table in NUMBERED:
            used = {"site": change.site, "noun": noun.table, "number": change.key[0]}
            await self._session.run("number_used_put", used)
        return None

    async def _trim_captures(self, change: TrimCaptures) -> None:
        bindings = {"site": change.site, "bin_id": change.bin_id, "keep": change.keep}
        await self._session.run("capture_trim", bindings)

    async def _purge(self, change: Purge) -> int:
        return await purge(self._session, change)

    async def _record(self, entry: AuditEntry) -> None:
        await self._session.value("audit_lock", {"site": entry.site})
        last = await self._session.row("audit_last", {"site": entry.site})
        seq, previous = last or (0, FIRST_HASH)
        row = (entry.site, seq + 1, previous, chain_hash(previous, entry), canonical(entry))
        await self._session.run("audit_insert", row)


def _pieces(changes: Sequence[Change], one_by_one: bool) -> list[Sequence[Change]]:
    ids = touched(changes)
    if one_by_one or len(set(ids)) != len(ids):
        return [(change,) for change in changes]
    return [changes]
