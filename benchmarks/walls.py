"""What row-level security costs readers on PostgreSQL: the same questions with and without it, in turns, in one run."""

import asyncio
import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from contract.made import OTHER, SITE, delivery, event, inserts, site, webhook
from deskbell.model.query import DeliveryFilter
from deskbell.storage.postgres import PostgresStore
from postgres_server import PostgresServer

ROUNDS, QUESTIONS, ROWS = 9, 200, 4_000


async def filled(url: str) -> tuple[PostgresStore, str, str]:
    """A store with two sites' deliveries, and a webhook and an event of the first."""
    store = await PostgresStore.open(url)
    hooks = [webhook(), webhook(site=OTHER)]
    await store.commit(inserts(site(), site(OTHER), *hooks))
    for start in range(0, ROWS, 500):
        rows = [delivery(n, site=hook.site, webhook_id=hook.id) for n in range(start, start + 250) for hook in hooks]
        await store.commit(inserts(*rows))
    one = event()
    await store.commit(inserts(one))
    return store, hooks[0].id, one.id


async def round_s(store: PostgresStore, hook: str, event_id: str, *, sites: tuple[str, ...]) -> dict[str, float]:
    """Seconds for so many of each question."""
    took: dict[str, float] = {}
    for name in ("due", "page", "event"):
        start = perf_counter()
        for n in range(QUESTIONS):
            asked = sites[n % len(sites)]
            if name == "due":
                await store.due.deliveries(asked, hook, None, 100)
            elif name == "page":
                await store.deliveries.page(asked, DeliveryFilter(), None, 50)
            else:
                await store.events.get(asked, event_id)
        took[name] = perf_counter() - start
    return took


async def measure(url: str) -> dict[str, dict[str, float]]:
    """Median ratio bound / free for one site, and for two sites in turns on the same connections."""
    store, hook, event_id = await filled(url)
    role = store._readers._role
    found: dict[str, dict[str, float]] = {}
    for words, sites in (("one site", (SITE,)), ("two sites in turns", (SITE, OTHER))):
        ratios: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            took = []
            for who in (None, role):
                store._readers._role = who
                store._readers._forget_idle()
                await round_s(store, hook, event_id, sites=sites)
                took.append(await round_s(store, hook, event_id, sites=sites))
            for name, free_s in took[0].items():
                ratios.setdefault(name, []).append(took[1][name] / free_s)
        found[words] = {name: round(median(all_), 3) for name, all_ in ratios.items()}
    await store.close()
    return found


def main() -> None:
    """One server, one run."""
    server = PostgresServer()
    try:
        server.start(fsync="off")
        server.run("createdb", "walls")
        print(json.dumps(asyncio.run(measure(server.url("walls")))))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
