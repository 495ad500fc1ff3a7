"""Names, addresses and connections: the real guarded dialler over a wire that only exists here."""

import asyncio
import ipaddress
from collections.abc import Callable
from contextvars import Context
from typing import Any

from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.outbound.connection import Connection
from deskbell.outbound.dial import Dialler
from deskbell.outbound.faults import ResolveFault
from deskbell.outbound.route import Key, Route
from deskbell.outbound.sender import GuardedSender
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from simulation.clocks import SimClock
from simulation.loop import SimLoop
from simulation.receivers import Arrival, Receiver
from simulation.tape import Tape

POLICY = UrlPolicy()
FORBIDDEN = ("10.0.0.7", "127.0.0.1", "169.254.169.254", "::ffff:192.168.1.1", "fd00::7", "100.64.0.1")
Find = Callable[[str], Receiver | None]


class Network:
    """Which name leads where, and every address that was dialled."""

    def __init__(self, loop: SimLoop, tape: Tape, find_address: Find, find_host: Find) -> None:
        self.loop, self.tape = loop, tape
        self.receiver_at, self.receiver_of = find_address, find_host
        self.answers: dict[str, list[tuple[str, ...]]] = {}  # by host: what was answered so far
        self.dialled: list[tuple[str, str]] = []
        self.found: list[str] = []  # what must not happen

    async def resolve(self, host: str, timeout_s: float) -> tuple[str, ...]:
        """Implements ports.Resolver."""
        receiver = self.receiver_of(host)
        fault = None if receiver is None else receiver.dns_fault
        if fault == "dns_timeout":
            await asyncio.sleep(timeout_s)
            raise ResolveFault(fault)
        await asyncio.sleep(self.tape.skewed(0.001, 0.2))
        if receiver is None or fault is not None:
            raise ResolveFault(fault or "dns_nxdomain")
        answer = receiver.names(self.tape)
        self.answers.setdefault(host, []).append(answer)
        return answer

    async def connect(self, address: str, port: int) -> Any:
        """In the place of `connect_tcp`: every address that anybody dials comes by here."""
        self.dialled.append((address, str(port)))
        if not ipaddress.ip_address(address).is_global:
            self.found.append(f"dialled: {address} is not public")
        receiver = self.receiver_at(address)
        if receiver is None:
            raise ConnectionRefusedError("nobody is there")
        await asyncio.sleep(receiver.connect_s(self.tape))
        if receiver.refuses(self.tape):
            raise ConnectionRefusedError("nothing listens")
        return receiver


class Wire:
    """One connection, as an asyncio transport: bytes go to the receiver, what it says comes back."""

    def __init__(self, network: Network, receiver: Receiver, connection: Connection, host: str, by: Context) -> None:
        self._network, self._receiver, self._connection = network, receiver, connection
        self._host, self._by = host, by
        self._closed = False

    def get_extra_info(self, name: str) -> Any:
        """No TLS object: the wire is private."""
        return

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def write(self, data: bytes) -> None:
        """A request; it arrives whatever becomes of the process."""
        network = self._network
        network.loop.later(network.tape.skewed(0.0005, 0.05), self._arrive, bytes(data))

    def _arrive(self, data: bytes) -> None:
        arrival = read_request(data, self._host, self._network.loop.time())
        says = self._receiver.take(arrival)
        if says.after_s is not None:
            self._network.loop.later(says.after_s, self._say, says.data, says.resets, by=self._by)

    def _say(self, data: bytes, resets: bool) -> None:
        if self._closed:
            return
        if resets:
            self._closed = True
            self._connection.connection_lost(ConnectionResetError("reset"))
            return
        self._connection.data_received(data)

    def abort(self) -> None:
        """Close at once."""
        if not self._closed:
            self._closed = True
            self._network.loop.later(0.0, self._connection.connection_lost, None, by=self._by)


def read_request(data: bytes, host: str, at: float) -> Arrival:
    """One whole request."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Arrival(at=at, host=host, path=first.split(" ")[1], headers=headers, body=body)


class SimDialler(Dialler):
    """The real dialler, but for the handshake."""

    network: Network
    by: Context

    async def _wrap(self, sock: Any, key: Key, route: Route) -> Connection:
        connection = Connection(key, self._owner, self._monotonic)
        connection.connection_made(Wire(self.network, sock, connection, route.host, self.by))  # type: ignore[arg-type]
        return connection


class WatchedSender:
    """Implements ports.Sender: the real one, and a look at each request when it is handed over."""

    def __init__(
        self, network: Network, clock: SimClock, limits: Limits, by: Context, watch: Callable[[Sendable], Any]
    ) -> None:
        self._real = GuardedSender(
            resolver=network,
            policy=POLICY,
            limits=limits,
            clock=clock,
            make_context=object,  # type: ignore[arg-type]  # there is no handshake
            connect=network.connect,
        )
        dialler = SimDialler(
            owner=self._real, contexts=None, limits=limits, monotonic=clock.monotonic,  # type: ignore[arg-type]
            connect=network.connect, connect_own=network.connect,
        )  # fmt: skip
        dialler.network, dialler.by = network, by
        self._real._dialler = dialler
        self._watch = watch
        self.in_flight: dict[int, Sendable] = {}
        self._count = 0

    def submit(self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None]) -> None:
        """Send one request."""
        self._count += 1
        number = self._count
        self.in_flight[number] = sendable
        answered = self._watch(sendable)

        def came(reply: Reply) -> None:
            del self.in_flight[number]
            answered(reply)
            done(reply)

        self._real.submit(sendable, policy, came)

    async def close(self) -> None:
        """Close every connection."""
        await self._real.close()


__all__ = ["FORBIDDEN", "Network", "WatchedSender"]
