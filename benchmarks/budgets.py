"""The budgets one by one: each makes its scene, measures, and answers figures, some of them beside their budget."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any

from deskbell.storage.sqlite import SqliteStore
from plot import Bar
from products import HERE, Ceiling, Deskbell
from reckoning import Report, arrival_ms, percentiles, rate, reconcile
from scene import Scene, free_port

CONNECTIONS = 64
NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(kw_only=True)
class Run:
    """One run of the harness: where it works, how long it publishes, what was found so far."""

    folder: Path
    seconds: float
    rows: int  # of a backlog
    report: Report = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)

    def deskbell(self, **environment: str) -> Deskbell:
        """A fresh product in a folder of its own."""
        folder = self.folder / f"deskbell-{time.time_ns()}"
        folder.mkdir(parents=True)
        return Deskbell(folder, free_port(), free_port(), environment)

    def ceiling(self) -> Ceiling:
        """A fresh ceiling."""
        folder = self.folder / f"ceiling-{time.time_ns()}"
        folder.mkdir(parents=True)
        return Ceiling(folder, free_port(), free_port())

    def judge(self, name: str, value: float, budget: float, unit: str, *, more: bool) -> None:
        """Put a figure beside its budget."""
        self.bars.append(Bar(name=name, value=round(value, 3), budget=budget, unit=unit, more_is_better=more))

    def once(self, name: str, measure: Callable[[], Report]) -> Report:
        """A measurement that several budgets need is made once."""
        if name not in self.report:
            self.report[name] = measure()
        found: Report = self.report[name]
        return found


def flood(
    run: Run, product: Any, *, hooks: int = 1, how: str = "ok", batch: int = 1, settings: Mapping[str, Any] = NONE
) -> Report:
    """As fast as it goes: rates, processor time, memory, disk, statements, and every event reconciled."""
    scene = Scene(product)
    with scene:
        scene.webhooks(hooks, how, **settings)
        idle_mb, before_s, before = scene.memory_mb(), scene.cpu_s(), figures_of(product)
        load = scene.publish(seconds=run.seconds, connections=CONNECTIONS if hooks < 10 else 32, batch=batch)
        product.quiet()
        cpu_s, after, peak_mb = scene.cpu_s() - before_s, figures_of(product), scene.memory_mb(peak=True)
    arrivals, paths = scene.arrivals(), list(scene.expected)
    events = sum(len(ids) for *_, ids in arrivals)
    settled = max(
        1.0, after.get("deskbell_attempt_seconds_count", 0.0) - before.get("deskbell_attempt_seconds_count", 0.0)
    )
    return {
        "events_per_s": round(rate(load, arrivals)),
        "cpu_us_per_event": round(cpu_s / max(events, 1) * 1e6),
        "memory_idle_mb": idle_mb,
        "memory_peak_mb": peak_mb,
        "statements_per_delivery": round(
            (after.get("deskbell_statements_total", 0.0) - before.get("deskbell_statements_total", 0.0)) / settled, 3
        ),
        **reconcile(load, arrivals, paths),
    }


def figures_of(product: Any) -> dict[str, float]:
    """What the product tells of itself, if it does."""
    found: dict[str, float] = product.metrics() if hasattr(product, "metrics") else {}
    return found


def rate_1(run: Run) -> Report:
    """Fan-out 1."""
    return run.once("1 fan-out 1", lambda: flood(run, run.deskbell()))


def budget_1(run: Run) -> None:
    """End to end, fan-out 1, beside the ceiling of the same run."""
    ceiling = run.once("1 ceiling", lambda: flood(run, run.ceiling()))
    ours = rate_1(run)
    run.judge("1 deliveries, fan-out 1", ours["events_per_s"], 10_000, "/s", more=True)
    run.judge("1 share of the ceiling", ours["events_per_s"] / ceiling["events_per_s"], 0.5, "of the rate", more=True)
    run.judge("13 statements per delivery", ours["statements_per_delivery"], 0.2, "", more=False)
    run.judge("8 memory idle", ours["memory_idle_mb"], 90, "MB", more=False)
    run.judge("8 memory at rate 1", ours["memory_peak_mb"], 250, "MB", more=False)


def budget_2(run: Run) -> None:
    """Fan-out 10."""
    ours = run.once("2 fan-out 10", lambda: flood(run, run.deskbell(), hooks=10))
    run.judge("2 deliveries, fan-out 10", ours["events_per_s"], 20_000, "/s", more=True)


def budget_3(run: Run) -> None:
    """Published and delivered in batches of 100."""
    gathers = {"batch": {"eventsMax": 100, "waitMs": 50}}
    ours = run.once("3 batches of 100", lambda: flood(run, run.deskbell(), batch=100, settings=gathers))
    run.judge("3 events in batches of 100", ours["events_per_s"], 40_000, "/s", more=True)


def paced(run: Run, per_second: int) -> Report:
    """At a constant rate: accepting, and from accepting to arrival."""
    product = run.deskbell()
    scene = Scene(product)
    with scene:
        scene.webhooks(1)
        load = scene.publish(seconds=run.seconds, per_second=per_second)
        product.quiet()
    arrivals, paths = scene.arrivals(), list(scene.expected)
    return {
        "start_to_first_accepted_s": round(product.ready_s, 2),
        "accept_ms": percentiles([(at - due) * 1000 for due, at, _, _ in load.requests]),
        "publish_to_arrival_ms": percentiles(arrival_ms(load, arrivals, paths)),
        **reconcile(load, arrivals, paths),
    }


def budget_4(run: Run) -> None:
    """Accepting at 200/s; start to the first accepted event."""
    ours = run.once("4 at 200/s", lambda: paced(run, 200))
    for name, budget in (("p50", 1.5), ("p95", 4.0), ("p99", 10.0)):
        run.judge(f"4 accept at 200/s, {name}", ours["accept_ms"][name], budget, "ms", more=False)
    run.judge("9 start to first accepted event", ours["start_to_first_accepted_s"], 1.5, "s", more=False)


def budget_5(run: Run) -> None:
    """Publish to arrival: an upper bound of accept to arrival."""
    slow = run.once("4 at 200/s", lambda: paced(run, 200))
    quick = run.once("5 at 1,000/s", lambda: paced(run, 1_000))
    run.judge("5 arrival at 200/s, p95", slow["publish_to_arrival_ms"]["p95"], 8, "ms", more=False)
    run.judge("5 arrival at 1,000/s, p95", quick["publish_to_arrival_ms"]["p95"], 15, "ms", more=False)


def among(run: Run, hanging: int) -> Report:
    """A hundred webhooks, each with an event of its own kind at 2/s; some of their receivers hang."""
    product = run.deskbell()
    scene = Scene(product)
    with scene:
        scene.webhooks(hanging, "hang")
        hung = set(scene.expected)
        scene.webhooks(100 - hanging)
        load = scene.publish(seconds=run.seconds, per_second=5)
        time.sleep(1.0)
    paths = [path for path in scene.expected if path not in hung]
    arrivals = scene.arrivals()
    return {"publish_to_arrival_ms": percentiles(arrival_ms(load, arrivals, paths)), **reconcile(load, arrivals, paths)}


def budget_6(run: Run) -> None:
    """One of 100 receivers hangs; all 100 take 100 ms."""
    before = run.once("6 none of 100 hangs", lambda: among(run, 0))
    after = run.once("6 one of 100 hangs", lambda: among(run, 1))
    slow = run.once("6 all 100 take 100 ms", lambda: flood(run, run.deskbell(), hooks=100, how="ms100"))
    ratio = after["publish_to_arrival_ms"]["p95"] / max(before["publish_to_arrival_ms"]["p95"], 0.01)
    run.judge("6 p95 of the others when one hangs", ratio, 1.1, "x", more=False)
    fan = run.once("2 fan-out 10", lambda: flood(run, run.deskbell(), hooks=10))
    share = slow["events_per_s"] / min(fan["events_per_s"], 10_000)
    run.judge("6 rate with 100 ms receivers", share, 0.7, "of the rate", more=True)


def filled(run: Run, *, paused: bool) -> tuple[Deskbell, int]:
    """A product, stopped, with a backlog of one webhook, and the port of that webhook's receiver."""
    product = run.deskbell()
    scene = Scene(product)
    with scene:
        scene.webhooks(1)
        (webhook,) = scene.expected.values()
        if paused:
            product.call("POST", f"/webhooks/{webhook}/pause")
        version = product.call("GET", f"/webhooks/{webhook}")["version"]
    rows = [str(product.data / "deskbell.db"), "desk", webhook, str(version), str(run.rows)]
    subprocess.run([sys.executable, str(HERE / "filling.py"), *rows], check=True, env=product.environment)
    return product, scene.receiver_port


