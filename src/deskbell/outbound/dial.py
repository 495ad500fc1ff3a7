"""Opening a connection to a vetted address, never to a name."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from deskbell.model.exchange import Stage
from deskbell.outbound.connection import Connection, Owner
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.faults import DialFault, connect_fault
from deskbell.outbound.route import Key, Route
from deskbell.outbound.tls import Contexts, tls_fault
from deskbell.rules.limits import Limits

Connect = Callable[[str, int], Awaitable[socket.socket]]
"""Address, port: a connected non-blocking socket, or OSError."""


async def connect_tcp(address: str, port: int) -> socket.socket:
    """A socket connected to this very address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        if ip_address(sock.getpeername()[0]) != ip_address(address):
            raise ConnectionRefusedError("the peer is not the address that was dialled")
    except BaseException:
        sock.close()
        raise
    return sock


class Dialler:
    """TCP to at most three addresses, then TLS."""

    def __init__(
        self, *, owner: Owner, contexts: Contexts, limits: Limits, monotonic: Callable[[], float], connect: Connect
    ) -> None:
        self._owner = owner
        self._contexts = contexts
        self._limits = limits
        self._monotonic = monotonic
        self._connect = connect

    async def open(self, exchange: Exchange, route: Route) -> Connection:
        """A fresh connection for this exchange; fills its phases. Raises DialFault."""
        exchange.stage = Stage.CONNECT
        before = self._monotonic()
        sock, key = await self._dial(exchange)
        connected = self._monotonic()
        exchange.connect_ms = (connected - before) * 1000
        if route.scheme == "https":
            exchange.stage = Stage.TLS
        connection = await self._wrap(sock, key, route)
        if route.scheme == "https":
            exchange.tls_ms = (self._monotonic() - connected) * 1000
        return connection

    async def _dial(self, exchange: Exchange) -> tuple[socket.socket, Key]:
        keys = exchange.vetted
        end = self._monotonic() + self._limits.connect_timeout_s
        fault: DialFault | None = None
        for left, key in zip(range(len(keys), 0, -1), keys, strict=True):
            *_, port, exchange.address = key
            try:
                async with asyncio.timeout(max(0.0, end - self._monotonic()) / left):
                    return await self._connect(key[-1], port), key
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
