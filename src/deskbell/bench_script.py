"""What `deskbell bench` performs: events at a steady rate, then as fast as they go, to a receiver in this process."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deskbell.model.account import Caller, Permission, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Refused
from deskbell.model.draft import Draft, Published
from deskbell.model.ids import SiteId
from deskbell.model.people import SYSTEM
from deskbell.rooms import Rooms
from deskbell.webhooks import WebhookSpec

STEADY_PER_S = 100
AT_ONCE = 64
WAIT_S = 60.0
DATA = b'{"text":"' + b"x" * 1_400 + b'"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(kw_only=True)
class Tally:
    """What was seen: times in seconds."""

    accepted: int = 0
    accept_s: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    handed_in: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Accepted and not arrived."""
        return self.accepted - len(self.arrivals)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the run came to."""

    steady: Tally
    flood: Tally
    flood_s: float

    @property
    def deliveries_per_s(self) -> float:
        """From the first event handed in to the last arrival."""
        return len(self.flood.arrivals) / max(self.flood_s, 1e-6)


async def measure(rooms: Rooms, seconds: float, told: Callable[[str], None]) -> Figures:
    """Both parts, each for so many seconds."""
    site = (await rooms.store.sites.all())[0].site
    receiver = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    port = receiver.sockets[0].getsockname()[1]
    caller = Caller(
        site=site, kind="person", id="usr_bench", name="Bench", permissions=frozenset(Permission), role=Role.OWNER
    )
    spec = WebhookSpec(description="bench", receiver_url=f"http://127.0.0.1:{port}/", event_types=("custom.*",))
    await rooms.registrations.create(caller, spec, origin=Origin(address="", request_id="bench"))
    try:
        told(f"{STEADY_PER_S} events a second for {seconds:g} s …")
        steady, _ = await _run(rooms, site, seconds, STEADY_PER_S)
        told(f"As many as go through for {seconds:g} s …")
        flood, flood_s = await _run(rooms, site, seconds, None)
    finally:
        receiver.close()
    return Figures(steady=steady, flood=flood, flood_s=flood_s)


async def _run(rooms: Rooms, site: SiteId, seconds: float, per_second: int | None) -> tuple[Tally, float]:
    """Hand in until the time is over, then wait for what was accepted."""
    tally = _Receiver.tally = Tally()
    began = time.perf_counter()
    if per_second is None:
        await asyncio.gather(*[_again_and_again(rooms, site, tally, began + seconds) for _ in range(AT_ONCE)])
    else:
        for n in range(int(seconds * per_second)):
            await asyncio.sleep(max(0.0, began + n / per_second - time.perf_counter()))
            await _publish(rooms, site, tally)
    until = time.perf_counter() + WAIT_S
    while tally.lost and time.perf_counter() < until:  # noqa: ASYNC110 - arrivals are only counted
        await asyncio.sleep(0.005)
    return tally, (max(tally.arrivals, default=began) - began)


async def _again_and_again(rooms: Rooms, site: SiteId, tally: Tally, until: float) -> None:
    while time.perf_counter() < until:
        await _publish(rooms, site, tally)


async def _publish(rooms: Rooms, site: SiteId, tally: Tally) -> None:
    started = time.perf_counter()
    draft = Draft(type="custom.bench", by=SYSTEM, occurred_at=rooms.clock.now(), data=DATA)
    answer: Published | Refused = await rooms.engine.publish(site, [draft])
    if isinstance(answer, Published):
        tally.accepted += 1
        tally.accept_s.append(time.perf_counter() - started)
        tally.handed_in.append(started)


class _Receiver(asyncio.Protocol):
    """Answers 200 at once and notes when."""

    tally = Tally()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self.tally.arrivals.append(time.perf_counter())
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]  # a stream's transport