def draining(run: Run) -> Report:
    """Start with the backlog and let it drain for a while."""
    product, port = filled(run, paused=False)
    scene = Scene(product, port)
    with scene:
        began, before = time.time(), product.metrics()
        time.sleep(run.seconds)
        after, lasted_s = product.metrics(), time.time() - began
        page, memory = page_ms(product), scene.memory_mb(peak=True)
    due = due_ms(product)
    attempts = after["deskbell_attempt_seconds_count"] - before["deskbell_attempt_seconds_count"]
    return {
        "start_s": round(product.ready_s, 2),
        "drained_per_s": round(attempts / lasted_s),
        "due_p99_ms": due,
        "page_ms": page,
        "memory_mb": memory,
    }


def due_ms(product: Deskbell) -> float:
    """How long the stopped product's store takes to read a hundred of what is due, 99 of 100 times."""

    async def measured() -> list[float]:
        store = SqliteStore.open(product.data / "deskbell.db")
        waiting = await store.due.webhooks()
        found = []
        for number in range(300 if waiting else 0):
            site, webhook, *_ = waiting[number % len(waiting)]
            began = time.perf_counter()
            await store.due.deliveries(site, webhook, None, 100)
            found.append((time.perf_counter() - began) * 1000)
        await store.close()
        return found

    return percentiles(asyncio.run(measured()) or [0.0])["p99"]


