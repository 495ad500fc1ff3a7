"""The roof: builds every room once, hands each what it needs, and starts and stops the whole."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from deskbell.api.routes import API_ROUTES, ROOT_ROUTES
from deskbell.assembly import build_rooms, node_name, open_store, shared_doorbell
from deskbell.clock import SystemRandom
from deskbell.config import Config
from deskbell.keyring.watch import KeyringWatch
from deskbell.model.errors import Refusal
from deskbell.model.ids import make_id
from deskbell.model.instant import unix_ms
from deskbell.portal.refusals import refusal_page
from deskbell.portal.routes import ROUTES as PORTAL_ROUTES
from deskbell.rooms import Rooms
from deskbell.server.ask import Ask
from deskbell.server.authenticate import Authenticator
from deskbell.server.capture import CaptureDoor
from deskbell.server.direct_publish import DirectPublish
from deskbell.server.door import Door
from deskbell.server.hot_path import HotPath
from deskbell.server.metrics import Figures
from deskbell.server.once import Keys
from deskbell.server.problem import problem
from deskbell.server.rate import KeyRates
from deskbell.server.shield import Shield
from deskbell.server.side_door import Close, SideDoor, no_side_door, open_side_door

if TYPE_CHECKING:
    from deskbell.doorbell.postgres import PostgresDoorbell

CLOSING_S = 4.0
"""Kept of the time for a stop: also when the database is away the process has ended by then."""


@dataclass(kw_only=True)
class House:
    """A running Deskbell."""

    config: Config
    rooms: Rooms
    app: ASGIApp
    direct: DirectPublish  # answers what it can before the app sees it
    watch: KeyringWatch
    bell: "PostgresDoorbell | None" = None  # rings at other processes on the same database
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Hear what other processes ring for, and deliver."""
        await self.watch.begin()
        if self.bell is not None:
            self.bell.open()
        await self.rooms.engine.start()

    def open_side_door(self) -> Close:
        """Metrics and health on an address of their own; nothing when they are off."""
        door = SideDoor(figures=self.figures, faults=self.rooms.engine.fault)
        return no_side_door if self.config.metrics is None else open_side_door(door, self.config.metrics)

    async def figures(self) -> Figures:
        """What metrics tell."""
        engine, store = self.rooms.engine, self.rooms.store
        return Figures(
            engine=engine.counters(),
            store=store.figures,
            queues=await engine.queue_figures(),
            timers=await store.timers.count(),
            loop_late_s=engine.loop_late_s(),
        )

    async def close(self) -> None:
        """Finish what is in flight, settle, close the database."""
        drain_s = self.config.limits.drain_s
        await self.rooms.engine.stop(max(drain_s - CLOSING_S, drain_s / 2))
        if self.bell is not None:
            await self.bell.close()
        await self.rooms.sender.close()
        await self.watch.close()
        await self.rooms.store.close()


async def refuse_as_problem(ask: Ask[Rooms], refusal: Refusal) -> Response:
    """The API's answer to a refusal."""
    return problem(refusal, ask.origin.request_id)


def build_app(config: Config, rooms: Rooms) -> tuple[ASGIApp, DirectPublish]:
    """The ASGI app (shield, inspector's bins, hot path, then the routes of both doors) and the short way beside it."""
    authenticator = Authenticator(accounts=rooms.accounts, base_url=config.base_url)
    rates = KeyRates(rooms.clock)
    api: Door[Rooms] = Door(
        routes=API_ROUTES,
        rooms=rooms,
        authenticator=authenticator,
        limits=config.limits,
        rates=rates,
        refuse=refuse_as_problem,
        keys=Keys(store=rooms.store, clock=rooms.clock, limits=config.limits),
        prefix="/api/v1",
    )
    root: Door[Rooms] = Door(
        routes=ROOT_ROUTES,
        rooms=rooms,
        authenticator=authenticator,
        limits=config.limits,
        rates=rates,
        refuse=refuse_as_problem,
    )
    portal: Door[Rooms] = Door(
        routes=PORTAL_ROUTES,
        rooms=rooms,
        authenticator=authenticator,
        limits=config.limits,
        rates=rates,
        refuse=refusal_page,
        is_page=True,
    )
    routes = [*api.starlette_routes(), *root.starlette_routes(), *portal.starlette_routes()]
    routed = Starlette(
        routes=routes, exception_handlers={404: unknown_path(api, portal), 405: unknown_path(api, portal)}
    )
    routed.router.redirect_slashes = False  # it would build addresses from the request, not from the base URL
    hot_path = HotPath(
        app=routed,
        authenticator=authenticator,
        publisher=rooms.engine,
        store=rooms.store,
        rates=rates,
        clock=rooms.clock,
        random=rooms.random,
        limits=config.limits,
    )
    inner = CaptureDoor(app=hot_path, inspector=rooms.inspector, limits=config.limits)

    def new_request_id() -> str:
        return make_id("req", unix_ms=unix_ms(rooms.clock.now()), chance=rooms.random.bits(74))

    shield = Shield(
        inner,
        base_url=config.base_url,
        hosts=config.hosts,
        new_id=new_request_id,
        trusted_proxies=config.trusted_proxies,
    )
    direct = DirectPublish(hot_path=hot_path, shield=shield, accounts=rooms.accounts, new_id=new_request_id)
    return shield, direct


def unknown_path(api: Door[Rooms], portal: Door[Rooms]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Where no route is: a problem below /api, a page elsewhere."""

    async def answer(request: Request, error: Exception) -> Response:
        door = api if request.url.path.startswith("/api/") else portal
        return await door.unknown(request, getattr(error, "status_code", 404))

    return answer


async def open_house(config: Config) -> House:
    """Everything built, nothing started."""
    broken = asyncio.Event()
    store, node = await open_store(config, broken.set), node_name(SystemRandom())
    bell = shared_doorbell(config, store, node)
    rooms = await build_rooms(config, store, bell, node)
    app, direct = build_app(config, rooms)
    watch = watch_keyring(config, rooms, node)
    return House(config=config, rooms=rooms, app=app, direct=direct, watch=watch, bell=bell, broken=broken)


def watch_keyring(config: Config, rooms: Rooms, node: str) -> KeyringWatch:
    """What notices a changed keyring."""
    return KeyringWatch(
        config=config,
        store=rooms.store,
        keyring=rooms.keyring,
        clock=rooms.clock,
        random=rooms.random,
        node=node,
        log=structlog.get_logger(),
    )
