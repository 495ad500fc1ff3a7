"""Bins: scripted answers, captures, reports, waiting."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from desk.twins import CALLER, Bell, Clock, Random, TwinStore
from deskbell.inspector import SCRIPTS, Answer, Inspector, script_name
from deskbell.model.delivery import Delivery
from deskbell.model.errors import Conflict, Invalid, NotFound, Throttled
from deskbell.model.inspector import Bin
from deskbell.model.instant import Instant, unix_seconds
from deskbell.model.people import SYSTEM
from deskbell.model.webhook import SealedUrl, Webhook
from deskbell.rules.catalogue import sample
from deskbell.rules.limits import Limits
from deskbell.rules.signing import new_secret, sign_v1

SECRET, OTHER = new_secret(b"a" * 32), new_secret(b"b" * 32)
DELIVERY = "dlv_01HZZZZZZZZZZZZZZZZZZZZZZZ"
WEBHOOK = Webhook(
    site="dd",
    id="whk_1",
    version=1,
    shard=0,
    description="Mine",
    receiver_url=SealedUrl(sealed=b"", masked="https://a.example/…", host="a.example", fingerprint="f"),
    event_types=("*",),
    created_at=Instant(0),
    created_by=SYSTEM,
)
SENT = Delivery(
    site="dd",
    id=DELIVERY,
    webhook_id="whk_1",
    webhook_version=1,
    shard=0,
    event_ids=(),
    event_types=(),
    created_at=Instant(0),
    due_at=Instant(0),
)


@dataclass
class Bench:
    """The inspector and its twins."""

    store: TwinStore
    clock: Clock
    bell: Bell
    inspector: Inspector
    changed: list[tuple[str, str, str]]

    async def send(self, row: Bin, body: bytes = b"{}", headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """One POST to the bin."""
        return await self.inspector.receive(row.address, "POST", "/a", "q=1", headers, body, False, "127.0.0.1")


def make(limits: Limits, store: TwinStore | None = None) -> Bench:
    """An inspector, fresh or on the rows of another one."""
    store, clock, bell = store or TwinStore(), Clock(), Bell()
    changed: list[tuple[str, str, str]] = []

    async def secrets_of(site: str, webhook_id: str) -> list[str]:
        return [SECRET]

    async def all_secrets(site: str) -> dict[str, list[str]]:
        return {"whk_1": [SECRET], "whk_2": [OTHER]}

    inspector = Inspector(
        store=store,
        clock=clock,
        random=Random(),
        limits=limits,
        doorbell=bell,
        secrets_of=secrets_of,
        all_secrets=all_secrets,
        changed=lambda *what: changed.append(what),
    )
    return Bench(store=store, clock=clock, bell=bell, inspector=inspector, changed=changed)


@pytest.fixture
def bench() -> Bench:
    """An inspector with the usual limits."""
    return make(Limits())


async def test_a_capture_is_raw_and_rings(bench: Bench) -> None:
    """What was sent is kept as sent, linked to its delivery and attempt, and both bells ring."""
    row = await bench.inspector.create(CALLER, "playground")
    assert len(row.address) == 26
    headers = [("Webhook-Id", DELIVERY), ("deskbell-attempt", "3"), ("X-Twice", "1"), ("X-Twice", "2")]
    answer = await bench.send(row, b"\xff\x00raw", headers)
    (capture,) = await bench.inspector.captures("dd", row.id)
    assert (capture.body, capture.headers, capture.path, capture.query) == (b"\xff\x00raw", tuple(headers), "/a", "q=1")
    assert (capture.delivery_id, capture.attempt, capture.seq, capture.answered_status) == (DELIVERY, 3, 1, 200)
    assert (answer.status, answer.body, answer.capture_id) == (200, b"ok", capture.id)
    assert bench.bell.heard == [("capture", capture)]
    assert bench.changed[-1] == ("dd", "bin", row.id)
    assert await bench.inspector.capture("dd", capture.id) == capture
    with pytest.raises(NotFound):
        await bench.inspector.capture("ee", capture.id)


async def test_changes_are_audited(bench: Bench) -> None:
    """Making, changing, emptying and deleting a bin stand in the audit, in the same unit."""
    row = await bench.inspector.create(CALLER, "playground")
    await bench.inspector.change(CALLER, row.id, {"name": "other"})
    await bench.inspector.clear(CALLER, row.id)
    await bench.inspector.delete(CALLER, row.id)
    operations = [unit.audit.operation for unit in bench.store.units if unit.audit]
    assert operations == ["bin.create", "bin.change", "bin.clear", "bin.delete"]
    with pytest.raises(NotFound):
        await bench.send(row)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("always ok", [(200, None)] * 3),
        ("fails 2 times then ok", [(503, None), (503, None), (200, None), (200, None)]),
        ("429 + Retry-After", [(429, None), (200, None)]),
        ("410", [(410, None)] * 2),
        ("hang", [(200, "hang")] * 2),
        ("reset", [(200, "reset")] * 2),
        ("slow drip", [(200, "slow_drip")] * 2),
        ("redirect", [(302, None)] * 2),
    ],
)
async def test_ready_made_scripts(bench: Bench, script: str, expected: list[tuple[int, str | None]]) -> None:
    """Each script answers its steps in order, the last one for ever."""
    row = await bench.inspector.create(CALLER, "playground", script=script)
    answers = [await bench.send(row) for _ in expected]
    assert [(one.status, one.fault) for one in answers] == expected
    assert script_name(row.steps) == script


def test_every_script_is_tested() -> None:
    """The table above has every ready-made script."""
    marks = test_ready_made_scripts.pytestmark  # type: ignore[attr-defined]  # set by the decorator
    assert {case[0] for case in marks[0].args[1]} == set(SCRIPTS)


async def test_steps_and_numbers_under_concurrency(bench: Bench) -> None:
    """Of 20 requests at once each gets its own turn and its own number, and a restart goes on from there."""
    row = await bench.inspector.create(CALLER, "playground")
    steps = [{"times": 7, "status": 500}, {"times": 8, "status": 429}, {"status": 204}]
    row = await bench.inspector.change(CALLER, row.id, {"steps": steps})
    answers = await asyncio.gather(*(bench.send(row) for _ in range(20)))
    assert sorted(one.status for one in answers) == [204] * 5 + [429] * 8 + [500] * 7
    assert [one.seq for one in await bench.inspector.captures("dd", row.id)] == list(range(20, 0, -1))
    assert (await bench.inspector.get("dd", row.id)).answered == 20
    again = make(Limits(), bench.store)
    assert (await again.send(row)).status == 204


async def test_a_new_script_begins_at_its_first_step(bench: Bench) -> None:
    """Changing the script starts counting anew; changing the name does not."""
    row = await bench.inspector.create(CALLER, "playground", script="fails 2 times then ok")
    await bench.send(row)
    await bench.inspector.change(CALLER, row.id, {"name": "renamed"})
    assert [(await bench.send(row)).status for _ in range(2)] == [503, 200]
    await bench.inspector.change(CALLER, row.id, {"script": "fails 2 times then ok"})
    assert (await bench.send(row)).status == 503


async def test_another_process_changed_the_bin(bench: Bench) -> None:
    """A row that moved on meanwhile is read again, and the capture gets the next number."""
    row = await bench.inspector.create(CALLER, "playground")
    await bench.send(row)
    stored = bench.store.row("bin", "dd", row.id)
    bench.store.put(replace(stored, seq=9, version=stored.version + 5))
    await bench.send(row)
    assert (await bench.inspector.captures("dd", row.id))[0].seq == 10


async def test_an_address_is_replaced(bench: Bench) -> None:
    """After replacing, the old address is unknown and the new one receives."""
    row = await bench.inspector.create(CALLER, "playground")
    await bench.send(row)
    new = await bench.inspector.change(CALLER, row.id, {"replaceAddress": True})
    with pytest.raises(NotFound):
        await bench.send(row)
    await bench.send(new)
    assert [one.seq for one in await bench.inspector.captures("dd", row.id)] == [2, 1]


async def test_the_ring_keeps_the_newest() -> None:
    """Beyond the limit the oldest captures go; a longer body is cut and flagged."""
    bench = make(Limits(captures_per_bin=10, capture_body_bytes=1024))
    row = await bench.inspector.create(CALLER, "playground")
    for _ in range(13):
        await bench.send(row, b"x" * 2000)
    captures = await bench.inspector.captures("dd", row.id, limit=50)
    assert [one.seq for one in captures] == list(range(13, 3, -1))
    assert (len(captures[0].body), captures[0].body_cut) == (1024, True)


async def test_rate_and_number_of_bins() -> None:
    """Over the rate is refused until time goes by; over the number of bins too."""
    bench = make(Limits(bin_rate=3, bins_per_site=1, bin_held_max=1))
    row = await bench.inspector.create(CALLER, "playground")
    for _ in range(3):
        await bench.send(row)
    with pytest.raises(Throttled):
        await bench.send(row)
    bench.clock.go(0.4)
    await bench.send(row)
    assert len(await bench.inspector.captures("dd", row.id)) == 4
    with pytest.raises(Conflict):
        await bench.inspector.create(CALLER, "another")
    async with bench.inspector.held(row.address):
        with pytest.raises(Throttled):
            async with bench.inspector.held(row.address):
                pass
    async with bench.inspector.held(row.address):
        pass


def signed(bench: Bench, secret: str, body: bytes, back_s: int = 0) -> list[tuple[str, str]]:
    """Headers signed with this secret, so many seconds ago."""
    ts = unix_seconds(bench.clock.at) - back_s
    return [
        ("webhook-id", DELIVERY),
        ("webhook-timestamp", str(ts)),
        ("webhook-signature", sign_v1(secret, DELIVERY, ts, body)),
    ]


@pytest.mark.parametrize(
    ("secret", "back_s", "finding"),
    [(SECRET, 0, "valid"), (SECRET, 400, "too_old"), (OTHER, 0, None)],
)
async def test_signature_report(bench: Bench, secret: str, back_s: int, finding: str | None) -> None:
    """A capture says whether its signature holds, by the bin's webhook."""
    bench.store.put(WEBHOOK)
    bench.store.put(replace(WEBHOOK, id="whk_2", description="The other"))
    row = await bench.inspector.create(CALLER, "playground", webhook_id="whk_1")
    await bench.send(row, b"[]", signed(bench, secret, b"[]", back_s))
    (capture,) = await bench.inspector.captures("dd", row.id)
    if finding:
        assert capture.signature == finding
    else:
        assert capture.signature != "valid"
        assert "The other" in capture.signature_text


