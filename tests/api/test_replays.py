"""Replays, redelivery with today's settings, and what was missed while off, by API on a database file."""

from typing import Any

import pytest

from receiver import Receiver
from running import Running, until

FAST = {"retrySchedule": []}


async def failed(desk: Running, receiver: Receiver, count: int, **more: Any) -> Any:
    """A webhook whose first deliveries are exhausted; later ones arrive."""
    receiver.answers = [(413, {})] * count
    webhook = await desk.webhook(receiver.url, "custom.*", **{**FAST, **more})
    for n in range(count):
        await desk.good("POST", "/events", {"type": "custom.step", "data": n})

    async def are_exhausted() -> bool:
        found = (await desk.good("GET", "/deliveries?state=exhausted&limit=200"))["items"]
        return len(found) == count

    await until(are_exhausted)
    receiver.received.clear()
    return webhook


async def finished(desk: Running, replay: Any) -> Any:
    """The replay when everything that it began has ended."""

    async def look() -> Any:
        now = await desk.good("GET", f"/replays/{replay['id']}")
        return now if now["endedAt"] and now["progress"]["waiting"] == 0 else None

    return await until(look)


async def test_count_then_run(desk: Running, receiver: Receiver) -> None:
    """The dry run counts exactly and changes nothing; the run sends just these, once, and says how far it is."""
    webhook = await failed(desk, receiver, 5)
    wish = {"states": ["exhausted"], "webhookIds": [webhook["id"]]}
    counted = await desk.good("POST", "/replays", {**wish, "dryRun": True})
    rows = [{"webhookId": webhook["id"], "count": 5}]
    assert counted == {"dryRun": True, "total": 5, "webhooks": rows, "arrived": 0}
    assert (await desk.good("GET", "/replays"))["items"] == []
    answer = await desk.call("POST", "/replays", wish)
    made = answer.json
    assert (answer.status, made["total"], made["state"]) == (201, 5, "running")
    assert answer.headers["location"] == f"/api/v1/replays/{made['id']}"
    done = await finished(desk, made)
    assert (done["state"], done["done"], done["changedBy"], done["createdBy"]["kind"]) == ("finished", 5, None, "key")
    assert done["progress"] == {"waiting": 0, "delivered": 5, "accepted": 0, "exhausted": 0, "cancelled": 0}
    assert len({one.header("webhook-id") for one in receiver.received}) == len(receiver.received) == 5
    assert {one.header("deskbell-redelivery") for one in receiver.received} == {"true"}
    again = await desk.good("POST", "/replays", {**wish, "dryRun": True})
    assert (again["total"], again["arrived"]) == (0, 5)
    items = (await desk.good("GET", "/replays"))["items"]
    assert [one["id"] for one in items] == [made["id"]]
    delivery = (await desk.good("GET", "/deliveries"))["items"][0]
    assert delivery["replayId"] == made["id"]
    assert len((await desk.good("GET", f"/deliveries?replay={made['id']}"))["items"]) == 5
    assert (await desk.good("GET", "/deliveries?replay=rpl_none"))["items"] == []


