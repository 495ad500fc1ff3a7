"""Every room built once, each handed what it needs."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from platform import node as host_name
from typing import TYPE_CHECKING

import structlog

from deskbell.accounts import Accounts, AuditReader, SignOnRoom
from deskbell.clock import SystemClock, SystemRandom
from deskbell.config import Config
from deskbell.desk import Chats, DeskTimers, DwellRules, People, Presence, Tickets
from deskbell.doorbell.local import LocalDoorbell
from deskbell.engine import Engine
from deskbell.erasures import FILE, note_erasure
from deskbell.inspector import Inspector
from deskbell.keyring.load import load_keyring
from deskbell.model.changes import EraseSubject
from deskbell.model.errors import StoreBroken
from deskbell.model.ids import SiteId
from deskbell.outbound import AresResolver, GuardedSender
from deskbell.ports import Doorbell, Store
from deskbell.receivers import KINDS
from deskbell.rooms import Rooms
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import Keyring
from deskbell.storage.sqlite.store import SqliteStore
from deskbell.webhooks import Erasures, Registrations, Replays

if TYPE_CHECKING:
    from deskbell.doorbell.postgres import PostgresDoorbell


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every room stands on."""

    config: Config
    store: Store
    keyring: Keyring
    sender: GuardedSender
    clock: SystemClock
    random: SystemRandom
    doorbell: Doorbell
    node: str  # this process's name among others on the same database

    @property
    def limits(self) -> Limits:
        """The numbers in force."""
        return self.config.limits

    def changed(self, site: SiteId, noun: str, item: str) -> None:
        """Something at the desk changed: live pages look."""
        self.doorbell.ring("desk", (site, noun, item))


async def open_store(config: Config, on_broken: Callable[[], None], *, lock: bool = True) -> Store:
    """The database: PostgreSQL where a URL says so, else a file in the data directory; made when new."""
    try:
        config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if config.database_url is None:
            return SqliteStore.open(
                config.data / "deskbell.db",
                commit_units_max=config.limits.commit_units_max,
                reserve_bytes=config.limits.reserve_bytes,
                lock=lock,
                on_broken=on_broken,
            )
    except OSError as error:
        raise StoreBroken(
            f"{config.data} cannot be written ({error.strerror}): run Deskbell as its owner, or choose another data "
            "directory"
        ) from error
    return await open_postgres(config.database_url, config.limits, on_broken)


async def open_postgres(url: str, limits: Limits, on_broken: Callable[[], None]) -> Store:
    """The shared store. Raises StoreBroken, also when its driver is not installed."""
    try:
        from deskbell.storage.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise StoreBroken(
            "PostgreSQL needs a driver: install deskbell[postgres], or unset DESKBELL_DATABASE_URL"
        ) from None
    return await PostgresStore.open(
        url,
        commit_units_max=limits.commit_units_max,
        readers=limits.database_readers,
        wait_s=limits.database_wait_s,
        on_broken=on_broken,
    )


async def database_advice(config: Config) -> tuple[tuple[str, str], ...]:
    """What a PostgreSQL server should be set to, and why; nothing for a file."""
    if config.database_url is None:
        return ()
    from deskbell.storage.postgres.advice import advice

    return await advice(config.database_url, SystemClock())


def node_name(random: SystemRandom) -> str:
    """A name for this process that no other has: where it runs, and chance."""
    return f"{host_name()}-{os.getpid()}-{random.secret(4).hex()}"


def shared_doorbell(config: Config, store: Store, node: str) -> "PostgresDoorbell | None":
    """The doorbell of a shared database, not opened yet; None when this process is alone."""
    if config.database_url is None:
        return None
    from deskbell.doorbell.postgres import PostgresDoorbell

    read = {
        "event": store.events.get,
        "delivery": store.deliveries.get,
        "attempt": store.deliveries.attempt,
        "capture": store.bins.capture,
        "replay": store.replays.get,
    }
    return PostgresDoorbell(config.database_url, node=node, read=read)


async def build_rooms(config: Config, store: Store, doorbell: Doorbell | None = None, node: str = "") -> Rooms:
    """Every room, wired. Commands that write beside serving processes need no doorbell: those compare versions."""
    ground = await lay_ground(config, store, doorbell or LocalDoorbell(), node)
    engine = build_engine(ground)
    registrations = build_registrations(ground, engine)
    clock, random, limits = ground.clock, ground.random, ground.limits
    return Rooms(
        store=store,
        engine=engine,
        registrations=registrations,
        replays=build_replays(ground, engine),
        erasures=build_erasures(ground, engine),
        chats=build_chats(ground, engine),
        tickets=build_tickets(ground, engine),
        dwell_rules=build_dwell_rules(ground, engine),
        presence=Presence(store=store, clock=clock, limits=limits, armed=engine.timers.armed),
        people=People(store=store, publisher=engine, clock=clock, limits=limits, changed=ground.changed),
        accounts=Accounts(store=store, clock=clock, random=random, limits=limits, keyring=ground.keyring),
        audit=AuditReader(store=store),
        sign_on=build_sign_on(ground),
        inspector=build_inspector(ground, registrations),
        sender=ground.sender,
        doorbell=ground.doorbell,
        clock=clock,
        random=random,
        limits=limits,
        keyring=ground.keyring,
        url_policy=config.url_policy(),
        base_url=config.base_url,
    )


