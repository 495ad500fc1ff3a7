"""The audit: one row for each act, no secret in any, and a chain that shows what was altered."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from accounts.desk import EMAIL, ORIGIN, PASSWORD, SITE, Desk
from deskbell.accounts import AuditReader
from deskbell.model.errors import Unauthenticated
from deskbell.model.people import ActorKind
from deskbell.storage.sqlite import SqliteStore

AGAIN = "another fine password"


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Desk]:
    """An installation on a real database file."""
    store = SqliteStore.open(tmp_path / "deskbell.db")
    desk = Desk(store)
    await desk.site()
    yield desk
    await store.close()


async def test_one_row_for_each_act(kept: Desk) -> None:
    """Who did what, in order; reading, looking and being seen are no acts; and no row holds what is secret."""
    rooms = kept.rooms
    setup = await rooms.setup_link(SITE)
    await rooms.setup_info(setup)
    await rooms.create_owner(setup, "Ana Ruiz", EMAIL, PASSWORD, ORIGIN)
    first = await rooms.first_key(SITE)
    caller, cookie = await kept.caller()
    assert caller.login is not None
    assert first is not None
    with pytest.raises(Unauthenticated):
        await rooms.sign_in(EMAIL, "a wrong password", "192.0.2.7", "")
    await rooms.confirm(caller.login, PASSWORD)
    key, text = await rooms.make_key(caller, "sync", ["events:write"], None, ORIGIN)
    await rooms.caller_of_key(text)
    await rooms.note_refusal(caller, "site:admin", ORIGIN)
    await rooms.revoke_key(caller, key.id, ORIGIN)
    client = await rooms.client_link(SITE, "dd~c~7")
    await rooms.caller_of_client_link(client)
    await rooms.end_client_links(SITE, "dd~c~7")
    kept.clock.go(120)
    await rooms.caller_of_cookie(cookie)
    await rooms.sign_out(caller.login)
    recovery = await rooms.setup_link(SITE)
    await rooms.create_owner(recovery, "Ana Ruiz", EMAIL, AGAIN, ORIGIN)
    rows = await kept.audit()
    assert [row.operation for row in rows] == [
        "site.create", "setup_link.create", "user.create", "key.create", "login.create", "login.refuse",
        "login.confirm", "key.create", "permission.refuse", "key.revoke", "client_link.create", "client_link.end",
        "login.end", "setup_link.create", "user.recover",
    ]  # fmt: skip
    assert {row.actor.name for row in rows if row.actor.kind is ActorKind.PERSON} == {"Ana Ruiz"}
    assert await AuditReader(store=kept.store).verify(SITE) is None
    for secret in (setup, recovery, first, text, client, cookie, caller.login.csrf, PASSWORD, AGAIN, "a wrong pass"):
        assert secret not in repr(rows)


def renamed(entry: bytes) -> bytes:
    """The entry with another operation."""
    return json.dumps(json.loads(entry) | {"operation": "nothing.happened"}).encode()


def thief(path: Path, statement: str) -> None:
    """Somebody with the file takes the triggers away and does as they please."""
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete")
    connection.create_scalar_function("renamed", renamed)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET entry = renamed(entry) WHERE seq = 3", 3),
        ("UPDATE audit SET entry = renamed(entry) WHERE seq = 1", 1),
        ("UPDATE audit SET hash = previous_hash WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 3", 4),
        ("DELETE FROM audit WHERE seq <= 2", 3),
        ("UPDATE audit SET seq = seq", None),
    ],
)
async def test_altered_file(kept: Desk, tmp_path: Path, statement: str, broken: int | None) -> None:
    """The first row that does not follow is named: altered, dropped in the middle, or cut off at the beginning."""
    await kept.owner()
    await kept.caller()
    await kept.caller()
    reader = AuditReader(store=kept.store)
    assert await reader.verify(SITE) is None
    thief(tmp_path / "deskbell.db", statement)
    assert await reader.verify(SITE) == broken


@pytest.mark.parametrize("statement", ["UPDATE audit SET seq = 9 WHERE seq = 1", "DELETE FROM audit"])
async def test_the_database_itself_refuses(kept: Desk, tmp_path: Path, statement: str) -> None:
    """Without taking the triggers away nothing can be altered."""
    assert len(await kept.audit()) == 1
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        connection.execute(statement)
    connection.close()


async def test_altered_in_memory(desk: Desk) -> None:
    """The store in memory keeps the same chain."""
    await desk.owner()
    reader = AuditReader(store=desk.store)
    tables = desk.store.audit._tables  # type: ignore[attr-defined]  # what a thief of the database can do
    second = tables.get("audit", (SITE, 2))
    tables.put("audit", (SITE, 2), replace(second, entry=replace(second.entry, operation="nothing.happened")))
    assert await reader.verify(SITE) == 2


async def test_pages_of_the_audit(desk: Desk) -> None:
    """Newest first, going on where the last page ended, and of one site alone."""
    await desk.owner()
    await desk.rooms.create_site("other", "Other")
    reader = AuditReader(store=desk.store)
    found: list[int] = []
    before: int | None = None
    while page := await reader.page(SITE, before, 2):
        found += [row.seq for row in page]
        before = page[-1].seq
    assert found == [3, 2, 1]
    assert len(await reader.page("other", None, 10)) == 1
