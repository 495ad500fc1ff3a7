"""Every cell of the table in the docs: paused, disabled, slider off, slider on, deleted; what is new, what waits.

Each state is entered with two deliveries that wait for their next attempt (the receiver failed once each), so that
"what waits" is there to look at.
"""

from typing import Any

import pytest

from receiver import Receiver
from running import Running, until

SOON = {"retrySchedule": [1] * 20}
LATER = {"retrySchedule": [3_600] * 20}


async def publish(desk: Running, n: int) -> Any:
    """One custom event."""
    return await desk.good("POST", "/events", {"type": "custom.step", "data": {"n": n}})


async def with_waiting(desk: Running, receiver: Receiver, **settings: Any) -> Any:
    """A webhook with two deliveries (0 and 1) that were attempted once and wait."""
    receiver.answers = [(500, {}), (500, {})]
    webhook = await desk.webhook(receiver.url, "custom.*", **settings)
    for n in range(2):
        await publish(desk, n)
    await receiver.wait(2)

    async def both_wait() -> bool:
        rows = await deliveries(desk, webhook)
        return [(one["state"], one["attempts"]) for one in rows] == [("waiting", 1)] * 2

    await until(both_wait)
    receiver.received.clear()
    return webhook


async def deliveries(desk: Running, webhook: Any, **query: str) -> list[Any]:
    """Its deliveries, oldest first."""
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    return (await desk.good("GET", f"/deliveries?webhook={webhook['id']}{extra}"))["items"][::-1]


async def reason(desk: Running, event: Any) -> tuple[str, bool]:
    """Why the event's one webhook got it or not, and whether a delivery was made."""
    [entry] = (await desk.good("GET", f"/events/{event['id']}/trace"))["items"]
    return entry["reason"], entry["deliveryId"] is not None


async def arrived(receiver: Receiver, count: int) -> list[int]:
    """Which events arrived, once there are so many."""
    return [one.events[0]["data"]["n"] for one in await receiver.wait(count)]


async def code(desk: Running, path: str, body: Any = None) -> tuple[int, str]:
    """Status and detail of a POST."""
    answer = await desk.call("POST", path, body or {})
    return answer.status, answer.json.get("detail", "")


async def test_paused(desk: Running, receiver: Receiver) -> None:
    """New ones are matched, queued and held with those that wait; resume drains all of them."""
    webhook = await with_waiting(desk, receiver, **SOON)
    path = f"/webhooks/{webhook['id']}"
    assert (await desk.good("POST", f"{path}/pause", {}))["state"] == "paused"
    assert await reason(desk, await publish(desk, 2)) == ("paused", True)
    rows = await deliveries(desk, webhook)
    assert [(one["heldBy"], one["nextAttemptAt"]) for one in rows] == [("paused", None)] * 3
    assert receiver.received == []
    made = await desk.good("POST", f"{path}/test", {})
    await receiver.wait(1)  # a test is sent all the same
    sent = await desk.good("POST", f"/deliveries/{rows[1]['id']}/redeliver", {})
    assert sent["id"] == rows[1]["id"]
    assert (await receiver.wait(2))[1].events[0]["data"]["n"] == 1  # and so is what a person asks for
    await desk.delivery(lambda one: one["id"] == rows[1]["id"] and one["state"] == "delivered")
    receiver.received.clear()
    resumed = await desk.good("POST", f"{path}/resume", {})
    assert (resumed["state"], resumed["held"]) == ("enabled", {"kept": 2, "cancelled": 0})
    assert sorted(await arrived(receiver, 2)) == [0, 2]
    assert made["deliveryId"] is not None


async def test_resume_drains_in_order_at_the_webhooks_rate(desk: Running, receiver: Receiver) -> None:
    """What gathered while paused comes oldest first, no faster than the receiver wants."""
    webhook = await desk.webhook(receiver.url, "custom.*", ratePerSecond=20)
    await desk.good("POST", f"/webhooks/{webhook['id']}/pause", {})
    for n in range(30):
        await publish(desk, n)
    held = await deliveries(desk, webhook, state="held", limit="200")
    assert [one["state"] for one in held] == ["waiting"] * 30
    await desk.good("POST", f"/webhooks/{webhook['id']}/resume", {})
    assert await arrived(receiver, 30) == list(range(30))


