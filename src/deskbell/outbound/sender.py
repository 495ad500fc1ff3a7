"""The guarded dialler: every request that a user, an event or a receiver can influence leaves through here."""

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from deskbell.model.exchange import Reply, Sendable, SendPolicy, Stage
from deskbell.outbound.connection import Connection
from deskbell.outbound.dial import Dialler
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.faults import DialFault, ResolveFault
from deskbell.outbound.head import HeadReader
from deskbell.outbound.names import Names
from deskbell.outbound.pool import Pool
from deskbell.outbound.proxy import ThroughProxy
from deskbell.outbound.request import build_head
from deskbell.outbound.route import Judge, Route, Routes, Vet
from deskbell.outbound.tcp import Connect, connect_tcp
from deskbell.outbound.tls import Contexts, client_context
from deskbell.ports import Clock, Resolver
from deskbell.rules.addresses import AddressRefused, vet
from deskbell.rules.egress import EgressProxy
from deskbell.rules.limits import Limits
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, UrlRefused, parse_receiver_url

SWEEP_S = 0.05
_IDLE_SWEEP_S = 1.0
_log = structlog.get_logger()


class GuardedSender:
    """Implements ports.Sender. A kept connection and a known name cost no task, future or timer per exchange."""

    def __init__(
        self, *, resolver: Resolver, policy: UrlPolicy, limits: Limits, clock: Clock | None = None,
        ca_file: str | None = None, make_context: Callable[[], ssl.SSLContext] | None = None,
        proxy: EgressProxy | None = None, judge: Judge | None = None, vetting: Vet | None = None,
        connect: Connect = connect_tcp,
    ) -> None:  # fmt: skip
        self._heads = HeadReader(limits)
        self._monotonic = time.monotonic if clock is None else clock.monotonic
        self._vet = vetting or (lambda addresses, url, site: vet(addresses, url, policy, site))
        self._routes = Routes(judge or partial(_judge, policy=policy, limits=limits), policy)
        self._names = Names(resolver, limits, self._monotonic)
        self._pool = Pool(limits)
        self._dialler = Dialler(
            owner=self, contexts=Contexts(make_context or partial(client_context, ca_file)), limits=limits,
            monotonic=self._monotonic, connect_own=connect,
            connect=connect if proxy is None else ThroughProxy(proxy=proxy, names=self._names, connect=connect),
        )  # fmt: skip
        self._active: set[Exchange] = set()
        self._open: set[Connection] = set()  # connected ones, kept or busy
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping = False  # at the short interval, as something is active
        self._closed = False

    def submit(self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None]) -> None:
        """Send one request; `done(reply)` comes exactly once, later, on the loop."""
        exchange = Exchange(sendable, policy, done, now=self._monotonic(), heads=self._heads)
        self._active.add(exchange)
        if self._closed:
            self._settle_soon(exchange, "connection_closed", "Deskbell is stopping; nothing was sent")
            return
        if not self._sweeping:
            self._sweeping = True
            self._arm(SWEEP_S)
        found = self._routes.find(sendable, policy)
        if isinstance(found, UrlRefused):
            exchange.stage = Stage.VET
            self._settle_soon(exchange, "blocked", found.detail, found.code)
            return
        request = build_head(sendable, target=found.url.target, host=found.host_line)
        if request is None:
            exchange.stage = Stage.SEND
            self._settle_soon(exchange, "unbuildable", "a header holds a line break, a NUL or a letter beyond Latin-1")
            return
        exchange.route, exchange.request = found, request
        addresses = found.fixed or self._names.known(sendable.site, found.host, exchange.started)
        if addresses is None:
            self._start_task(exchange, self._resolve(exchange, found))
        else:
            self._send(exchange, found, addresses)

    def _send(self, exchange: Exchange, route: Route, addresses: tuple[str, ...]) -> None:
        """Vet the addresses, then use a kept connection, or open one."""
        exchange.addresses = addresses
        exchange.stage = Stage.VET
        vetted = route.vet(addresses, self._vet)
        if isinstance(vetted, AddressRefused):
            self._settle_soon(exchange, "blocked", vetted.detail, vetted.rule)
            return
        exchange.vetted = vetted
        now = exchange.started if exchange.task is None else self._monotonic()
        for key in vetted:
            kept = self._pool.take(key, now)
            if kept is not None:
                exchange.reused = True
                self._start(exchange, kept)
                return
        self._start_task(exchange, self._connect(exchange, route))

    def _start(self, exchange: Exchange, connection: Connection) -> None:
        exchange.stage = Stage.SEND
        connection.start(exchange)
        if exchange.sent_at is not None:
            exchange.stage = Stage.WAIT

    async def _resolve(self, exchange: Exchange, route: Route) -> None:
        before = self._monotonic()
        try:
            addresses = await self._names.find(route.site, route.host)
        except ResolveFault as fault:
            exchange.resolve_ms = (self._monotonic() - before) * 1000
            self.settled(exchange, fault.name, fault.text)
            return
        exchange.resolve_ms = (self._monotonic() - before) * 1000
        self._send(exchange, route, addresses)

    async def _connect(self, exchange: Exchange, route: Route) -> None:
        try:
            connection = await self._dialler.open(exchange, route)
        except DialFault as fault:
            exchange.stage = fault.stage
            self.settled(exchange, fault.name, fault.text)
            return
        self._open.add(connection)
        if exchange.finished or not connection.usable:
            connection.abort()
            self.settled(exchange, "connection_closed", "the receiver closed the connection at once")
            return
        self._start(exchange, connection)

    def _start_task(self, exchange: Exchange, steps: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(steps)
        exchange.task = task
        task.add_done_callback(partial(self._task_ended, exchange))

    def _task_ended(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        if exchange.task is task:
            exchange.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("exchange.broken", site=exchange.sendable.site, exc_info=error)
            self.settled(exchange, "protocol_error", "Deskbell could not carry out this exchange")

    def _settle_soon(self, exchange: Exchange, fault: str, text: str, rule: str | None = None) -> None:
        asyncio.get_running_loop().call_soon(self.settled, exchange, fault, text, rule)

    def settled(
        self,
        exchange: Exchange,
        fault: str | None = None,
        text: str = "",
        rule: str | None = None,
        *,
        now: float | None = None,
    ) -> None:
        """An exchange is over: answer it."""
        self._active.discard(exchange)
        exchange.finish(self._monotonic() if now is None else now, fault, text, rule)

    def redial(self, exchange: Exchange) -> None:
        """A kept connection died before the first byte of the answer: one fresh connection, at once."""
        exchange.reused = False
        exchange.sent_at = None
        if exchange.route is None or self._closed:
            self.settled(exchange, "connection_closed", "the receiver closed the connection before an answer")
            return
        self._start_task(exchange, self._connect(exchange, exchange.route))

    def idle(self, connection: Connection, now: float) -> None:
        """A connection may serve again."""
        if self._closed:
            connection.abort()
        else:
            self._pool.keep(connection, now)

    def gone(self, connection: Connection) -> None:
        """A connection was lost."""
        self._open.discard(connection)
        self._pool.forget(connection)

    def _arm(self, after_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(after_s, self._sweep)

    def _sweep(self) -> None:
        """End what is past its time; runs while something is active or kept."""
        self._timer = None
        now = self._monotonic()
        for exchange in [one for one in self._active if one.due <= now]:
            self._drop(exchange, "timeout", f"no complete answer within {exchange.policy.total_s:g} s")
        self._pool.sweep(now)
        self._sweeping = bool(self._active)
        if self._sweeping:
            self._arm(SWEEP_S)
        elif len(self._pool):
            self._arm(_IDLE_SWEEP_S)

    def _drop(self, exchange: Exchange, fault: str, text: str) -> None:
        if exchange.task is not None:
            exchange.task.cancel()
        if exchange.connection is not None:
            exchange.connection.abort()
        self.settled(exchange, fault, text)

    async def close(self) -> None:
        """Close every connection; what is pending is answered with a fault."""
        self._closed = True
        tasks = [one.task for one in self._active if one.task is not None]
        for exchange in list(self._active):
            self._drop(exchange, "connection_closed", "Deskbell stopped before an answer came")
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._names.close()
        self._pool.close()
        for connection in list(self._open):
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _judge(
    text: str, site: str, allowed_receivers: tuple[str, ...], *, policy: UrlPolicy, limits: Limits
) -> ReceiverUrl | UrlRefused:
    return parse_receiver_url(text, policy, site=site, allowed_receivers=allowed_receivers, limits=limits)
