"""Two processes on one database: what is done at one is seen, heard and obeyed at the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from receiver import Receiver
from running import Running, running, until


@asynccontextmanager
async def front_and_back(data: Path, database: str) -> AsyncIterator[tuple[Running, Running]]:
    """One that people and programs talk to, one that delivers; both can be asked."""
    shared = {"DESKBELL_DATABASE_URL": database}
    async with (
        running(data, DESKBELL_DELIVER="off", **shared) as front,
        running(data, **shared) as back,
    ):
        yield front, back


@asynccontextmanager
async def stream(of: Running) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """The events of `/stream`, as they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", of.port)
    head = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{of.port}\r\nAuthorization: Bearer {of.key}\r\n\r\n"
    writer.write(head.encode())
    await reader.readuntil(b": connected")

    async def events() -> AsyncIterator[tuple[str, Any]]:
        name = ""
        while line := (await reader.readline()).decode():
            kind, _, value = line.strip("\r\n").partition(": ")
            if kind == "event":
                name = value
            elif kind == "data":
                yield name, json.loads(value)

    try:
        yield events()
    finally:
        writer.close()


async def test_an_admin_sees_at_one_node_what_another_delivers(tmp_path: Path, database: str) -> None:
    """The stream tells it live: the delivery as it was made here, the attempt and its end as they were made there."""
    async with front_and_back(tmp_path, database) as (front, _), Receiver() as receiver:
        await front.webhook(receiver.url, "custom.*")
        async with stream(front) as events, asyncio.timeout(20):
            await front.good("POST", "/events", {"type": "custom.order", "data": {"n": 1}})
            seen: list[str] = []
            async for name, value in events:
                seen.append(f"{name} {value.get('state') or value['outcome']}")
                if seen[-1] == "delivery delivered":
                    break
        assert seen[0] == "delivery waiting"
        assert any(one.startswith("attempt ") for one in seen)


async def test_a_pause_at_one_node_holds_the_deliveries_of_the_other(tmp_path: Path, database: str) -> None:
    """And what was held goes out when it ends."""
    async with front_and_back(tmp_path, database) as (front, back), Receiver() as receiver:
        webhook = await front.webhook(receiver.url, "custom.*")
        await front.good("POST", f"/webhooks/{webhook['id']}/pause")
        await until(lambda: is_state(back, webhook["id"], "paused"))
        await back.good("POST", "/events", {"type": "custom.order", "data": {"n": 1}})
        held = await front.delivery(lambda one: one["heldBy"] == "paused")
        await front.good("POST", f"/webhooks/{webhook['id']}/resume")
        await front.delivery(lambda one: one["id"] == held["id"] and one["state"] == "delivered")
        assert len(receiver.received) == 1


async def is_state(node: Running, webhook_id: str, state: str) -> bool:
    """Whether the engine of this node knows the webhook so."""
    known = node.house.rooms.engine._settings.webhook("desk", webhook_id)
    return known is not None and known.state.value == state


async def test_a_key_that_is_revoked_at_one_node_is_refused_at_the_other(tmp_path: Path, database: str) -> None:
    """Within five seconds: so long an answer about a key is remembered."""
    async with front_and_back(tmp_path, database) as (front, back):
        key = await front.good("POST", "/keys", {"name": "short-lived", "scopes": ["webhooks:read"]})
        assert (await back.call("GET", "/webhooks", key=key["key"])).status == 200
        await front.good("DELETE", f"/keys/{key['id']}")

        async def refused() -> bool:
            return (await back.call("GET", "/webhooks", key=key["key"])).status == 401

        await until(refused)


async def test_a_program_waits_at_one_node_for_what_arrives_at_the_other(tmp_path: Path, database: str) -> None:
    """The inspector's bins belong to the database, not to the process that captures."""
    async with front_and_back(tmp_path, database) as (front, back):
        made = await front.good("POST", "/inspector/bins", {"name": "shared"})
        waiting = asyncio.create_task(front.good("GET", f"/inspector/bins/{made['id']}/wait?count=1&timeout=60"))
        path = made["url"].split("/", 3)[3]
        await back.call("POST", f"/{path}", b'{"hello":1}', key="")
        assert len((await waiting)["items"]) == 1