def page_ms(product: Deskbell) -> float:
    """How long a list of what waits takes, the median of ten."""
    found = []
    for _ in range(10):
        began = time.perf_counter()
        product.call("GET", "/deliveries?state=waiting&limit=50")
        found.append((time.perf_counter() - began) * 1000)
    return round(median(found), 1)


def held_in_front(run: Run) -> Report:
    """Held rows of a paused webhook in front: another webhook's events go as if they were not there."""
    product, port = filled(run, paused=True)
    scene = Scene(product, port)
    with scene:
        scene.expected["/ok/0"] = "the paused one"
        scene.webhooks(1)
        load = scene.publish(seconds=run.seconds, per_second=200)
        time.sleep(1.0)
        page, memory = page_ms(product), scene.memory_mb(peak=True)
    arrivals, paths, due = scene.arrivals(), ["/ok/1"], due_ms(product)
    return {
        "start_s": round(product.ready_s, 2),
        "publish_to_arrival_ms": percentiles(arrival_ms(load, arrivals, paths)),
        "due_p99_ms": due,
        "page_ms": page,
        "memory_mb": memory,
        **reconcile(load, arrivals, paths),
    }


def budget_7(run: Run) -> None:
    """A backlog."""
    waiting = run.once("7 backlog drains", lambda: draining(run))
    held = run.once("7 held rows in front", lambda: held_in_front(run))
    share = waiting["drained_per_s"] / max(1, rate_1(run)["events_per_s"])
    run.judge(f"7 {run.rows:,} waiting: drains", share, 0.8, "of rate 1", more=True)
    run.judge("7 start", max(waiting["start_s"], held["start_s"]), 5, "s", more=False)
    run.judge("7 memory", max(waiting["memory_mb"], held["memory_mb"]), 400, "MB", more=False)
    run.judge("7 reading what is due", max(waiting["due_p99_ms"], held["due_p99_ms"]), 5, "ms", more=False)
    run.judge("7 list page", max(waiting["page_ms"], held["page_ms"]), 100, "ms", more=False)


def on_disk(run: Run) -> Report:
    """The file's growth over what was published and delivered in groups as they came, its log folded in."""
    product = run.deskbell()
    scene = Scene(product)
    with scene:
        scene.webhooks(1)
    empty = (product.data / "deskbell.db").stat().st_size
    with Scene(product, scene.receiver_port) as again:
        load = again.publish(seconds=run.seconds, connections=CONNECTIONS)
        product.quiet()
    events = sum(len(ids) for *_, ids in load.requests)
    grown = (product.data / "deskbell.db").stat().st_size - empty
    return {"events": events, "bytes_per_event": round(grown / max(events, 1))}


def budget_10(run: Run) -> None:
    """Disk per delivered event."""
    ours = run.once("10 disk", lambda: on_disk(run))
    run.judge("10 disk per delivered event", ours["bytes_per_event"] / 1024, 3, "KiB", more=False)


def budgets() -> Iterator[tuple[int, Callable[[Run], None]]]:
    """By number; 8, 9 and 13 come along with 1 and 4."""
    yield 1, budget_1
    yield 2, budget_2
    yield 3, budget_3
    yield 4, budget_4
    yield 5, budget_5
    yield 6, budget_6
    yield 7, budget_7
    yield 10, budget_10
