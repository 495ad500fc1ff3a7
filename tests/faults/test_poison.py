"""Row 18, rows that nobody can send: set aside after three faults of ours, said aloud, and all others flow."""

import asyncio
import json
import time
from typing import Any

import apsw
import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Publisher, load
from faults.process import Process
from receiver import Receiver
from running import until

MARK = "poisoned"
FAULTS_MAX = 3


async def publish(process: Process, event_type: str, **data: Any) -> str:
    """One event; its id."""
    made = await process.client.good("POST", "/events", {"type": event_type, "data": data})
    return str(made["id"])


async def quarantined(process: Process, count: int) -> list[Any]:
    """The deliveries that were set aside, as soon as there are so many."""

    async def enough() -> Any:
        items = (await process.client.good("GET", "/deliveries?state=exhausted&limit=200"))["items"]
        found = [one for one in items if one["lastOutcome"] == "quarantined"]
        return found if len(found) >= count else None

    return list(await until(enough))


def change(process: Process, sql: str, *bindings: Any) -> None:
    """Behind the back of a process that is stopped."""
    connection = apsw.Connection(str(process.data / "deskbell.db"))
    connection.execute(sql, bindings)
    assert connection.changes() == 1
    connection.close()


def sealed_secret(process: Process, webhook_id: str) -> bytes:
    """A webhook's secret as it is stored."""
    connection = apsw.Connection(str(process.data / "deskbell.db"))
    ((body,),) = connection.execute("SELECT body FROM secret WHERE webhook_id = ?", (webhook_id,))
    connection.close()
    return bytes(body)


def spoiled(body: bytes) -> bytes:
    """The same row without its checksum, with a sealed value that no key opens."""
    plain = body[body.index(b"{") :]
    row = json.loads(plain)
    for name, value in row.items():
        if isinstance(value, str) and len(value) > 60:
            row[name] = value[:40] + ("A" if value[40] != "A" else "B") + value[41:]
    assert row != json.loads(plain)
    return json.dumps(row).encode()


@pytest.mark.xdist_group("faults")
async def test_poison_is_set_aside(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """A renderer that raises, an event of an unknown form, a secret that cannot be opened; mended, all can be sent."""
    process, began = make_process(), time.monotonic()
    async with Receiver() as receiver:
        await process.start()
        healthy = await hook(process.client, receiver, "healthy", "custom.load")
        poisoned = await hook(process.client, receiver, "poisoned", "custom.poison")
        unsealed = await hook(process.client, receiver, "unsealed", "custom.unsealed")
        await process.client.good("POST", f"/webhooks/{poisoned.id}/pause")
        unknown = await publish(process, "custom.poison", n=1)
        assert await asyncio.to_thread(process.stop) == 0
        body = sealed_secret(process, unsealed.id)
        change(process, "UPDATE secret SET body = ? WHERE webhook_id = ?", spoiled(body), unsealed.id)
        change(process, "UPDATE event SET snapshot = x'01ffff' WHERE id = ?", unknown)
        process.tricks = {"poison": MARK}
        await process.start()
        await process.client.good("POST", f"/webhooks/{poisoned.id}/resume")
        async with load(Publisher(process, pause_s=0.02), lines=2) as publisher:
            raising = await publish(process, "custom.poison", text=MARK)
            sent = await publish(process, "custom.poison", text="wholesome")
            closed = await publish(process, "custom.unsealed", n=1)
            found = await quarantined(process, 3)
        assert {event for one in found for event in one["eventIds"]} == {unknown, raising, closed}
        assert {one["attempts"] for one in found} == {FAULTS_MAX}
        carried = [one["eventIds"] for one in await ended(process, poisoned.id) if one["state"] == "delivered"]
        assert carried == [[sent]]
        log = process.log.read_text()
        assert all(f'"delivery": "{one["id"]}"' in line for one in found for line in alarms(log, one["id"]))
        assert all(alarms(log, one["id"]) for one in found)
        assert await asyncio.to_thread(process.stop) == 0
        change(process, "UPDATE secret SET body = ? WHERE webhook_id = ?", body, unsealed.id)
        process.tricks = {}
        await process.start()
        for one in found:
            if unknown not in one["eventIds"]:
                await process.client.good("POST", f"/deliveries/{one['id']}/redeliver")
        await receiver.wait(1, lambda one: one.target == unsealed.target)
        await receiver.wait(2, lambda one: one.target == poisoned.target)
        await check(
            process.client,
            publisher,
            [healthy],
            row=18,
            name="poison rows",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            quarantined=len(found),
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)


async def ended(process: Process, webhook_id: str) -> list[Any]:
    """Deliveries of a webhook."""
    return list((await process.client.good("GET", f"/deliveries?webhook={webhook_id}"))["items"])


def alarms(log: str, delivery_id: str) -> list[str]:
    """What the Operator is told of this delivery."""
    return [line for line in log.splitlines() if "delivery.quarantined" in line and delivery_id in line]
