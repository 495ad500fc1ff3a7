"""One unit at a time, each in a savepoint of its own: guards, changes in their order, then the audit row."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apsw
import structlog

from deskbell.model.audit import AuditEntry
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
    Insert,
    Join,
    MoveDelivery,
    MustFence,
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
from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.event import Event, Idempotency
from deskbell.model.figures import StoreFigures
from deskbell.model.ids import DeliveryId, EventId, SiteId
from deskbell.model.webhook import Webhook
from deskbell.rules.audit_chain import FIRST_HASH, canonical, chain_hash
from deskbell.storage.bodies import body_of, named
from deskbell.storage.nouns import NOUN_OF_KIND, NOUN_OF_TYPE, NUMBERED
from deskbell.storage.read_runs import timer_row
from deskbell.storage.rows import (
    delivery_row,
    event_row,
    idempotency_row,
    join_row,
    move_row,
    settle_row,
    stat_of,
    stat_row,
)
from deskbell.storage.rows_attempt import attempt_row
from deskbell.storage.sealed import reseal_bindings
from deskbell.storage.sqlite.carrying import Pair, traced_by
from deskbell.storage.sqlite.erasing import erase_subject, erase_webhook
from deskbell.storage.sqlite.guards import denied
from deskbell.storage.sqlite.purging import Purging
from deskbell.storage.sqlite.refusals import FATAL, refused_by
from deskbell.storage.sums import added

_log = structlog.get_logger()
_DONE = Committed()


class Units:
    """Applies single units inside the writer's transaction."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str], figures: StoreFigures) -> None:
        self._connection = connection
        self._figures = figures
        self._sql = sql
        self._purging = Purging(connection, sql)
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
        self._traced: set[Pair] = set()  # by events of the unit

    def apply(self, unit: Unit) -> Verdict:
        """Carry out a unit, or leave no trace of it. Errors that end the transaction are raised."""
        self._connection.execute("SAVEPOINT unit")
        self._rows = 0
        try:
            refused = self._steps(unit)
        except apsw.ConstraintError as error:
            refused = refused_by(error)
        except FATAL:
            raise
        except Exception as fault:  # a value that cannot be written harms its own unit only
            _log.exception("commit.unit_unwritable")
            refused = Refused(reason="broken", what=type(fault).__name__)
        if refused is not None:
            self._connection.execute("ROLLBACK TO unit")
        self._connection.execute("RELEASE unit")
        return refused or (Committed(rows=self._rows) if self._rows else _DONE)

    def _steps(self, unit: Unit) -> Refused | None:
        for guard in unit.guards:
            refused = denied(self._connection, self._sql, guard)
            if refused is not None:
                return refused
        self._traced = traced_by(unit.changes)
        for change in unit.changes:
            refused = self._verbs[type(change)](change)
            if refused is not None:
                return refused
        if unit.audit is not None:
            self._record(unit.audit)
        return None

    def _run(self, name: str, bindings: Any) -> int:
        """Execute a named statement; how many rows it changed."""
        self._connection.execute(self._sql[name], bindings)
        self._figures.statements += 1
        return self._connection.changes()

    def _insert(self, change: Insert) -> Refused | None:
        row = change.row
        noun = NOUN_OF_TYPE[type(row)]
        if isinstance(row, Event):
            return self._insert_event(row)
        if isinstance(row, Delivery):
            self._run("delivery_insert", delivery_row(row))
            self._carry(row.site, row.event_ids, row.id)
        elif isinstance(row, Attempt):
            self._run("attempt_insert", attempt_row(row))
        elif isinstance(row, Idempotency):
            if not self._run("idempotency_insert", idempotency_row(row)):
                return Refused(reason="exists", what="idempotency")
        else:
            try:
                self._run(f"{noun.table}_insert", named(row))
            except apsw.ConstraintError as error:
                return refused_by(error, noun.parent[0] if noun.parent else "")
            self._keep_version(row)
        return None

    def _insert_event(self, row: Event) -> Refused | None:
        try:
            self._run("event_insert", event_row(row))
        except apsw.ConstraintError as error:  # SQLite names the index that it looked at first; the id comes first
            is_known = self._connection.execute(self._sql["event_get"], {"site": row.site, "id": row.id}).get
            return Refused(reason="exists", what="event") if is_known else refused_by(error)
        return None

    def _carry(self, site: SiteId, event_ids: Iterable[EventId], delivery_id: DeliveryId) -> None:
        for event_id in event_ids:
            pair = (site, event_id, delivery_id)
            if pair not in self._traced:
                self._run("delivery_event_insert", pair)

    def _keep_version(self, row: Any) -> None:
        if isinstance(row, Webhook):
            version = {"site": row.site, "id": row.id, "version": row.version, "body": body_of(row)}
            self._run("webhook_version_insert", version)

    def _replace(self, change: Replace) -> Refused | None:
        table = NOUN_OF_TYPE[type(change.row)].table
        if not self._run(f"{table}_replace", named(change.row)):
            return Refused(reason="version", what=table)
        self._keep_version(change.row)
        return None

    def _overwrite(self, change: Overwrite) -> Refused | None:
        noun = NOUN_OF_TYPE[type(change.row)]
        try:
            self._run(f"{noun.table}_overwrite", named(change.row))
        except apsw.ConstraintError as error:
            return refused_by(error, noun.parent[0] if noun.parent else "")
        return None

    def _settle(self, change: Settle) -> Refused | None:
        if change.fence is not None:
            refused = denied(self._connection, self._sql, MustFence(shard=change.after.shard, fence=change.fence))
            if refused is not None:
                return refused
        self._run("attempt_insert", attempt_row(change.attempt))
        if not self._run("delivery_settle", settle_row(change.after, change.expected)):
            return Refused(reason="state", what="delivery")
        return None

    def _move(self, change: MoveDelivery) -> Refused | None:
        if not self._run("delivery_move", move_row(change.after, change.expected)):
            return Refused(reason="state", what="delivery")
        return None

    def _join(self, change: Join) -> Refused | None:
        if not self._run("delivery_join", join_row(change)):
            return Refused(reason="state", what="delivery")
        self._carry(change.site, change.event_ids, change.delivery_id)
        return None

    def _cancel_waiting(self, change: CancelWaiting) -> None:
        bindings = {
            "site": change.site,
            "webhook_id": change.webhook_id,
            "at": change.at,
            "older_than": change.older_than,
            "due_before": change.due_before,
            "rows_max": -1 if change.rows_max is None else change.rows_max,
        }
        self._rows = self._run("delivery_cancel_waiting", bindings)

    def _put_health(self, change: PutHealth) -> None:
        health = change.health
        self._run("health_put", (health.site, health.webhook_id, body_of(health)))

    def _add_stats(self, change: AddStats) -> None:
        for row in change.rows:
            key = {"site": row.site, "webhook_id": row.webhook_id, "hour": row.hour}
            old = self._connection.execute(self._sql["stat_hour_get"], key).get
            self._run("stat_hour_put", stat_row(added(None if old is None else stat_of(old), row)))
        self._run("counted_to_put", {"id": change.counted_to})

    def _put_meta(self, change: PutMeta) -> None:
        self._run("meta_put", {"key": change.key, "value": change.value})

    def _delete(self, change: DeleteRow) -> Refused | None:
        noun = NOUN_OF_KIND[change.kind]
        bindings = {"site": change.site, **dict(zip(noun.key, change.key, strict=True))}
        if not self._run(f"{noun.table}_delete", bindings):
            return Refused(reason="missing", what=noun.table)
        if noun.table in NUMBERED:
            self._run("number_used_put", {"site": change.site, "noun": noun.table, "number": change.key[0]})
        return None

    def _trim_captures(self, change: TrimCaptures) -> None:
        self._run("capture_trim", {"site": change.site, "bin_id": change.bin_id, "keep": change.keep})

    def _purge(self, change: Purge) -> None:
        self._rows = self._purging.purge(change)

    def _purge_audit(self, change: PurgeAudit) -> Refused | None:
        if not self._run("audit_checkpoint_put", vars(change)):
            return Refused(reason="state", what="audit")
        self._rows = self._run("audit_purge", {"site": change.site, "seq": change.seq})
        return None

    def _arm_timer(self, change: ArmTimer) -> None:
        self._run("timer_arm", timer_row(change.timer))

    def _set_aside(self, change: SetAside) -> None:
        self._run("delivery_set_aside", {"site": change.site, "id": change.delivery_id, "at": change.at})

    def _drop_asked(self, change: DropAsked) -> None:
        self._run("asked_drop", {"site": change.site, "delivery_id": change.delivery_id})

    def _drop_timers(self, change: DropTimers) -> None:
        self._run("timer_drop", {"site": change.site, "subject": change.subject, "rule": change.rule})

    def _drop_rule(self, change: DropRule) -> None:
        self._run("timer_drop_rule", {"site": change.site, "rule": change.rule})

    def _erase_subject(self, change: EraseSubject) -> None:
        self._rows = erase_subject(self._connection, self._sql, change)

    def _erase_webhook(self, change: EraseWebhook) -> Refused | None:
        return erase_webhook(self._connection, self._sql, change)

    def _reseal(self, change: Reseal) -> None:
        self._rows = sum(self._run(name, bindings) for name, bindings in reseal_bindings(change))

    def _record(self, entry: AuditEntry) -> None:
        last = self._connection.execute(self._sql["audit_last"], {"site": entry.site}).get
        seq, previous = last or (0, FIRST_HASH)
        self._run("audit_insert", (entry.site, seq + 1, previous, chain_hash(previous, entry), canonical(entry)))