async def lay_ground(config: Config, store: Store, doorbell: Doorbell, node: str) -> Ground:
    """Clock, chance, keyring and the guarded dialler."""
    random, policy = SystemRandom(), config.url_policy()
    proxy = config.egress_proxy
    named = [entry.host for entry in policy.allow if entry.host]
    resolver = AresResolver(hosts_file_names=named if proxy is None else [*named, proxy.host])
    return Ground(
        config=config,
        store=store,
        keyring=await load_keyring(config, store, random),
        sender=GuardedSender(
            resolver=resolver, policy=policy, limits=config.limits, ca_file=config.ca_file, proxy=proxy
        ),
        clock=SystemClock(),
        random=random,
        doorbell=doorbell,
        node=node,
    )


def build_engine(ground: Ground) -> Engine:
    """The engine, told by the desk what follows from timers."""
    engine = Engine(
        store=ground.store,
        sender=ground.sender,
        clock=ground.clock,
        random=ground.random,
        doorbell=ground.doorbell,
        limits=ground.limits,
        kinds=KINDS,
        keyring=ground.keyring,
        log=structlog.get_logger(),
        portal_url=ground.config.base_url,
        node=ground.node,
        delivers=ground.config.delivers,
    )
    timers = DeskTimers(store=ground.store, clock=ground.clock, limits=ground.limits, base_url=ground.config.base_url)
    engine.timers.fire = timers.fire
    return engine


def build_sign_on(ground: Ground) -> SignOnRoom:
    """Single sign-on, which asks providers through the guarded dialler."""
    return SignOnRoom(
        store=ground.store,
        sender=ground.sender,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        keyring=ground.keyring,
        policy=ground.config.url_policy(),
        base_url=ground.config.base_url,
    )


def build_registrations(ground: Ground, engine: Engine) -> Registrations:
    """The webhooks' use cases; the engine hears of each change."""
    return Registrations(
        store=ground.store,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        keyring=ground.keyring,
        url_policy=ground.config.url_policy(),
        changed=engine.webhook_changed,
        site_changed=engine.site_changed,
        publisher=engine,
        kinds=KINDS,
    )


def build_replays(ground: Ground, engine: Engine) -> Replays:
    """The replays' use cases; the engine counts and carries out."""
    return Replays(
        store=ground.store,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        replayer=engine,
        site_changed=engine.site_changed,
    )


def build_chats(ground: Ground, engine: Engine) -> Chats:
    """The chats' use cases."""
    return Chats(
        store=ground.store,
        publisher=engine,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        changed=ground.changed,
        armed=engine.timers.armed,
    )


def build_dwell_rules(ground: Ground, engine: Engine) -> DwellRules:
    """The dwell rules' use cases."""
    return DwellRules(
        store=ground.store,
        publisher=engine,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        armed=engine.timers.armed,
    )


def build_erasures(ground: Ground, engine: Engine) -> Erasures:
    """Erasing; each is noted beside the database before it is done."""

    async def note(change: EraseSubject) -> None:
        await asyncio.to_thread(note_erasure, ground.config.data / FILE, change)

    return Erasures(store=ground.store, clock=ground.clock, site_changed=engine.site_changed, note=note)


def build_tickets(ground: Ground, engine: Engine) -> Tickets:
    """The tickets' use cases."""
    return Tickets(
        store=ground.store,
        publisher=engine,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        changed=ground.changed,
        armed=engine.timers.armed,
        base_url=ground.config.base_url,
    )


def build_inspector(ground: Ground, registrations: Registrations) -> Inspector:
    """The inspector; it verifies captures with the webhooks' secrets."""

    async def all_secrets(site: SiteId) -> dict[str, list[str]]:
        webhooks = await ground.store.webhooks.all(site)
        return {one.id: await registrations.secrets(site, one.id) for one in webhooks}

    return Inspector(
        store=ground.store,
        clock=ground.clock,
        random=ground.random,
        limits=ground.limits,
        doorbell=ground.doorbell,
        secrets_of=registrations.secrets,
        all_secrets=all_secrets,
        changed=ground.changed,
    )