async def test_once_under_a_key(desk: Running, receiver: Receiver) -> None:
    """The answer is stored in the unit that makes the replay: the same key never makes a second one."""
    await failed(desk, receiver, 2)
    headers = {"Idempotency-Key": "replay-1"}
    answers = [await desk.call("POST", "/replays", {"states": ["everything"]}, headers=headers) for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert answers[1].headers["location"] == answers[0].headers["location"]
    assert len((await desk.good("GET", "/replays"))["items"]) == 1


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"states": []}, "/states"),
        ({"states": ["lost"]}, "/states/0"),
        ({"states": ["missed"], "webhookIds": ["whk_none"]}, "/webhookIds/0"),
        ({"states": ["missed"], "since": "yesterday"}, "/since"),
        ({"states": ["missed"], "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/until"),
        ({"states": ["missed"], "eventTypes": ["chat.missed", "Chat!"]}, "/eventTypes/1"),
        ({"states": ["missed"], "ratePerSecond": 0}, "/ratePerSecond"),
        ({"states": ["missed"], "text": "a " * 21}, "/text"),
        ({"states": ["missed"], "speed": 1}, "/speed"),
        ({}, "/states"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_faults(desk: Running, members: dict[str, Any], pointer: str, dry_run: bool) -> None:
    """Each fault where it stands; the dry run refuses the same."""
    answer = await desk.call("POST", "/replays", {**members, "dryRun": dry_run})
    assert (answer.status, [one["pointer"] for one in answer.json["errors"]]) == (422, [pointer])


async def test_pause_resume_cancel(desk: Running, receiver: Receiver) -> None:
    """Each from where it may, audited; else 409 with the present state."""
    await failed(desk, receiver, 3)
    made = await desk.good("POST", "/replays", {"states": ["exhausted"], "ratePerSecond": 0.01})
    path = f"/replays/{made['id']}"
    paused = await desk.good("POST", f"{path}/pause")
    assert (paused["state"], paused["changedBy"]["kind"]) == ("paused", "key")
    again = await desk.call("POST", f"{path}/pause")
    assert (again.status, again.json["code"]) == (409, "paused")
    assert (await desk.good("POST", f"{path}/resume"))["state"] == "running"
    cancelled = await desk.good("POST", f"{path}/cancel")
    assert cancelled["state"] == "cancelled"
    assert cancelled["endedAt"]
    assert cancelled["done"] <= 2  # one token at its start, one when it goes on
    for verb in ("pause", "resume", "cancel"):
        assert (await desk.call("POST", f"{path}/{verb}")).status == 409
    audit = [one["operation"] for one in (await desk.good("GET", "/audit"))["items"]]
    assert audit[:4] == ["replay.cancel", "replay.resume", "replay.pause", "replay.create"]


async def test_with_todays_settings(desk: Running, receiver: Receiver) -> None:
    """A new delivery, rendered in the present format, linked both ways; the old one stays as it was."""
    webhook = await failed(desk, receiver, 1)
    old = (await desk.good("GET", "/deliveries"))["items"][0]
    await desk.good("PATCH", f"/webhooks/{webhook['id']}", {"format": "standard"})
    answer = await desk.call("POST", f"/deliveries/{old['id']}/redeliver", {"render": "again"})
    new = answer.json
    assert (answer.status, new["copyOf"]) == (201, old["id"])
    (received,) = await receiver.wait(1)
    assert received.header("webhook-id") == new["id"]
    assert received.header("deskbell-redelivery") == "true"
    assert isinstance(received.events, dict)
    shown = await desk.good("GET", f"/deliveries/{old['id']}")
    assert (shown["state"], shown["copies"]) == ("exhausted", [new["id"]])
    refused = await desk.call("POST", f"/deliveries/{old['id']}/redeliver", {"render": "better"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/render")


async def test_restored_with_what_was_cancelled(desk: Running, receiver: Receiver) -> None:
    """A deletion cancels what waits, more than a page of it; `sendCancelled` sends all of that, and nothing else."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    await desk.good("POST", f"/webhooks/{webhook['id']}/pause")
    events = [{"type": "custom.n", "data": n} for n in range(450)]
    await desk.good("POST", "/events", events)
    first = (await desk.good("GET", "/deliveries?limit=1"))["items"][0]
    await desk.good("POST", f"/deliveries/{first['id']}/cancel")
    await desk.call("DELETE", f"/webhooks/{webhook['id']}")
    await desk.good("POST", f"/webhooks/{webhook['id']}/restore", {"sendCancelled": True})
    await desk.good("POST", f"/webhooks/{webhook['id']}/resume")
    received = await receiver.wait(449)
    assert len({one.header("webhook-id") for one in received}) == 449
    assert first["id"] not in {one.header("webhook-id") for one in receiver.received}
    assert (await desk.good("GET", f"/deliveries/{first['id']}"))["state"] == "cancelled"
