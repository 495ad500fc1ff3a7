"""The process: starts a house, serves or works until it is told to stop, and ends in order."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable

from deskbell.app import House, open_house
from deskbell.config import Config
from deskbell.server.connections import Turnstile
from deskbell.server.descriptors import connections_max, raise_limit
from deskbell.server.listener import QuietServer, make_server, open_socket
from deskbell.server.streaming import STOPPING
from deskbell.tracing import start_tracing

COLLECT_AFTER = 50_000
"""New objects between two young collections; the default of 700 costs a tenth of the time under load."""


async def serve(config: Config, started: Callable[[House], Awaitable[None]], *, stop_at_once: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; a second one ends at once. Answers the exit code.

    `started` runs when everything serves; with `stop_at_once` the house closes when it has returned.
    """
    opened = open_socket(config.host, config.port)
    house = await open_house(config)
    stop = stop_signal()
    await house.start()
    limits = config.limits
    turnstile = Turnstile(
        total_max=connections_max(limits.connections_max, raise_limit()),
        per_address_max=limits.connections_per_address_max,
        trusted=config.trusted_proxies,
    )
    server = make_server(house.app, turnstile=turnstile, drain_s=limits.drain_s, direct=house.direct)
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    close_rest = beside(house)
    await started(house)
    if stop_at_once:
        stop.set()
    await first_of(stop, house.broken, serving)
    code = 1 if house.broken.is_set() or (serving.done() and not stop.is_set()) else 0
    await close_all(house, server, serving)
    await close_rest()
    return code


async def work(config: Config, started: Callable[[House], Awaitable[None]]) -> int:
    """Deliver, and serve nothing but metrics and health, until SIGTERM or SIGINT. Answers the exit code."""
    house = await open_house(config)
    stop = stop_signal()
    await house.start()
    close_rest = beside(house)
    await started(house)
    await first_of(stop, house.broken)
    await house.close()
    await close_rest()
    return 1 if house.broken.is_set() else 0


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()

    def asked_to_stop() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop)
    return stop


def beside(house: House) -> Callable[[], Awaitable[None]]:
    """What runs beside: metrics, traces, a calmer collector. The answer ends it."""
    tracing = start_tracing(os.environ, house.rooms.doorbell)
    close_side_door = house.open_side_door()
    calm_collector()

    async def close() -> None:
        await close_side_door()
        if tracing is not None:
            await asyncio.get_running_loop().run_in_executor(None, tracing.close)

    return close


def calm_collector() -> None:
    """What was made at start lives as long as the process; a busy loop makes no cycles worth looking for often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 100)


async def first_of(stop: asyncio.Event, broken: asyncio.Event, *serving: "asyncio.Task[None]") -> None:
    """Wait for whatever ends the process first."""
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(broken.wait())]
    await asyncio.wait([*waits, *serving], return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def close_all(house: House, server: QuietServer, serving: "asyncio.Task[None]") -> None:
    """No new request, then the house."""
    server.should_exit = True
    house.rooms.doorbell.ring(STOPPING)
    await house.close()
    await asyncio.wait([serving], timeout=house.config.limits.drain_s)
