"""The second wall on PostgreSQL: a statement that forgot its site finds nothing of another one."""

import re
from pathlib import Path

import asyncpg
import pytest
import structlog.testing

from contract.made import OTHER, SITE, delivery, entry, event, inserts, secret, site, webhook
from deskbell.model.changes import Unit
from deskbell.model.query import DeliveryFilter
from deskbell.storage.postgres import PostgresStore
from deskbell.storage.postgres.advice import advice
from deskbell.storage.postgres.wall import ROLE
from deskbell.storage.statements import statements
from doubles import Clock
from postgres_server import PostgresServer
from sites.test_foreign_ids import API, api_crossings
from sites.two import kind_of, settled, two_sites

FORGETFUL = {
    name: re.sub(r"\b(\w+\.)?site = :site\b", ":site::text = :site", text)
    for name, text in statements("postgres").items()
    if text.lstrip().upper().startswith(("SELECT", "WITH")) and "site = :site" in text
}
"""Every statement that reads for one site, without its predicate."""


async def test_every_table_with_a_site_is_bound(database: str) -> None:
    """Also those of later migrations; partitions are not open to the bound role at all."""
    await (await PostgresStore.open(database)).close()
    connection = await asyncpg.connect(database)
    rows = await connection.fetch(
        "SELECT t.relname, t.relrowsecurity, t.relispartition, has_table_privilege($1, t.oid, 'SELECT') AS reads, "
        "has_table_privilege($1, t.oid, 'INSERT,UPDATE,DELETE,TRUNCATE') AS writes FROM pg_class AS t "
        "JOIN information_schema.columns AS c ON c.table_name = t.relname AND c.column_name = 'site' "
        "WHERE t.relkind IN ('r', 'p') AND t.relnamespace = current_schema()::regnamespace",
        ROLE,
    )
    await connection.close()
    assert len(rows) > 25
    assert [one["relname"] for one in rows if not one["relispartition"] and not one["relrowsecurity"]] == []
    assert [one["relname"] for one in rows if one["relispartition"] and one["reads"]] == []
    assert [one["relname"] for one in rows if one["writes"]] == []


async def test_a_statement_without_its_predicate_finds_nothing_of_another_site(database: str) -> None:
    """Every reading statement forgets the site at once; reading for one site still shows only that one's rows."""
    store = await PostgresStore.open(database)
    hooks = [webhook(), webhook(site=OTHER)]
    rows = [delivery(webhook_id=hooks[0].id), delivery(site=OTHER, webhook_id=hooks[1].id)]
    events = [event(), event(site=OTHER)]
    await store.commit(inserts(site(), site(OTHER), *hooks, *rows, *events))
    await store.commit(inserts(*(secret(one) for one in hooks)))
    await store.commit(Unit(changes=(), audit=entry()))
    sound = store._readers._sql
    store._readers._sql = {**sound, **FORGETFUL}
    assert await store.webhooks.all(SITE) == (hooks[0],)
    assert await store.deliveries.page(SITE, DeliveryFilter(), None, 10) == (rows[0],)
    assert await store.webhooks.get(SITE, hooks[1].id) is None
    assert await store.events.get(SITE, events[1].id) is None
    assert await store.deliveries.get(SITE, rows[1].id) is None
    assert await store.webhooks.secrets(SITE, hooks[1].id) == ()
    assert await store.due.deliveries(SITE, hooks[1].id, None, 10) == ()
    assert await store.audit.page(OTHER, None, 10) == ()
    assert len(await store.sites.all()) == 2
    store._readers._role = None
    store._readers._forget_idle()
    assert await store.webhooks.get(SITE, hooks[1].id) == hooks[1]
    await store.close()


async def test_routes_do_not_cross_when_every_statement_forgets_the_site(database: str, tmp_path: Path) -> None:
    """The generated test of the first wall holds with that wall torn down."""
    async with two_sites(tmp_path, DESKBELL_DATABASE_URL=database) as two:
        await settled(two)
        store = two.own.house.rooms.store
        assert isinstance(store, PostgresStore)
        store._readers._sql = {**store._readers._sql, **FORGETFUL}
        routes = [one for one in API if one.method == "GET" and not one.path.endswith("/wait")]
        assert len({kind_of(one.path) for one in routes}) > 10
        assert await api_crossings(two, routes) == []
        store._readers._role = None
        store._readers._forget_idle()
        assert len(await api_crossings(two, routes)) > 10


async def test_statements_for_all_sites_are_a_short_list() -> None:
    """What names no site is asked for every site; each of them is meant to be."""
    asked = {name for name, text in statements("postgres").items() if text.lstrip().upper().startswith("SELECT")}
    found = {name for name in asked if ":site" not in statements("postgres")[name] and not name.endswith("_sealed")}
    tables = r"\bFROM \"?(site|user|login|api_key|link|webhook|event|delivery)\b"
    assert {name for name in found if re.search(tables, statements("postgres")[name])} == {
        "api_key_by_lookup",
        "link_by_hash",
        "login_by_hash",
        "schema_faults",
        "setting_versions",
        "site_all",
        "site_names",
        "user_by_email",
    }


async def test_a_user_that_may_not_make_the_role_has_one_wall_and_is_told(postgres_server: PostgresServer) -> None:
    """Everything works without it; the log and `deskbell doctor` say what to do. Then it is up at the next start."""
    await postgres_server.admin("DROP ROLE IF EXISTS plain")
    await postgres_server.admin("CREATE ROLE plain LOGIN")
    name = await postgres_server.create()
    await postgres_server.admin(f"ALTER DATABASE {name} OWNER TO plain")
    url = postgres_server.url(name).replace("postgres@", "plain@")
    await _role(postgres_server, "REVOKE deskbell_bound FROM plain")
    with structlog.testing.capture_logs() as logs:
        store = await PostgresStore.open(url)
    assert [one["event"] for one in logs] == ["database.one_wall"]
    await store.commit(inserts(site(), site(OTHER)))
    assert len(await store.sites.all()) == 2
    await store.close()
    assert any("row-level security" in what for what, _ in await advice(url, Clock()))
    await _role(postgres_server, "GRANT deskbell_bound TO plain")
    store = await PostgresStore.open(url)
    assert store._readers._role == ROLE
    assert await store.sites.get(OTHER) == site(OTHER)
    await store.close()
    assert not any("row-level security" in what for what, _ in await advice(url, Clock()))
    await postgres_server.drop(name)


async def _role(server: PostgresServer, statement: str) -> None:
    """The role is there for all databases of a server, once one of them was opened by a superuser."""
    await (await PostgresStore.open(server.url(await server.create()))).close()
    await server.admin(statement)


@pytest.mark.parametrize("name", ["due_deliveries", "webhook_all"])
async def test_security_keeps_the_plan(database: str, name: str) -> None:
    """Site and key are still found by index under the policy, which asks for the site once."""
    await (await PostgresStore.open(database)).close()
    connection = await asyncpg.connect(database, server_settings={"role": ROLE, "enable_seqscan": "off"})
    await connection.execute("SET deskbell.site = 'dd'")
    text = statements("postgres")[name]
    values = {"site": "'dd'", "webhook_id": "'w'", "due_at": "0", "id": "''", "limit": "10"}
    bound = re.sub(r"(?<!:):(\w+)", lambda found: values[found[1]], text)
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {bound}"))
    await connection.close()
    assert re.search(r"Index Cond: .*site = 'dd'", plan), plan
    assert "InitPlan" in plan
