"""A TCP connection to an address, and the form of everything that makes one."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

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
