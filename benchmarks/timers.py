"""Budget 11: how late timers fire when many are armed, and what an idle process with as many costs.

Usage: python benchmarks/timers.py [--timers 100000] [--spread 60] [--hooks 0]. The chats and their timers are written
with the product's own store while it does not run; the product is then served as ever. With hooks, each event is also
delivered to so many receivers.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from budgets import Run
from deskbell.model.changes import ArmTimer, Change, Committed, Insert, Unit
from deskbell.model.chat import Chat, ChatStatus, ChatType
from deskbell.model.ids import SiteId, make_id
from deskbell.model.instant import Instant, from_seconds
from deskbell.model.people import CompanyRef, User
from deskbell.model.query import EventFilter
from deskbell.model.timer import DwellRule, Entered
from deskbell.ports import Store
from deskbell.rules.dwell import timer_of
from deskbell.rules.stays import stay_of_chat
from deskbell.storage.sqlite.store import SqliteStore
from reckoning import Report, calibrate, percentiles
from scene import Scene

SITE = SiteId("desk")
PER_UNIT = 200
THRESHOLD_S = 3_600
IDLE_S = 10.0
LEAD_S = 25.0
"""From the arming to the first that is due: time to start, and to be idle."""
WRITES_PER_S = 1_500
"""Chats that are surely written in a second."""


def rule() -> DwellRule:
    """Chats that stay handled for more than an hour."""
    return DwellRule(
        site=SITE, id=make_id("tmr", unix_ms=1, chance=1), description="", subject="chat", status="handled",
        longer_than_s=THRESHOLD_S, created_at=Instant(0),
    )  # fmt: skip


def chat(number: int, since: Instant) -> Chat:
    """A chat as big as they are: two people in it, a reference, times."""
    company = CompanyRef(entity_id=19348, name="Brightwater Dental", identifier="BrightwaterDentalLtd")
    cora = User(entity_id=number + 1, name="Jason He", user_id=f"desk~c~{number + 1}", company=company)
    ana = User(entity_id=7, name="Ana Ruiz", user_id="desk~m~7")
    return Chat(
        site=SITE, id=f"b-{number:07}", name="Printer on the 3rd floor is stuck", type=ChatType.REQUEST,
        status=ChatStatus.HANDLED, past_status=(ChatStatus.CREATED, ChatStatus.HANDLED), creator=cora,
        users=(cora, ana), participants=(cora, ana), created_at=since, last_modified_at=since, sequence=2,
        entered=Entered(at=since, version=1),
    )  # fmt: skip


async def arm(data: Path, count: int, spread_s: float) -> float:
    """Write the chats with their timers; answers when the first is due."""
    store = SqliteStore.open(data / "deskbell.db")
    now = time.time()
    first_due = now + LEAD_S + count / WRITES_PER_S
    changes: list[Change] = [Insert(row=rule())]
    for number in range(count):
        one = chat(number, from_seconds(first_due - THRESHOLD_S + spread_s * number / count))
        changes += (Insert(row=one), ArmTimer(timer=timer_of(rule(), stay_of_chat(one), from_seconds(now))))
    await commit(store, changes)
    await store.close()
    return first_due


async def commit(store: Store, changes: "list[Any]") -> None:
    """In units of hundreds."""
    units = [Unit(changes=tuple(changes[n : n + PER_UNIT])) for n in range(0, len(changes), PER_UNIT)]
    for first in range(0, len(units), 50):
        verdicts = await asyncio.gather(*(store.commit(unit) for unit in units[first : first + 50]))
        assert all(isinstance(one, Committed) for one in verdicts), verdicts


async def told(data: Path) -> tuple[list[float], Counter[str]]:
    """How late each event was, in ms, and how many each chat has."""
    store = SqliteStore.open(data / "deskbell.db")
    late: list[float] = []
    subjects: Counter[str] = Counter()
    before: str | None = None
    while page := await store.events.page(SITE, EventFilter(type="chat.dwelled"), before, 1_000):
        before = page[-1].id
        for event in page:
            late.append(1000 * json.loads(event.snapshot)["meta"]["lateBySeconds"])
            subjects[event.subject.id if event.subject else ""] += 1
    await store.close()
    return late, subjects


def measure(run: Run, count: int = 100_000, spread_s: float = 60.0, hooks: int = 0) -> Report:
    """Idle with none and with all armed, then all of them fire within the span."""
    product = run.deskbell()
    with Scene(product) as scene:
        scene.webhooks(hooks)
        before = idle_percent(scene)
        port = scene.receiver_port
    first_due = asyncio.run(arm(product.data, count, spread_s))
    with Scene(product, port) as scene:
        idle = idle_percent(scene)
        assert time.time() < first_due, "the machine was too slow: the first timers were due while it should be idle"
        time.sleep(first_due - time.time())
        cpu_s = scene.cpu_s()
        time.sleep(spread_s + 5)
        product.quiet()
        busy = (scene.cpu_s() - cpu_s) / spread_s
    late, subjects = asyncio.run(told(product.data))
    return {
        "armed": count,
        "fired_once": sum(times == 1 for times in subjects.values()),
        "lost": count - len(subjects),
        "doubled": sum(times > 1 for times in subjects.values()),
        "late_ms": percentiles(late),
        "late_ms_max": round(max(late, default=0.0), 1),
        "idle_cpu_percent": round(idle, 2),
        "idle_cpu_percent_with_none_armed": round(before, 2),
        "busy_cpu_percent": round(100 * busy, 1),
    }


def idle_percent(scene: Scene) -> float:
    """Share of one core that the product takes while nothing happens."""
    time.sleep(2)
    before, began = scene.cpu_s(), time.monotonic()
    time.sleep(IDLE_S)
    return 100 * (scene.cpu_s() - before) / (time.monotonic() - began)


def main() -> int:
    """Measure and print; exit 1 when a timer was lost or fired twice."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--timers", type=int, default=100_000)
    options.add_argument("--spread", type=float, default=60.0, help="seconds within which all of them are due")
    options.add_argument("--hooks", type=int, default=0, help="receivers of each event")
    chosen = options.parse_args()
    before = calibrate()
    with tempfile.TemporaryDirectory() as name:
        run = Run(folder=Path(name), seconds=1.0, rows=0)
        found = measure(run, chosen.timers, chosen.spread, chosen.hooks)
    for title, value in {**found, "calibration_ms": {"before": before, "after": calibrate()}}.items():
        print(f"{title:34} {json.dumps(value)}")
    return 1 if found["lost"] or found["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
