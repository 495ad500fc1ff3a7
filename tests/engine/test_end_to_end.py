"""Real parts only: a database file, the guarded dialler, a socket, and a verifier that is not ours."""

import asyncio
import json
import time

import pytest
from standardwebhooks import Webhook as Verifier

from deskbell.model.instant import from_seconds
from deskbell.outbound import GuardedSender
from deskbell.rules.allow import parse_allow
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from deskbell.storage.sqlite.store import SqliteStore
from engine.world import SITE, World, until


class LoopbackResolver:
    """Nothing has to be looked up here."""

    async def resolve(self, host: str, timeout_s: float) -> tuple[str, ...]:
        raise AssertionError(f"looked up {host}")


class Receiver:
    """An HTTP server that keeps what it got and answers in turn."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def open(self) -> str:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/in"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(b"HTTP/1.1 %d OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok" % status)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def close(self) -> None:
        self.server.close()
        await self.server.wait_closed()


@pytest.fixture
async def world(tmp_path):
    """An engine on real parts whose clock begins now, so that signatures are in time."""
    limits = Limits()
    policy = UrlPolicy(allow=parse_allow("127.0.0.0/8:*"))
    sender = GuardedSender(resolver=LoopbackResolver(), policy=policy, limits=limits)
    made = World(SqliteStore.open(tmp_path / "deskbell.db"), limits, sender)
    made.clock.wall = from_seconds(time.time())
    await made.start()
    yield made
    await made.engine.stop(5)
    await sender.close()
    await made.store.close()


async def test_delivered_over_a_socket_and_verified(world):
    """A failed and a good attempt over a real socket; the receiver verifies both with the standard library."""
    receiver = Receiver(500, 200)
    await world.webhook("custom.*", url=await receiver.open())
    published = await world.publish(data='{"name":"Zoë"}'.encode())
    await until(lambda: world.engine.counters().attempts.get("failed") == 1)
    world.clock.advance(5)
    world.engine.wake()
    await until(lambda: world.engine.counters().attempts.get("delivered") == 1)
    (secret,) = world.secrets.values()
    for headers, body in receiver.got:
        (snapshot,) = Verifier(secret).verify(body, headers)
        assert snapshot["data"] == {"name": "Zoë"}
        assert json.loads(body)[0]["id"] == published.event_ids[0]
    attempts = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert [one.outcome.name for one in attempts] == ["http_500", "http_200"]
    assert attempts[1].address == "127.0.0.1"
    assert attempts[1].response_body == b"ok"
    await receiver.close()


async def test_address_that_is_not_allowed_is_blocked(world):
    """A private address that the Operator did not allow gets nothing; the outcome names the rule."""
    await world.webhook("custom.*", url="https://10.1.2.3/in")
    published = await world.publish()
    await until(lambda: world.engine.counters().attempts.get("blocked") == 1)
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.last_outcome) == ("waiting", "blocked")
