"""The installation as a whole: back up the database while it is used, and put a backup in its place."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deskbell import assembly
from deskbell.accounts import AuditReader
from deskbell.checkup import LAST_BACKUP
from deskbell.config import Config
from deskbell.erasures import FILE as ERASURES
from deskbell.erasures import read_erasures
from deskbell.keyring.load import check_keyring
from deskbell.model.audit import INSTALLATION, AuditEntry, AuditPlace
from deskbell.model.changes import CancelWaiting, Committed, Purge, PutMeta, Replace, Unit
from deskbell.model.errors import StoreBroken
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, format_instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.query import DeliveryFilter
from deskbell.model.site import Restored, Site
from deskbell.model.webhook import WebhookState
from deskbell.ports import Store
from deskbell.rules.erasing import erased_mark
from deskbell.storage.sqlite.copying import check_copy, copy_database, finish_copy, read_note
from deskbell.storage.sqlite.lock import FileLock
from deskbell.storage.sqlite.store import LOCK_NAME, SqliteStore
from deskbell.webhooks.erasing_desk import erase_rows

DATABASE = "deskbell.db"
BACKUP_AT = "backup_at"
AUDIT_HEADS = "audit_heads"
ROWS_AT_ONCE = 2_000
_DAY_S = 86_400
_COUNT_MAX = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A finished backup."""

    schema: int
    key_ids: tuple[str, ...]  # keys that its secrets need
    heads: dict[SiteId, AuditPlace]  # where the audit's chains end in it


@dataclass(frozen=True, kw_only=True)
class Done:
    """A finished restore."""

    backup_at: str
    waiting: int  # deliveries on hold now
    due_since: int  # of them: may have been sent since the backup
    erasures: int  # subjects that were erased again
    kept: str | None  # name of the database that was there before


async def back_up(config: Config, file: Path, now: Instant, progress: Callable[[int, int], None]) -> Copy:
    """Copy, check integrity and the audit's chains, then give the copy its name. Raises StoreBroken."""
    must_be_file(config)
    source = config.data / DATABASE
    if not source.exists():
        raise StoreBroken(f"there is no {DATABASE} in {config.data}")
    await record(source, now, "installation.backup", file.name)
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    copy_database(source, part, progress)
    store = SqliteStore.open(part, lock=False)
    try:
        await check_audit(store, {})
        heads = await AuditReader(store=store).heads()
        made = Copy(schema=await store.schema.version(), key_ids=await key_ids(store), heads=heads)
    finally:
        await store.close()
    noted = json.dumps({site: [head.seq, head.hash] for site, head in heads.items()})
    finish_copy(part, {BACKUP_AT: str(int(now)), AUDIT_HEADS: noted})
    os.replace(part, file)
    (config.data / LAST_BACKUP).write_text(f"{format_instant(now)}\n")
    return made


async def restore(config: Config, file: Path, now: Instant, *, force: bool) -> Done:
    """Put a backup in the database's place. Raises StoreBroken or KeyringFault; then nothing was changed."""
    must_be_file(config)
    check_copy(file)
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(config.data / LOCK_NAME)
    try:
        check_keyring(config, read_note(file, "key_checks"))
        fresh = copy_beside(file, config.data, force=force)
        try:
            await check_fresh(fresh)
        except BaseException:
            fresh.unlink()
            raise
        kept = put_in_place(fresh, config.data, now)
    finally:
        lock.release()
    store = await assembly.open_store(config, lambda: None)
    try:
        await must(store, Unit(changes=(), audit=by_operator(now, "installation.restore", file.name)))
        return await settle_in(store, config.data, now, kept)
    finally:
        await store.close()


def must_be_file(config: Config) -> None:
    """Raises StoreBroken for PostgreSQL."""
    if config.database_url is not None:
        raise StoreBroken(
            "this command copies a SQLite file: with DESKBELL_DATABASE_URL use pg_dump and pg_restore, see "
            "docs/how-to/postgresql.md"
        )


async def check_audit(store: Store, known: Mapping[str, Sequence[Any]]) -> None:
    """Raises StoreBroken when a chain is broken, or does not have the rows that are known of it."""
    reader = AuditReader(store=store)
    for site in (INSTALLATION, *[one.site for one in await store.sites.all()]):
        head = known.get(site)
        found = await reader.check(site, {} if head is None else {int(head[0]): str(head[1])})
        if found.broken is not None:
            whose = site or "the installation"
            raise StoreBroken(f"the audit of {whose} is broken at row {found.broken}; see `deskbell audit verify`")


async def record(database: Path, now: Instant, operation: str, what: str) -> None:
    """A row of the installation's own chain, beside a serving process."""
    store = SqliteStore.open(database, lock=False)
    try:
        await must(store, Unit(changes=(), audit=by_operator(now, operation, what)))
    finally:
        await store.close()