async def test_resume_can_drop_what_is_old(desk: Running, receiver: Receiver) -> None:
    """The count is told before, and again after; exactly these are cancelled, the rest is sent."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    path = f"/webhooks/{webhook['id']}"
    await desk.good("POST", f"{path}/pause", {})
    for n in range(3):
        await publish(desk, n)

    async def old_enough() -> bool:
        wish = {"dropOlderThanSeconds": 1, "dryRun": True}
        return bool((await desk.good("POST", f"{path}/resume", wish))["held"]["cancelled"] == 3)

    await until(old_enough)
    await publish(desk, 3)
    told = await desk.good("POST", f"{path}/resume", {"dropOlderThanSeconds": 1, "dryRun": True})
    assert (told["state"], told["held"]) == ("paused", {"kept": 1, "cancelled": 3})
    assert [one["state"] for one in await deliveries(desk, webhook)] == ["waiting"] * 4
    done = await desk.good("POST", f"{path}/resume", {"dropOlderThanSeconds": 1})
    assert (done["state"], done["held"]) == ("enabled", {"kept": 1, "cancelled": 3})
    assert await arrived(receiver, 1) == [3]
    assert [one["state"] for one in await deliveries(desk, webhook, state="cancelled")] == ["cancelled"] * 3


@pytest.mark.parametrize("cause", ["a person", "410"])
@pytest.mark.parametrize("held", ["resume", "cancel"])
async def test_disabled(desk: Running, receiver: Receiver, cause: str, held: str) -> None:
    """New ones are recorded, no delivery; those that wait are held; enabling asks what becomes of them."""
    webhook = await with_waiting(desk, receiver, **(SOON if cause == "410" else LATER))
    path = f"/webhooks/{webhook['id']}"
    if cause == "410":
        receiver.answers = [(410, {})]

        async def disabled() -> bool:
            return bool((await desk.good("GET", path))["state"] == "disabled")

        await until(disabled)
    else:
        await desk.good("POST", f"{path}/disable", {"reason": "maintenance"})
    found = await desk.good("GET", path)
    assert found["stateReason"] == ("maintenance" if cause == "a person" else "the receiver answered 410 Gone")
    assert await reason(desk, await publish(desk, 2)) == ("disabled", False)
    rows = await deliveries(desk, webhook)
    assert [one["heldBy"] for one in rows] == ["disabled"] * 2
    assert (await code(desk, f"/deliveries/{rows[0]['id']}/redeliver"))[0] == 409
    receiver.received.clear()
    receiver.answers = []
    await desk.good("POST", f"{path}/test", {})
    await receiver.wait(1)  # a test is sent all the same
    receiver.received.clear()
    told = await desk.good("POST", f"{path}/enable", {"held": held, "dryRun": True})
    done = await desk.good("POST", f"{path}/enable", {"held": held})
    assert told["held"] == done["held"] == {"kept": 2 * (held == "resume"), "cancelled": 2 * (held == "cancel")}
    assert (told["state"], done["state"]) == ("disabled", "enabled")
    await publish(desk, 3)
    if held == "cancel":
        assert await arrived(receiver, 1) == [3]
        assert [one["state"] for one in await deliveries(desk, webhook, state="cancelled")] == ["cancelled"] * 2
        return
    for row in rows:  # held ones keep their schedule: an hour, or what a person says
        if cause == "a person":
            await desk.good("POST", f"/deliveries/{row['id']}/redeliver", {})
    assert sorted(await arrived(receiver, 3)) == [0, 1, 3]


async def test_slider_off_and_on_again(desk: Running, receiver: Receiver) -> None:
    """Off: recorded, no delivery, held, and nothing is sent on any way. On: they go on; the missed are asked about."""
    webhook = await with_waiting(desk, receiver, **SOON)
    await desk.good("PATCH", "/site", {"webhooksEnabled": False})
    missed = await publish(desk, 2)
    assert await reason(desk, missed) == ("off", False)
    rows = await deliveries(desk, webhook)
    assert [one["heldBy"] for one in rows] == ["off"] * 2
    assert (await code(desk, f"/deliveries/{rows[0]['id']}/redeliver"))[0] == 409
    assert (await code(desk, f"/webhooks/{webhook['id']}/test"))[0] == 409
    assert receiver.received == []
    site = await desk.good("PATCH", "/site", {"webhooksEnabled": True})
    assert site["missedWhileOff"]["count"] == 1
    assert sorted(await arrived(receiver, 2)) == [0, 1]
    assert await reason(desk, await publish(desk, 3)) == ("matched", True)
    await arrived(receiver, 3)
    site = await desk.good("POST", "/site/missed", {"answer": "leave"})
    assert site["missedWhileOff"] is None
    assert await reason(desk, missed) == ("off", False)


async def test_slider_off_beats_a_paused_webhook(desk: Running, receiver: Receiver) -> None:
    """A webhook that is resumed while the slider is off sends when the slider is on again."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    await desk.good("POST", f"/webhooks/{webhook['id']}/pause", {})
    await publish(desk, 1)
    await desk.good("PATCH", "/site", {"webhooksEnabled": False})
    await desk.good("POST", f"/webhooks/{webhook['id']}/resume", {})
    [row] = await deliveries(desk, webhook)
    assert (row["heldBy"], receiver.received) == ("off", [])
    await desk.good("PATCH", "/site", {"webhooksEnabled": True})
    assert await arrived(receiver, 1) == [1]


@pytest.mark.parametrize("send", [True, False])
async def test_deleted_and_restored(desk: Running, receiver: Receiver, send: bool) -> None:
    """Those that wait are cancelled; the row says who, when, how and why; restore brings all back, these if wished."""
    webhook = await with_waiting(desk, receiver, **LATER)
    path = f"/webhooks/{webhook['id']}"
    await desk.good("DELETE", f"{path}?reason=moved")
    event = await publish(desk, 2)
    assert (await desk.good("GET", f"/events/{event['id']}/trace"))["items"] == []
    rows = await deliveries(desk, webhook)
    assert [one["state"] for one in rows] == ["cancelled"] * 2
    assert (await code(desk, f"/deliveries/{rows[0]['id']}/redeliver"))[0] == 409
    assert (await code(desk, f"{path}/test"))[0] == 409
    [deleted] = (await desk.good("GET", "/webhooks?state=deleted"))["items"]
    assert deleted["deletedAt"] is not None
    assert (deleted["deletedBy"]["kind"], deleted["deletedReason"]) == ("key", "moved")
    restored = await desk.good("POST", f"{path}/restore", {"sendCancelled": send})
    secret = (await desk.good("GET", f"{path}/secret"))["secrets"][0]["secret"]
    assert (restored["id"], restored["state"], secret) == (webhook["id"], "enabled", webhook["secret"])
    await publish(desk, 3)
    assert sorted(await arrived(receiver, 3 if send else 1)) == ([0, 1, 3] if send else [3])
    assert all(one.target == "/hook" for one in receiver.received)
