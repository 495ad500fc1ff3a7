"""One unit at a time: guards, changes in their order, then the audit row. The caller holds a savepoint."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import asyncpg

from deskbell.model.audit import AuditEntry
from deskbell.model.changes import (
    AddStats,
    ArmTimer,
    CancelWaiting,
    Change,
    Committed,
    DeleteRow,
    DropAsked,
    DropRule,
    DropTimers,
    EraseSubject,
    EraseWebhook,
    Guard,
    Insert,
    MustFence,
    Overwrite,
    Purge,
    PurgeAudit,
    PutMeta,
    Refused,
    Replace,
    Reseal,
    SetAside,
    TrimCaptures,
    Unit,
    Verdict,
)
from deskbell.model.webhook import Webhook
from deskbell.rules.audit_chain import FIRST_HASH, canonical, chain_hash
from deskbell.storage.bodies import body_of, named
from deskbell.storage.guards import STALE, question
from deskbell.storage.hot import is_hot_change, is_stale, touched
from deskbell.storage.nouns import NOUN_OF_KIND, NOUN_OF_TYPE, NUMBERED
from deskbell.storage.postgres.bulk import Bulk
from deskbell.storage.postgres.erasing import erase_subject, erase_webhook
from deskbell.storage.postgres.purging import purge, purge_audit
from deskbell.storage.postgres.refusals import refused_by
from deskbell.storage.postgres.session import Session
from deskbell.storage.read_runs import timer_row
from deskbell.storage.rows import stat_row
from deskbell.storage.sealed import reseal_bindings

Done = Refused | int | None
"""What a verb answers: a refusal, or how many rows it changed where somebody wants to know."""

_COUNTED = frozenset({CancelWaiting, Purge, PurgeAudit, EraseSubject, Reseal})
"""Changes whose rows are told."""


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
            Purge: partial(purge, session),
            PurgeAudit: partial(purge_audit, session),
            EraseSubject: partial(erase_subject, session),
            EraseWebhook: partial(erase_webhook, session),
            Reseal: self._reseal,
            ArmTimer: lambda change: session.run("timer_arm", timer_row(change.timer)),
            DropTimers: lambda change: session.run("timer_drop", vars(change)),
            DropAsked: lambda change: session.run("asked_drop", vars(change)),
            SetAside: lambda change: session.run("delivery_set_aside", vars(change)),
            DropRule: lambda change: session.run("timer_drop_rule", vars(change)),
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
                rows += (done or 0) if type(some[0]) in _COUNTED else 0
        if unit.audit is not None:
            await self._record(unit.audit)
        return Committed(rows=rows)

    async def _verb(self, change: Change) -> Done:
        return await self._verbs[type(change)](change)

    async def _hot(self, changes: Sequence[Change]) -> Refused | None:
        bulk = Bulk(self._session, changes=len(changes))
        bulk.add(changes)
        return await bulk.write()

    async def _guard(self, guard: Guard, fences: Mapping[int, int]) -> Refused | None:
        """The refusal of a guard that does not hold."""
        if isinstance(guard, MustFence):
            return None if fences.get(guard.shard) == guard.fence else STALE
        name, bindings, refused = question(guard, list)
        return None if await self._session.value(name, bindings) is not None else refused

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
        return await self._session.run("delivery_cancel_waiting", vars(change))

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

    async def _reseal(self, change: Reseal) -> Done:
        return sum([await self._session.run(name, bindings) for name, bindings in reseal_bindings(change)])

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
