"""What databases of earlier schema versions hold: rows as the programs of their time wrote them, as SQL.

`PYTHONPATH=tests python tests/faults/releases.py` writes the two files of the present version into `releases/`; run it
when the schema has changed for the last time before a release. Files of earlier versions are never written again.
"""

import asyncio
import re
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import apsw

from contract import made
from contract.made import OTHER, SITE, at
from deskbell.model.changes import AddStats, ArmTimer, Insert, PutHealth, Refused, Replace, Unit
from deskbell.model.delivery import Asked, DeliveryState
from deskbell.model.event import Idempotency
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter
from deskbell.model.timer import DwellRule, Timer
from deskbell.model.webhook import StatHour
from deskbell.ports import Store

FOLDER = Path(__file__).parent / "releases"
OF_PROCESSES = ("meta", "writer", "node", "shard")
"""Tables whose rows begin anew."""


async def fill(store: Store) -> None:
    """A little of everything, always the same. What a file holds is compared with this, so it stays as it is."""
    numbers, made._numbers = made._numbers, count(1)
    try:
        for unit in units():
            verdict = await store.commit(unit)
            assert not isinstance(verdict, Refused), verdict
    finally:
        made._numbers = numbers


def units() -> list[Unit]:
    """In the order in which they were written."""
    found = [made.inserts(made.site(), made.site(OTHER), made.lists())]
    for name in (SITE, OTHER):
        # members that webhooks did not have at first, and that `made` sets
        later = dict.fromkeys({"auth", "client_certificate"} & made.Webhook.__dataclass_fields__.keys())
        hooks = [made.webhook(site=name, **later), made.webhook(site=name, filter="data.n > 1", headers={}, **later)]
        found.append(made.inserts(*hooks, *[made.secret(one, 5) for one in hooks], audit=made.entry(site=name)))
        changed = made.replace(hooks[0], version=2, description="Ünal", state=made.webhook().state)
        found.append(Unit(changes=(Replace(row=changed),), audit=made.entry(site=name, at=at(9))))
        found += of_deliveries(name, hooks[0].id)
    return [*found, *of_people(), *of_the_rest()]


def of_deliveries(name: Any, hook: Any) -> list[Unit]:
    """Events with deliveries in each state, plain and packed."""
    found: list[Unit] = []
    for number, state in enumerate(DeliveryState):
        text = b'{"n":%d,"text":"%s"}' % (number, b"words of a chat " * (number * 4))
        mine = made.event(number, site=name, snapshot=text, external_id=f"mine-{number}")
        own = made.delivery(number, site=name, webhook_id=hook, event_ids=(mine.id,), payload=text if number else None)
        opened = state in (DeliveryState.WAITING, DeliveryState.GATHERING)
        found.append(made.inserts(mine, made.replace(own, state=state) if opened else own))
        if not opened:
            done = made.settle(own, 50 + number)
            found.append(Unit(changes=(made.replace(done, after=made.ended(own, 50 + number, state)),)))
        else:
            wish = Asked(site=name, delivery_id=own.id, webhook_id=hook, shard=7, at=at(number), by="Ann")
            found.append(made.inserts(wish))
    counts = StatHour(site=name, webhook_id=hook, hour=497_222, delivered=3, failed=1, ms_sum=40, ms_buckets=(1, 2))
    health = made.health(hook, site=name, failures_in_row=2)
    return [*found, Unit(changes=(PutHealth(health=health), AddStats(rows=(counts,), counted_to="")))]


def of_people() -> list[Unit]:
    """Who works and who asks."""
    person = made.account()
    return [
        made.inserts(made.company(1, external_id="c-1"), made.contact(2), made.agent(3)),
        made.inserts(person, made.login(person), made.api_key(), made.link()),
    ]


def of_the_rest() -> list[Unit]:
    """The desk, the inspector, timers, keys of requests."""
    talk, wish, box = made.chat(7), made.ticket(4, external_id="t-4"), made.bin_()
    rule = DwellRule(
        site=SITE, id="tmr_1", description="Long", subject="chat", status="handled", longer_than_s=60, created_at=at(1)
    )
    timer = Timer(site=SITE, rule="tmr_1", subject=f"chat:{talk.id}", epoch=1, due_at=at(99), since=at(7))
    key = Idempotency(site=SITE, maker="key_1", key="k", body_hash="ab", answer=b'{"status":202}', at=at(3))
    return [
        made.inserts(talk, made.message(talk, 8), wish, made.note(wish, 9)),
        made.inserts(box, made.capture(box, 1), made.custom_type(), key, rule),
        Unit(changes=(ArmTimer(timer=timer),)),
        Unit(changes=(Insert(row=made.chat(11)),)),
    ]


