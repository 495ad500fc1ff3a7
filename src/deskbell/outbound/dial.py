"""Opening a connection to a vetted address, never to a name."""

import asyncio
import socket
from collections.abc import Callable

from deskbell.model.exchange import Stage
from deskbell.outbound.connection import Connection, Owner
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.faults import DialFault, connect_fault
from deskbell.outbound.route import Key, Route
from deskbell.outbound.tcp import Connect
from deskbell.outbound.tls import Contexts, tls_fault
from deskbell.rules.limits import Limits


class Dialler:
    """TCP to at most three addresses, then TLS."""

    def __init__(
        self,
        *,
        owner: Owner,
        contexts: Contexts,
        limits: Limits,
        monotonic: Callable[[], float],
        connect: Connect,
        connect_own: Connect,
    ) -> None:
        self._owner = owner
        self._contexts = contexts
        self._limits = limits
        self._monotonic = monotonic
        self._connect = connect
        self._connect_own = connect_own  # to our own listener, never through a proxy

    async def open(self, exchange: Exchange, route: Route) -> Connection:
        """A fresh connection for this exchange; fills its phases. Raises DialFault."""
        exchange.stage = Stage.CONNECT
        before = self._monotonic()
        sock, key = await self._dial(exchange, self._connect_own if route.own else self._connect)
        connected = self._monotonic()
        exchange.connect_ms = (connected - before) * 1000
        if route.scheme == "https":
            exchange.stage = Stage.TLS
        connection = await self._wrap(sock, key, route)
        if route.scheme == "https":
            exchange.tls_ms = (self._monotonic() - connected) * 1000
        return connection

    async def _dial(self, exchange: Exchange, connect: Connect) -> tuple[socket.socket, Key]:
        keys = exchange.vetted
        end = self._monotonic() + self._limits.connect_timeout_s
        fault: DialFault | None = None
        for left, key in zip(range(len(keys), 0, -1), keys, strict=True):
            *_, port, exchange.address = key
            try:
                async with asyncio.timeout(max(0.0, end - self._monotonic()) / left):
                    return await connect(key[-1], port), key
            except DialFault as error:
                fault = error
            except OSError as error:  # TimeoutError is one
                fault = connect_fault(error)
        raise fault or DialFault("dns_no_address", "the name has no address that may be dialled", Stage.RESOLVE)

    async def _wrap(self, sock: socket.socket, key: Key, route: Route) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection(key, self._owner, self._monotonic)
        try:
            if route.scheme == "http":
                await loop.create_connection(lambda: connection, sock=sock)
                return connection
            async with asyncio.timeout(self._limits.tls_timeout_s):
                await loop.create_connection(
                    lambda: connection, sock=sock, ssl=self._contexts.of(route.identity), server_hostname=route.host,
                    ssl_handshake_timeout=self._limits.tls_timeout_s * 2,
                )  # fmt: skip
        except TimeoutError:
            sock.close()
            raise DialFault("timeout", "the TLS handshake was not done in time", Stage.TLS) from None
        except OSError as error:  # every error of ssl is one
            sock.close()
            raise tls_fault(error) from None
        except BaseException:
            connection.abort()
            sock.close()
            raise
        return connection
