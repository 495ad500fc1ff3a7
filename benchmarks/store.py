"""What a store alone costs: events with a delivery written, then settled, in groups of a size.

Usage: python benchmarks/store.py [--events 10000] [--groups 1,10,100] [--postgres]. Processor time and wall time per
row, and what the file grew by; of PostgreSQL rows per second, and the processor time of both sides.
"""

import argparse
import asyncio
import gc
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from deskbell.model.changes import Committed, Insert, PutHealth, Settle, Unit, Verdict
from deskbell.model.delivery import Attempt, Decision, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.exchange import Outcome, OutcomeClass, Timing
from deskbell.model.ids import AttemptId, SiteId, WebhookId, make_id
from deskbell.model.instant import plus
from deskbell.model.webhook import Health
from deskbell.ports import Store
from deskbell.storage.sqlite import SqliteStore
from filling import pair

SITE, WEBHOOK = SiteId("desk"), WebhookId(make_id("whk", unix_ms=1, chance=1))
SENT = (
    ("content-type", "application/json; charset=utf-8"),
    ("content-length", "1560"),
    ("accept", "*/*"),
    ("accept-encoding", "identity"),
    ("user-agent", "Deskbell/0.1.0"),
    ("webhook-id", "dlv_01KAXMZ7M5E7GB9KJ2Q7Y8V4XS"),
    ("webhook-timestamp", "1790000000"),
    ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("x-dd-signature", "sha256=" + "0123456789abcdef" * 4),
    ("deskbell-event", "custom.load"),
    ("deskbell-attempt", "1"),
    ("deskbell-triggered-at", "2026-11-25T21:10:09.5895683Z"),
    ("deskbell-hop", "1"),
)


def settle_of(delivery: Delivery, n: int) -> Unit:
    """A successful first attempt."""
    at = plus(delivery.created_at, 0.01)
    attempt = Attempt(
        site=SITE,
        id=AttemptId(make_id("att", unix_ms=1_790_000_000_000 + n, chance=n)),
        delivery_id=delivery.id,
        webhook_id=WEBHOOK,
        number=1,
        trigger=Trigger.AUTOMATIC,
        started_at=at,
        outcome=Outcome(kind=OutcomeClass.DELIVERED, name="http_200", status=200),
        decision=Decision(kind=DecisionKind.DELIVERED),
        timing=Timing(queued_ms=0.21, first_byte_ms=0.35 + n % 7, total_ms=0.61 + n % 7),
        address="127.0.0.1:8081",
        url_masked="http://127.0.0.1:8081/…",
        request_headers=SENT,
        response_headers=(("content-length", "2"), ("server", "x")),
        response_body=b"ok",
        secret_fingerprint="0a1b2c3d",
    )
    after = replace(
        delivery, state=DeliveryState.DELIVERED, ended_at=at, attempts=1, step=1, last_outcome="http_200",
        last_status=200, payload_bytes=1560,
    )  # fmt: skip
    health = Health(site=SITE, webhook_id=WEBHOOK, last_outcome="http_200", last_status=200, last_attempt_at=at)
    return Unit(
        changes=(Settle(attempt=attempt, after=after, expected=DeliveryState.WAITING), PutHealth(health=health))
    )


async def timed(store: SqliteStore, units: list[Unit], group: int) -> tuple[float, float]:
    """Wall and processor time per unit, µs."""
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(units), group):
        await asyncio.gather(*[store.commit(unit) for unit in units[first : first + group]])
    count = len(units)
    return (time.perf_counter() - wall) / count * 1e6, (time.process_time() - cpu) / count * 1e6


async def measure(count: int, group: int) -> None:
    """One size of group."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deskbell.db"
        store = SqliteStore.open(path)
        pairs = [pair(SITE, WEBHOOK, 1, n, 1_790_000_000_000 + n) for n in range(count)]
        written = await timed(store, [Unit(changes=tuple(Insert(row=row) for row in two)) for two in pairs], group)
        settled = await timed(store, [settle_of(delivery, n) for n, (_, delivery) in enumerate(pairs)], group)
        await store.close()
        size = path.stat().st_size
    print(
        f"groups of {group:4}: event and delivery {written[0]:7.1f} µs ({written[1]:6.1f} processor), "
        f"settle {settled[0]:7.1f} µs ({settled[1]:6.1f}), {size / count / 1024:.2f} KiB"
    )


async def measure_postgres(count: int, group: int) -> None:
    """One size of group on a server of its own; while one transaction is there, the next one grows."""
    from deskbell.storage.postgres import PostgresStore
    from on_postgres import database

    with database() as url:
        store = await PostgresStore.open(url, commit_units_max=group)
        pairs = [pair(SITE, WEBHOOK, 1, n, int(time.time() * 1000)) for n in range(count)]
        inserts = [Unit(changes=tuple(Insert(row=row) for row in two)) for two in pairs]
        settles = [settle_of(delivery, n) for n, (_, delivery) in enumerate(pairs)]
        gc.collect()
        gc.freeze()
        server = (await store._sessions.present()).connection.get_server_pid()
        for what, units in (("event and delivery", inserts), ("settle", settles)):
            wall, ours, theirs = time.perf_counter(), time.process_time(), processor_s(server)
            await flooded(store, units, 2 * group)
            per_unit = [(now - then) / count * 1e6 for now, then in (
                (time.process_time(), ours), (processor_s(server), theirs))]  # fmt: skip
            print(
                f"groups of {group:4}: {what:18} {count / (time.perf_counter() - wall):7,.0f}/s, processor "
                f"{per_unit[0]:5.1f} µs here, {per_unit[1]:5.1f} µs in the server"
            )
        await store.close()


async def flooded(store: Store, units: list[Unit], at_once: int) -> None:
    """Commit all, so many under way."""
    left, done, more = len(units), asyncio.Event(), iter(units)

    def arrive(verdict: Verdict) -> None:
        nonlocal left
        assert isinstance(verdict, Committed), verdict
        left -= 1
        submit_next()
        if not left:
            done.set()

    def submit_next() -> None:
        unit = next(more, None)
        if unit is not None:
            store.submit(unit, arrive)

    for _ in range(at_once):
        submit_next()
    await done.wait()


def processor_s(pid: int) -> float:
    """Processor time of another process so far."""
    figures = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Every size."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--groups", default="1,10,100")
    options.add_argument("--postgres", action="store_true")
    chosen = options.parse_args()
    run = measure_postgres if chosen.postgres else measure
    for group in chosen.groups.split(","):
        asyncio.run(run(chosen.events if int(group) > 1 else chosen.events // 5, int(group)))


if __name__ == "__main__":
    main()