async def told(store: Store) -> dict[str, Any]:
    """Everything that can be read."""
    found: dict[str, Any] = {"sites": await store.sites.all(), "due": await store.due.webhooks()}
    found["asked"], found["timers"] = await store.due.asked(99), await store.timers.due(at(10**9), 99)
    for name in (SITE, OTHER):
        hooks = await store.webhooks.all(name)
        deliveries = await store.deliveries.page(name, DeliveryFilter(), None, 999)
        chats = await store.desk.chats(name, ChatFilter(), None, 99)
        tickets = await store.desk.tickets(name, TicketFilter(), None, 99)
        users, boxes = await store.accounts.users(name), await store.bins.all(name)
        found[name] = {
            "hooks": [hooks, [await store.webhooks.secrets(name, one.id) for one in hooks]],
            "versions": [await store.webhooks.version(name, one.id, n) for one in hooks for n in (1, 2)],
            "health": [await store.webhooks.health(name), await store.webhooks.stats(name, 0)],
            "events": await store.events.page(name, EventFilter(), None, 999),
            "deliveries": [deliveries, [await store.deliveries.attempts(name, one.id) for one in deliveries]],
            "waiting": await store.deliveries.waiting(name),
            "key": await store.events.idempotency(name, "key_1", "k"),
            "desk": [chats, tickets, await store.sites.ticket_lists(name), await store.desk.dwell_rules(name)],
            "said": [
                [await store.desk.messages(name, one.id) for one in chats],
                [await store.desk.notes(name, one.id) for one in tickets],
            ],
            "people": [
                await store.people.companies(name), await store.people.contacts(name), await store.people.agents(name)
            ],
            "users": [users, [await store.accounts.logins(name, one.id) for one in users]],
            "keys": [await store.accounts.keys(name), await store.accounts.links(name, "setup")],
            "bins": [boxes, [await store.bins.captures(name, one.id, None, 99) for one in boxes]],
            "types": await store.sites.custom_types(name),
            "audit": [row.hash for row in await store.audit.range(name, 0, 99)],
        }  # fmt: skip
    return found


def sqlite_rows(connection: apsw.Connection) -> str:
    """Every row, as statements."""
    lines = []
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    for (table,) in list(connection.execute(tables)):
        if table in OF_PROCESSES:
            continue
        info = connection.execute(f"PRAGMA table_xinfo({table})")
        columns = [row[1] for row in info if not row[6]]
        names = ", ".join(f'"{one}"' for one in columns)
        quoted = " || ', ' || ".join(f'quote("{one}")' for one in columns)
        for (values,) in connection.execute(f"SELECT {quoted} FROM {table} ORDER BY 1"):
            lines.append(f"INSERT INTO {table} ({names}) VALUES ({values});")
    return "\n".join(lines) + "\n"


def postgres_rows(dump: str) -> str:
    """The statements of a dump, without those for psql."""
    return "\n".join(
        line for line in dump.splitlines() if not re.match(r"\\|--|SET |SELECT pg_catalog\.set_config", line)
    )


async def write() -> None:
    """The files of the present version."""
    from deskbell.storage.postgres import PostgresStore
    from deskbell.storage.postgres.migrate import newest_version
    from deskbell.storage.sqlite import SqliteStore
    from postgres_server import PostgresServer

    name = f"{newest_version():04}.sql"
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore.open(Path(folder) / "deskbell.db")
        await fill(store)
        (FOLDER / f"sqlite_{name}").write_text(sqlite_rows(store._connection))
        await store.close()
    server = PostgresServer()
    server.start()
    try:
        database = await server.create()
        shared = await PostgresStore.open(server.url(database))
        await fill(shared)
        await shared.close()
        options = ["--data-only", "--inserts", "--load-via-partition-root", "--no-owner"]
        leave = [f"--exclude-table={one}" for one in OF_PROCESSES]
        dump = server.run("pg_dump", *options, *leave, database).decode()
        (FOLDER / f"postgres_{name}").write_text(postgres_rows(dump))
    finally:
        server.remove()


if __name__ == "__main__":
    asyncio.run(write())