async def test_the_delivery_names_the_webhook(bench: Bench) -> None:
    """A bin without a webhook verifies with the one of the delivery; without either nothing is claimed."""
    row = await bench.inspector.create(CALLER, "playground")
    await bench.send(row, b"[]", signed(bench, SECRET, b"[]"))
    bench.store.put(SENT)
    await bench.send(row, b"[]", signed(bench, SECRET, b"[]"))
    second, first = await bench.inspector.captures("dd", row.id)
    assert (first.signature, second.signature) == (None, "valid")


async def test_schema_report(bench: Bench) -> None:
    """Known types are checked, in lists and in the wrapped formats; unknown ones are left alone."""
    row = await bench.inspector.create(CALLER, "playground")
    good = sample("chat.missed", "typical")
    chat = [("deskbell-event", "chat.missed")]
    both = [("deskbell-event", "chat.missed, ticket.updated")]
    ticket = sample("ticket.updated", "typical")
    cases: list[tuple[Any, bytes, Any]] = [
        (chat, b"[" + good + b"]", True),
        (chat, b'{"type":"chat.missed","timestamp":"x","data":' + good + b"}", True),
        (both, b"[" + good + b"," + ticket + b"]", True),
        (chat, b'[{"id":5}]', False),
        (chat, b"{nonsense", False),
        (chat, b'[{"id":"\xff"}]', False),
        (chat, b"[]", False),
        ([("deskbell-event", "no.such_type")], b"{}", None),
        ([], b"{}", None),
    ]
    for headers, body, expected in cases:
        await bench.send(row, body, headers)
        capture = (await bench.inspector.captures("dd", row.id, limit=1))[0]
        found = None if capture.schema_faults is None else capture.schema_faults == ()
        assert (body, found) == (body, expected)


