"""Row 11, the name server fails in every way: the attempt says how, in three seconds at most; others do not notice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Publisher, load
from faults.process import Process, ports
from outbound.test_resolver import CNAME, NXDOMAIN, OK, SERVFAIL, A, NameServer, encoded, record
from receiver import Receiver
from running import Running, until

LOOPBACK, ELSEWHERE = bytes([127, 0, 0, 1]), bytes([10, 1, 2, 3])
RESOLVE_MS = 3_000
SLACK_MS = 1_000  # of a machine that does much else
NAMED = {
    "nxdomain": {"dns_nxdomain"},
    "servfail": {"dns_error"},
    "silent": {"dns_timeout"},
    "flips": {"http_200", "blocked"},
    "many": {"http_200", "dns_error"},
    "loop": {"dns_error", "dns_no_address"},
}


class World:
    """What the name server says, until it is healed."""

    def __init__(self) -> None:
        self.healed = False
        self.turns = 0

    def answer(self, name: str, kind: int) -> tuple[int, list[bytes]] | None:
        """One question."""
        label = name.partition(".")[0]
        if kind != A:
            return OK, []
        good = [record(name, A, LOOPBACK)]
        if self.healed:
            return OK, good
        self.turns += 1
        flip = [record(name, A, LOOPBACK if self.turns % 2 else ELSEWHERE)]
        loop = [record(name, CNAME, encoded(f"x.{name}")), record(f"x.{name}", CNAME, encoded(name))]
        return {
            "nxdomain": (NXDOMAIN, []),
            "servfail": (SERVFAIL, []),
            "silent": None,
            "flips": (OK, flip),
            "many": (OK, good * 500),
            "loop": (OK, loop),
        }[label]


@asynccontextmanager
async def name_server(world: World) -> AsyncIterator[str]:
    """Its `host:port`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: NameServer(world.answer), local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()


async def attempts(process: Process, webhook_id: str) -> list[Any]:
    """Every attempt for a webhook, with its timing."""
    found = []
    for one in (await process.client.good("GET", f"/deliveries?webhook={webhook_id}&limit=200"))["items"]:
        found += (await process.client.good("GET", f"/deliveries/{one['id']}"))["log"]
    return [await process.client.good("GET", f"/attempts/{one['id']}") for one in found[:20]]


async def lateness_s(port: int) -> float:
    """The longest that the event loop was late since the last look."""
    metrics = Running(house=None, port=port, key="", setup_url="")  # type: ignore[arg-type]  # no house in this process
    lines = (await metrics.call("GET", "/metrics")).body.decode().splitlines()
    (line,) = [one for one in lines if one.startswith("deskbell_loop_late_seconds ")]
    return float(line.split(" ")[1])


@pytest.mark.xdist_group("faults")
async def test_names_fail(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Six names in six ways beside a webhook that needs none; healed, everything arrives, and nothing was disabled."""
    world, began = World(), time.monotonic()
    limits = {"BREAKER_OPEN_S": "0.1", "BREAKER_OPEN_S_MAX": "0.5", "DNS_CACHE_S": "0"}
    process = make_process(**{f"DESKBELL_LIMIT_{name}": value for name, value in limits.items()})
    metrics = ports()
    process.environment["DESKBELL_METRICS"] = f"127.0.0.1:{metrics}"
    async with Receiver() as receiver, name_server(world) as address:
        process.tricks = {"name_server": address}
        await process.start()
        healthy = await hook(process.client, receiver, "healthy")
        named = {}
        for label in NAMED:
            url = f"http://{label}.hooks-test.com:{receiver.port}"
            named[label] = await hook(process.client, receiver, label, url=url)
        async with load(Publisher(process, pause_s=0.1), lines=1) as publisher:
            for label, names in NAMED.items():

                async def has_failed(label: str = label, names: set[str] = names) -> bool:
                    made = await attempts(process, named[label].id)
                    assert {one["outcome"]["name"] for one in made} <= names
                    assert all(one["timing"]["totalMs"] <= RESOLVE_MS + SLACK_MS for one in made)
                    return len(made) >= 3

                await until(has_failed)
        late_s = await lateness_s(metrics)
        world.healed = True
        hooks = (await process.client.good("GET", "/webhooks"))["items"]
        assert {one["state"] for one in hooks} == {"enabled"}
        firsts = [one for one in receiver.received if one.target == healthy.target]
        assert {one.header("deskbell-attempt") for one in firsts} == {"1"}
        await check(
            process.client,
            publisher,
            [healthy, *named.values()],
            row=11,
            name="name server fails",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            loop_late_ms=round(1_000 * late_s),
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)