def by_operator(now: Instant, operation: str, what: str) -> AuditEntry:
    """What the Operator did to the whole."""
    return AuditEntry(
        site=INSTALLATION, at=now, actor=SYSTEM, operation=operation, object_id=what, request_id="command line"
    )


async def check_fresh(path: Path) -> None:
    """Whether the audit's chains of a backup are whole, and end where they ended when it was made."""
    noted = json.loads(read_note(path, AUDIT_HEADS) or "{}")
    store = SqliteStore.open(path, lock=False)
    try:
        await check_audit(store, noted)
    finally:
        await store.close()


async def key_ids(store: Store) -> tuple[str, ...]:
    """The ids of the keys that sealed something."""
    return tuple(json.loads(await store.schema.meta("key_checks") or "{}"))


def copy_beside(file: Path, data: Path, *, force: bool) -> Path:
    """A copy of the backup beside the database."""
    fresh = data / f"{DATABASE}.new"
    if (data / DATABASE).exists() and not force:
        raise StoreBroken(f"there is a database in {data}: use --force to replace it; it is kept beside")
    shutil.copyfile(file, fresh)
    os.chmod(fresh, 0o600)
    return fresh


def put_in_place(fresh: Path, data: Path, now: Instant) -> str | None:
    """The copy becomes the database; what was there keeps another name."""
    target, kept = data / DATABASE, None
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    if target.exists():
        kept = f"{DATABASE}.before-{format_instant(now)[:19].replace(':', '')}"
        for ending in ("-wal", "-shm", ""):
            if (data / (DATABASE + ending)).exists():
                os.replace(data / (DATABASE + ending), data / (kept + ending))
    os.replace(fresh, target)
    return kept


async def settle_in(store: Store, data: Path, now: Instant, kept: str | None) -> Done:
    """Erase again what was erased since, purge what is past retention, and put deliveries on hold."""
    backup_at = Instant(int(await store.schema.meta(BACKUP_AT) or 0))
    erasures = [one for one in read_erasures(data / ERASURES) if one.at >= backup_at]
    for change in erasures:
        mark = PutMeta(key=erased_mark(change.site, change.subject), value=str(int(change.at)))
        await must(store, Unit(changes=(replace(change, at=now), mark)))
        await erase_rows(store, change.site, change.subject)
    waiting = due_since = 0
    for site in await store.sites.all():
        await forget_old(store, site, now)
        await hold(store, site, backup_at, now)
        which = DeliveryFilter(states=("waiting", "gathering"))
        waiting += await store.deliveries.count(site.site, which, _COUNT_MAX)
        due_since += await store.deliveries.count(site.site, replace(which, due_before=now), _COUNT_MAX)
    return Done(
        backup_at=format_instant(backup_at), waiting=waiting, due_since=due_since, erasures=len(erasures), kept=kept
    )


async def forget_old(store: Store, site: Site, now: Instant) -> None:
    """A restored database is purged before it serves; what waits past its retention is cancelled."""
    before = plus(now, -site.retention_days * _DAY_S)
    for webhook in await store.webhooks.all(site.site):
        rows = ROWS_AT_ONCE
        while rows == ROWS_AT_ONCE:
            cancel = CancelWaiting(
                site=site.site, webhook_id=webhook.id, at=now, older_than=before, rows_max=ROWS_AT_ONCE
            )
            rows = await must(store, Unit(changes=(cancel,)))
    while await must(store, Unit(changes=(Purge(site=site.site, before=before, rows_max=ROWS_AT_ONCE),))):
        pass


async def hold(store: Store, site: Site, backup_at: Instant, now: Instant) -> None:
    """Nothing is sent for the webhooks of today until somebody answers."""
    held = tuple(one.id for one in await store.webhooks.all(site.site) if one.state is not WebhookState.DELETED)
    entry = AuditEntry(
        site=site.site,
        at=now,
        actor=SYSTEM,
        operation="site.restore",
        object_id=site.site,
        after=json.dumps({"backupAt": format_instant(backup_at), "webhooks": len(held)}),
    )
    restored = Restored(backup_at=backup_at, at=now, held=held) if held else None
    await must(
        store, Unit(changes=(Replace(row=replace(site, restored=restored, version=site.version + 1)),), audit=entry)
    )


async def must(store: Store, unit: Unit) -> int:
    """Commit, or raise StoreBroken; answers the rows."""
    verdict = await store.commit(unit)
    if not isinstance(verdict, Committed):
        raise StoreBroken(f"the restored database could not be written: {verdict.reason} {verdict.what}")
    return verdict.rows