async def test_waiting(bench: Bench) -> None:
    """Waiting ends with the capture that makes it complete, ignores other bins, and ends when its time is over."""
    row = await bench.inspector.create(CALLER, "playground")
    other = await bench.inspector.create(CALLER, "other")
    waiting = asyncio.ensure_future(bench.inspector.wait("dd", row.id, 2, 30, 1))
    for target in (row, other, row):
        await bench.send(target)
        await asyncio.sleep(0)
        assert not waiting.done()
    await bench.send(row)
    assert [one.seq for one in await asyncio.wait_for(waiting, 10)] == [2, 3]
    assert len(await bench.inspector.wait("dd", row.id, 9, 0)) == 3
    assert bench.bell.listeners == []


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"script": "fly"}, "/script"),
        ({"webhookId": "whk_none"}, "/webhookId"),
        ({"colour": 1}, "/colour"),
        ({"steps": []}, "/steps"),
        ({"steps": [{"status": 99}]}, "/steps/0/status"),
        ({"steps": [{"headers": {"Set-Cookie": "a"}}]}, "/steps/0/headers/Set-Cookie"),
        ({"steps": [{"headers": {"X-A": "a\r\nb"}}]}, "/steps/0/headers/X-A"),
        ({"steps": [{"fault": "explode"}]}, "/steps/0/fault"),
        ({"steps": [{"seconds": 61}]}, "/steps/0/seconds"),
        ({"steps": [{"nap": 1}]}, "/steps/0/nap"),
        ({"steps": ["ok"]}, "/steps/0"),
    ],
)
async def test_changes_that_are_not_valid(bench: Bench, patch: dict[str, Any], pointer: str) -> None:
    """Each fault is told at its member and the bin stays as it was."""
    row = await bench.inspector.create(CALLER, "playground")
    with pytest.raises(Invalid) as refused:
        await bench.inspector.change(CALLER, row.id, patch)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
    assert await bench.inspector.get("dd", row.id) == row
