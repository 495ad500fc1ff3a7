"""One unit at a time on the tables: guards, changes in their order, then the audit row; all or nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from deskbell.model.audit import AuditEntry, AuditPlace, AuditRow
from deskbell.model.changes import (
    AddStats,
    ArmTimer,
    CancelWaiting,
    Committed,
    DeleteRow,
    DropAsked,
    DropRule,
    DropTimers,
    EraseSubject,
    EraseWebhook,
    Guard,
    Insert,
    Join,
    MoveDelivery,
    MustFence,
    MustMeta,
    MustState,
    MustTimer,
    Overwrite,
    Purge,
    PurgeAudit,
    PutHealth,
    PutMeta,
    Refused,
    Replace,
    Reseal,
    SetAside,
    Settle,
    TrimCaptures,
    Unit,
    Verdict,
)
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Idempotency
from deskbell.model.timer import Timer
from deskbell.model.webhook import Webhook
from deskbell.rules.audit_chain import FIRST_HASH, chain_hash
from deskbell.rules.batching import joined
from deskbell.storage.memory.erasing import erase_subject, erase_webhook
from deskbell.storage.memory.purging import purge
from deskbell.storage.memory.sealed import reseal
from deskbell.storage.memory.tables import Tables, noun_of
from deskbell.storage.nouns import IDEMPOTENCY_FRESH_TICKS, NOUN_OF_KIND, NUMBERED, Noun
from deskbell.storage.sums import added

_log = structlog.get_logger()
_DONE = Committed()


class Units:
    """Applies units to tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._verbs: dict[type, Callable[[Any], Refused | None]] = {
            Insert: self._insert,
            Replace: self._replace,
            Overwrite: self._overwrite,
            Settle: self._settle,
            MoveDelivery: self._move,
            Join: self._join,
            CancelWaiting: self._cancel_waiting,
            PutHealth: self._put_health,
            AddStats: self._add_stats,
            PutMeta: self._put_meta,
            DeleteRow: self._delete,
            TrimCaptures: self._trim_captures,
            Purge: self._purge,
            PurgeAudit: self._purge_audit,
            ArmTimer: self._arm_timer,
            DropTimers: self._drop_timers,
            DropAsked: self._drop_asked,
            SetAside: self._set_aside,
            DropRule: self._drop_rule,
            EraseSubject: self._erase_subject,
            EraseWebhook: self._erase_webhook,
            Reseal: self._reseal,
        }
        self._rows = 0  # changed by the unit's CancelWaiting, Purge, EraseSubject or Reseal

    def apply(self, unit: Unit) -> Verdict:
        """Carry out a unit, or leave no trace of it."""
        self._tables.begin()
        self._rows = 0
        try:
            refused = self._steps(unit)
        except Exception as fault:  # a value that cannot be written harms its own unit only
            _log.exception("commit.unit_unwritable")
            refused = Refused(reason="broken", what=type(fault).__name__)
        if refused is not None:
            self._tables.undo()
        return refused or (Committed(rows=self._rows) if self._rows else _DONE)

    def _steps(self, unit: Unit) -> Refused | None:
        for guard in unit.guards:
            refused = self._denied(guard)
            if refused is not None:
                return refused
        for change in unit.changes:
            refused = self._verbs[type(change)](change)
            if refused is not None:
                return refused
        if unit.audit is not None:
            self._record(unit.audit)
        return None

    def _denied(self, guard: Guard) -> Refused | None:
        if isinstance(guard, MustState):
            row = self._tables.get("delivery", (guard.site, guard.delivery_id))
            holds = row is not None and row.state in guard.states
            return None if holds else Refused(reason="state", what="delivery")
        if isinstance(guard, MustTimer):
            armed = self._tables.get("timer", _timer_key(guard.timer))
            return None if armed == guard.timer else Refused(reason="timer", what="timer")
        if isinstance(guard, MustFence):
            return self._fence_denied(guard.shard, guard.fence)
        if isinstance(guard, MustMeta):
            holds = (self._tables.get("meta", (guard.key,)) or "") == guard.value
            return None if holds else Refused(reason="meta", what=guard.key)
        noun = NOUN_OF_KIND[guard.kind]
        row = self._tables.get(noun.table, (guard.site, *guard.key))
        holds = row is not None and row.version == guard.version
        return None if holds else Refused(reason="version", what=noun.table)

    def _fence_denied(self, shard: int, fence: int) -> Refused | None:
        return None if self._tables.fences.get(shard) == fence else Refused(reason="fence", what="shard")

    def _insert(self, change: Insert) -> Refused | None:
        row = change.row
        noun = noun_of(row)
        key = noun.key_of(row)
        old = self._tables.get(noun.table, key)
        if old is not None and not _is_stale(old, row):
            return Refused(reason="exists", what=noun.table)
        return self._write(noun, row)

    def _write(self, noun: Noun, row: Any) -> Refused | None:
        taken = self._tables.taken(noun, row)
        if taken is not None:
            return Refused(reason="exists", what=taken)
        if noun.parent is not None:
            table, members = noun.parent
            if self._tables.get(table, (row.site, *[getattr(row, name) for name in members])) is None:
                return Refused(reason="missing", what=table)
        self._tables.put(noun.table, noun.key_of(row), row)
        if isinstance(row, Webhook):
            self._tables.put("webhook_version", (row.site, row.id, row.version), row)
        if isinstance(row, Delivery):
            self._carry(row)
        return None

    def _carry(self, row: Delivery) -> None:
        for event_id in row.event_ids:
            self._tables.put("delivery_event", (row.site, event_id, row.id), True)

    def _replace(self, change: Replace) -> Refused | None:
        row = change.row
        noun = noun_of(row)
        old = self._tables.get(noun.table, noun.key_of(row))
        if old is None or old.version != row.version - 1:
            return Refused(reason="version", what=noun.table)
        return self._write(noun, row)

    def _overwrite(self, change: Overwrite) -> Refused | None:
        return self._write(noun_of(change.row), change.row)

    def _settle(self, change: Settle) -> Refused | None:
        refused = None if change.fence is None else self._fence_denied(change.after.shard, change.fence)
        refused = refused or self._insert(Insert(row=change.attempt))
        return refused or self._write_delivery(change.after, change.expected, _settled)

    def _move(self, change: MoveDelivery) -> Refused | None:
        old = self._tables.get("delivery", (change.after.site, change.after.id))
        if old is not None and (old.attempts, old.event_ids) != (change.after.attempts, change.after.event_ids):
            return Refused(reason="state", what="delivery")
        return self._write_delivery(change.after, change.expected, _moved)

    def _join(self, change: Join) -> Refused | None:
        key = (change.site, change.delivery_id)
        old: Delivery | None = self._tables.get("delivery", key)
        if old is None or old.state is not DeliveryState.GATHERING:
            return Refused(reason="state", what="delivery")
        after = joined(old, change)
        self._tables.put("delivery", key, after)
        self._carry(after)
        return None

    def _write_delivery(
        self, after: Delivery, expected: DeliveryState, write: Callable[[Delivery, Delivery], Delivery]
    ) -> Refused | None:
        key = (after.site, after.id)
        old = self._tables.get("delivery", key)
        if old is None or old.state != expected:
            return Refused(reason="state", what="delivery")
        self._tables.put("delivery", key, write(old, after))
        return None

    def _cancel_waiting(self, change: CancelWaiting) -> None:
        ids = self._tables.open[change.site, change.webhook_id]
        rows: list[Delivery] = [self._tables.get("delivery", (change.site, one)) for one in ids]
        meant = [
            row
            for row in sorted(rows, key=lambda row: (row.due_at, row.id))
            if (change.older_than is None or row.created_at < change.older_than)
            and (change.due_before is None or row.due_at < change.due_before)
        ]
        for row in meant[: change.rows_max]:
            cancelled = replace(row, state=DeliveryState.CANCELLED, ended_at=change.at)
            self._tables.put("delivery", (row.site, row.id), cancelled)
            self._rows += 1

    def _put_health(self, change: PutHealth) -> None:
        self._tables.put("health", (change.health.site, change.health.webhook_id), change.health)

    def _add_stats(self, change: AddStats) -> None:
        for row in change.rows:
            key = (row.site, row.hour, row.webhook_id)
            self._tables.put("stat_hour", key, added(self._tables.get("stat_hour", key), row))
        keys = [(site, change.counted_to) for (site,) in self._tables.rows["site"]]
        places = [self._tables.order[key] for key in keys if self._tables.get("attempt", key) is not None]
        counted = max([int(self._tables.get("meta", ("counted_to",)) or 0), *places])
        if counted:
            self._tables.put("meta", ("counted_to",), str(counted))

    def _put_meta(self, change: PutMeta) -> None:
        self._tables.put("meta", (change.key,), change.value)

    def _delete(self, change: DeleteRow) -> Refused | None:
        noun = NOUN_OF_KIND[change.kind]
        if not self._tables.drop(noun.table, (change.site, *change.key)):
            return Refused(reason="missing", what=noun.table)
        if noun.table == "bin":
            for capture in self._tables.of_site("capture", change.site, *change.key):
                self._tables.drop("capture", (capture.site, capture.bin_id, capture.seq))
        if noun.table in NUMBERED:
            key = (change.site, noun.table)
            self._tables.put("number_used", key, max(self._tables.get("number_used", key) or 0, change.key[0]))
        return None

    def _trim_captures(self, change: TrimCaptures) -> None:
        kept = self._tables.of_site("capture", change.site, change.bin_id)
        for capture in kept[: max(0, len(kept) - change.keep)]:
            self._tables.drop("capture", (capture.site, capture.bin_id, capture.seq))

    def _purge(self, change: Purge) -> None:
        self._rows = purge(self._tables, change)

    def _purge_audit(self, change: PurgeAudit) -> Refused | None:
        row: AuditRow | None = self._tables.get("audit", (change.site, change.seq))
        if row is None or row.hash != change.hash:
            return Refused(reason="state", what="audit")
        self._tables.put("audit_checkpoint", (change.site,), AuditPlace(seq=row.seq, hash=row.hash))
        for seq in [one.seq for one in self._tables.of_site("audit", change.site) if one.seq <= change.seq]:
            self._tables.drop("audit", (change.site, seq))
            self._rows += 1
        return None

    def _arm_timer(self, change: ArmTimer) -> None:
        key = _timer_key(change.timer)
        armed = self._tables.get("timer", key)
        if armed is None or armed.epoch <= change.timer.epoch:
            self._tables.put("timer", key, change.timer)

    def _set_aside(self, change: SetAside) -> None:
        row: Delivery | None = self._tables.get("delivery", (change.site, change.delivery_id))
        if row is None or row.state not in (DeliveryState.WAITING, DeliveryState.GATHERING):
            return
        after = replace(
            row,
            state=DeliveryState.EXHAUSTED,
            ended_at=change.at,
            last_outcome="quarantined",
            last_status=None,
            subject=row.subject and replace(row.subject, title=None),
            payload=None,
        )
        self._tables.put("delivery", (row.site, row.id), after)

    def _drop_asked(self, change: DropAsked) -> None:
        self._tables.drop("asked", (change.site, change.delivery_id))

    def _drop_timers(self, change: DropTimers) -> None:
        for timer in self._tables.of_site("timer", change.site):
            if timer.subject == change.subject and change.rule in {None, timer.rule}:
                self._tables.drop("timer", _timer_key(timer))

    def _drop_rule(self, change: DropRule) -> None:
        for timer in self._tables.of_site("timer", change.site, change.rule):
            self._tables.drop("timer", _timer_key(timer))

    def _erase_subject(self, change: EraseSubject) -> None:
        self._rows = erase_subject(self._tables, change)

    def _erase_webhook(self, change: EraseWebhook) -> Refused | None:
        return erase_webhook(self._tables, change)

    def _reseal(self, change: Reseal) -> None:
        self._rows = reseal(self._tables, change)

    def _record(self, entry: AuditEntry) -> None:
        rows: list[AuditRow] = self._tables.of_site("audit", entry.site)
        seq, previous = (rows[-1].seq, rows[-1].hash) if rows else (0, FIRST_HASH)
        row = AuditRow(seq=seq + 1, entry=entry, previous_hash=previous, hash=chain_hash(previous, entry))
        self._tables.put("audit", (entry.site, row.seq), row)


def _timer_key(timer: Timer) -> tuple[str, str, str]:
    return timer.site, timer.rule, timer.subject


def _is_stale(old: Any, new: Any) -> bool:
    return isinstance(old, Idempotency) and bool(old.at <= new.at - IDEMPOTENCY_FRESH_TICKS)


def _settled(old: Delivery, after: Delivery) -> Delivery:
    """What a settle writes; all else stays as it is."""
    return replace(
        old,
        state=after.state,
        due_at=after.due_at,
        attempts=after.attempts,
        step=after.step,
        internal_faults=after.internal_faults,
        last_outcome=after.last_outcome,
        last_status=after.last_status,
        ended_at=after.ended_at,
        payload_bytes=after.payload_bytes,
        payload=after.payload,
    )


def _moved(old: Delivery, after: Delivery) -> Delivery:
    """What a move writes: everything but what the delivery is made of, and where and when it was made."""
    return replace(
        after,
        webhook_id=old.webhook_id,
        shard=old.shard,
        created_at=old.created_at,
        event_types=old.event_types,
        subject=old.subject,
        hop=old.hop,
        copy_of=old.copy_of,
        test=old.test,
    )
