"""The Operator's egress proxy: a tunnel to an address that was vetted here. The proxy never sees a name."""

import asyncio
import re
import socket
import time
from dataclasses import dataclass

from deskbell.model.exchange import Stage
from deskbell.outbound.faults import DialFault, ResolveFault
from deskbell.outbound.names import Names
from deskbell.outbound.tcp import Connect, connect_tcp
from deskbell.ports import Resolver
from deskbell.rules.egress import EgressProxy
from deskbell.rules.limits import Limits

_HEAD_BYTES_MAX = 8_192
_PROBE_S = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r\n]")
_OURS = ""
"""The proxy belongs to no site."""


@dataclass(frozen=True, kw_only=True)
class ThroughProxy:
    """Connects as a Dialler wants it: address and port to a socket, here one that ends at the proxy."""

    proxy: EgressProxy
    names: Names
    connect: Connect

    async def __call__(self, address: str, port: int) -> socket.socket:
        """A socket whose bytes the proxy passes on to this address. Raises OSError or DialFault."""
        sock = await self.reach()
        try:
            await self._open_tunnel(sock, address, port)
        except BaseException:
            sock.close()
            raise
        return sock

    async def reach(self) -> socket.socket:
        """A connection to the proxy itself. Raises DialFault."""
        if self.proxy.is_literal:
            addresses: tuple[str, ...] = (self.proxy.host,)
        else:
            try:
                addresses = await self.names.find(_OURS, self.proxy.host)
            except ResolveFault as fault:
                raise _refused(f"the name of the egress proxy could not be looked up: {fault.text}") from None
        for address in addresses:
            try:
                return await self.connect(address, self.proxy.port)
            except OSError:
                continue
        raise _refused("the egress proxy takes no connections")

    async def _open_tunnel(self, sock: socket.socket, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        await loop.sock_sendall(sock, f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n".encode("ascii"))
        head = b""
        while b"\r\n\r\n" not in head:
            piece = await loop.sock_recv(sock, _HEAD_BYTES_MAX)
            head += piece
            if not piece:
                raise _refused("the egress proxy closed the connection before it answered")
            if len(head) > _HEAD_BYTES_MAX:
                raise _refused("the egress proxy's answer is too long")
        found = _STATUS.match(head)
        if found is None:
            raise _refused("the egress proxy does not answer in HTTP/1.x")
        if not found[1].startswith(b"2"):
            raise _refused(f"the egress proxy answered {found[1].decode()}")
        if not head.endswith(b"\r\n\r\n") or head.count(b"\r\n\r\n") > 1:
            raise _refused("the egress proxy sent bytes of its own into the tunnel")


async def proxy_fault(proxy: EgressProxy, resolver: Resolver, limits: Limits) -> str | None:
    """Why the proxy cannot be reached from here; None when it takes connections."""
    through = ThroughProxy(proxy=proxy, names=Names(resolver, limits, time.monotonic), connect=connect_tcp)
    try:
        async with asyncio.timeout(_PROBE_S):
            (await through.reach()).close()
    except TimeoutError:
        return "no connection came about in time"
    except DialFault as fault:
        return fault.text
    return None


def _refused(text: str) -> DialFault:
    return DialFault("connection_refused", text, Stage.CONNECT)
