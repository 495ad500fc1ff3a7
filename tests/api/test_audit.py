"""The audit by API: listed, filtered, checked, and taken away, which is itself recorded."""

import csv
import io
import json

import pytest

from deskbell.model.audit import AuditEntry
from deskbell.model.changes import Unit
from deskbell.model.people import Actor, ActorKind
from running import Running


async def some(desk: Running) -> None:
    """A key made and revoked, and somebody whose name is a formula."""
    made = await desk.good("POST", "/keys", {"name": "sync", "scopes": ["desk:read"]})
    await desk.call("DELETE", f"/keys/{made['id']}")
    entry = AuditEntry(
        site="desk",  # type: ignore[arg-type]  # its text
        at=desk.house.rooms.clock.now(),
        actor=Actor(kind=ActorKind.PERSON, name='=HYPERLINK("x")', id="usr_1"),
        operation="site.change",
        object_id="-1+1",
        before='{"name":"a","notify":[]}',
        after='{"name":"@b","notify":["x"]}',
    )
    await desk.house.rooms.store.commit(Unit(changes=(), audit=entry))


async def test_list_is_filtered(desk: Running) -> None:
    """By who, what, which object and when; before and after are values."""
    await some(desk)
    for query, found in (
        ("operation=key.*", ["key.revoke", "key.create", "key.create"]),
        ("operation=key.revoke", ["key.revoke"]),
        ("actor=usr_1", ["site.change"]),
        ("object=-1%2B1", ["site.change"]),
        ("to=2001-01-01T00:00:00Z", []),
        ("operation=key.*&limit=1", ["key.revoke"]),
    ):
        items = (await desk.good("GET", f"/audit?{query}"))["items"]
        assert [one["operation"] for one in items] == found, query
    assert (await desk.good("GET", "/audit?limit=1"))["items"][0]["after"] == {"name": "@b", "notify": ["x"]}
    assert (await desk.call("GET", "/audit?from=yesterday")).status == 422
    page = await desk.good("GET", "/audit?operation=key.*&limit=2")
    rest = await desk.good("GET", f"/audit?operation=key.*&limit=2&cursor={page['next']}")
    assert [one["operation"] for one in rest["items"]] == ["key.create"]


async def test_check(desk: Running) -> None:
    """Whole, with its head; a sentence says so."""
    found = await desk.good("GET", "/audit/check")
    newest = (await desk.good("GET", "/audit?limit=1"))["items"][0]
    assert (found["whole"], found["firstBroken"], found["checkpoint"]) == (True, None, None)
    assert found["head"] == {"seq": newest["seq"], "hash": newest["hash"]}
    assert found["text"].startswith(f"The chain is whole: all {found['rows']} rows follow")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_export(desk: Running, form: str) -> None:
    """Every row, oldest first; no cell is a formula; the export is the last row."""
    await some(desk)
    answer = await desk.call("GET", f"/audit/export?format={form}&actor=usr_1")
    assert answer.headers["content-disposition"] == f'attachment; filename="audit-desk.{form}"'
    if form == "csv":
        head, row = csv.reader(io.StringIO(answer.body.decode()))
        told = dict(zip(head, row, strict=True))
        assert (told["actorName"], told["objectId"]) == ('\'=HYPERLINK("x")', "'-1+1")
        assert json.loads(told["after"])["name"] == "@b"
    else:
        (row,) = map(json.loads, answer.body.splitlines())
        assert row["before"] == {"name": "a", "notify": []}
    newest = (await desk.good("GET", "/audit?limit=1"))["items"][0]
    assert (newest["operation"], newest["objectId"]) == ("audit.export", form)
    assert newest["after"] == {"actor": "usr_1"}
    everything = await desk.call("GET", "/audit/export")
    assert [json.loads(one)["seq"] for one in everything.body.splitlines()] == list(range(1, newest["seq"] + 2))


async def test_reading_needs_the_permission(desk: Running) -> None:
    """A key without the scope reads, checks and exports nothing."""
    weak = (await desk.good("POST", "/keys", {"name": "weak", "scopes": ["site:admin"]}))["key"]
    for path in ("/audit", "/audit/check", "/audit/export"):
        assert (await desk.call("GET", path, key=weak)).status == 403
