"""What an admin goes through with a webhook: failing receivers, the slider, deleting, rotating, pausing."""

from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from receiver import Receiver
from running import Running, until

FAST = {"retrySchedule": [1, 1, 1]}


async def publish(desk: Running, n: int = 0) -> Any:
    """One custom event."""
    return await desk.good("POST", "/events", {"type": "custom.step", "data": {"n": n}})


async def test_fails_twice_then_works(desk: Running, receiver: Receiver) -> None:
    """A receiver that answers 503 twice gets the same id and bytes again until it works."""
    receiver.answers = [(503, {}), (500, {})]
    await desk.webhook(receiver.url, "custom.*", **FAST)
    await publish(desk)
    first, second, third = await receiver.wait(3)
    assert first.body == second.body == third.body
    assert first.header("webhook-id") == second.header("webhook-id") == third.header("webhook-id")
    assert [one.header("deskbell-attempt") for one in (first, second, third)] == ["1", "2", "3"]
    delivery = await desk.delivery(lambda one: one["state"] == "delivered")
    log = (await desk.good("GET", f"/deliveries/{delivery['id']}"))["log"]
    assert [(one["outcome"]["name"], one["decision"]["kind"]) for one in log] == [
        ("http_503", "retry"),
        ("http_500", "retry"),
        ("http_200", "delivered"),
    ]


async def test_a_receiver_that_is_down_is_left_in_peace_until_one_sent_by_hand_arrives(
    desk: Running, receiver: Receiver
) -> None:
    """Five failures: nothing more is sent, and `breakerUntil` says how long. *Send now* arrives: everything does."""
    receiver.answers = [(503, {})] * 5
    webhook = await desk.webhook(receiver.url, "custom.*", retrySchedule=[1, 1])
    for number in range(5):
        await publish(desk, number)
    await receiver.wait(5)

    async def health() -> Any:
        return await desk.good("GET", f"/webhooks/{webhook['id']}/health")

    async def is_open() -> bool:
        return (await health())["breakerUntil"] is not None

    await until(is_open)
    assert (await health())["state"] == "failing"
    late = await publish(desk, 5)
    delivery = await desk.delivery(lambda one: one["eventIds"] == [late["id"]])
    assert (delivery["state"], delivery["attempts"]) == ("waiting", 0)
    await desk.good("POST", f"/deliveries/{delivery['id']}/redeliver", {})
    await receiver.wait(11)

    async def well() -> bool:
        found = await health()
        return found["state"] == "healthy" and found["breakerUntil"] is None

    await until(well)


async def test_exhausted_then_sent_again(desk: Running, receiver: Receiver) -> None:
    """When the schedule is used up the delivery is exhausted, and one click sends it again."""
    receiver.answers = [(500, {}), (500, {})]
    await desk.webhook(receiver.url, "custom.*", retrySchedule=[1])
    await publish(desk)
    delivery = await desk.delivery(lambda one: one["state"] == "exhausted")
    await desk.good("POST", f"/deliveries/{delivery['id']}/redeliver", {})
    requests = await receiver.wait(3)
    assert requests[2].body == requests[0].body
    assert requests[2].header("deskbell-redelivery") == "true"
    again = await desk.delivery(lambda one: one["state"] == "delivered")
    assert again["id"] == delivery["id"]
    log = (await desk.good("GET", f"/deliveries/{delivery['id']}"))["log"]
    assert [one["trigger"] for one in log] == ["automatic", "automatic", "manual"]


async def test_gone_disables_and_holds(desk: Running, receiver: Receiver) -> None:
    """410 disables the webhook at once and holds its queue; a new URL and enable let it drain."""
    receiver.answers = [(410, {})]
    webhook = await desk.webhook(receiver.url, "custom.*", **FAST)
    await publish(desk)

    async def disabled() -> bool:
        return bool((await desk.good("GET", f"/webhooks/{webhook['id']}"))["state"] == "disabled")

    await until(disabled)
    held = await desk.delivery(lambda one: one["heldBy"] == "disabled")
    assert (await desk.good("GET", f"/webhooks/{webhook['id']}/health"))["state"] == "failing"
    await desk.good("PATCH", f"/webhooks/{webhook['id']}", {"receiverUrl": receiver.url + "/new"})
    await desk.good("POST", f"/webhooks/{webhook['id']}/enable", {"held": "resume"})
    requests = await receiver.wait(2)
    assert requests[1].target == "/hook/new"
    done = await desk.delivery(lambda one: one["state"] == "delivered")
    assert done["id"] == held["id"]


async def test_slider_off_and_on(desk: Running, receiver: Receiver) -> None:
    """Off: events are recorded, nothing is sent; on: what was missed is counted, new events arrive."""
    await desk.webhook(receiver.url, "custom.*")
    await desk.good("PATCH", "/site", {"webhooksEnabled": False})
    missed = await publish(desk, 1)
    trace = (await desk.good("GET", f"/events/{missed['id']}/trace"))["items"]
    assert [one["reason"] for one in trace] == ["off"]
    site = await desk.good("PATCH", "/site", {"webhooksEnabled": True})
    assert site["missedWhileOff"]["count"] == 1
    site = await desk.good("POST", "/site/missed", {"answer": "leave"})
    assert site["missedWhileOff"] is None
    await publish(desk, 2)
    [request] = await receiver.wait(1)
    assert request.events[0]["data"] == {"n": 2}


async def test_delete_and_restore(desk: Running, receiver: Receiver) -> None:
    """A deleted webhook sends nothing, says who deleted it and why, and comes back with id and secret."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    await desk.good("DELETE", f"/webhooks/{webhook['id']}?reason=moved")
    await publish(desk, 1)
    [deleted] = (await desk.good("GET", "/webhooks?state=deleted"))["items"]
    assert (deleted["deletedBy"]["kind"], deleted["deletedReason"]) == ("key", "moved")
    restored = await desk.good("POST", f"/webhooks/{webhook['id']}/restore", {})
    assert restored["id"] == webhook["id"]
    await publish(desk, 2)
    [request] = await receiver.wait(1)
    assert request.events[0]["data"] == {"n": 2}
    Webhook(webhook["secret"]).verify(request.body, dict(request.headers))


async def test_rotate_under_traffic(desk: Running, receiver: Receiver) -> None:
    """During the overlap both secrets verify every request; after it only the new one does."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    for n in range(20):
        await publish(desk, n)
    made = await desk.good("POST", f"/webhooks/{webhook['id']}/secret/rotate", {"overlapSeconds": 3600})
    for n in range(20, 40):
        await publish(desk, n)
    requests = await receiver.wait(40)
    for request in requests:
        Webhook(webhook["secret"]).verify(request.body, dict(request.headers))
    both = [one for one in requests if one.header("webhook-signature").count("v1,") == 2]
    assert len(both) >= 20
    for request in both:
        Webhook(made["secret"]).verify(request.body, dict(request.headers))
    await desk.good("DELETE", f"/webhooks/{webhook['id']}/secret/previous")
    await publish(desk, 99)
    [last] = await receiver.wait(1, lambda one: one.events[0]["data"] == {"n": 99})
    Webhook(made["secret"]).verify(last.body, dict(last.headers))
    try:
        Webhook(webhook["secret"]).verify(last.body, dict(last.headers))
    except WebhookVerificationError:
        pass
    else:
        raise AssertionError("the ended secret still verifies")


async def test_pause_holds_and_resume_drains(desk: Running, receiver: Receiver) -> None:
    """A paused webhook's events are held, not lost, and arrive after resume."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    await desk.good("POST", f"/webhooks/{webhook['id']}/pause", {})
    for n in range(3):
        await publish(desk, n)
    held = (await desk.good("GET", "/deliveries?state=held"))["items"]
    assert [one["heldBy"] for one in held] == ["paused"] * 3
    assert receiver.received == []
    await desk.good("POST", f"/webhooks/{webhook['id']}/resume", {})
    requests = await receiver.wait(3)
    assert sorted(request.events[0]["data"]["n"] for request in requests) == [0, 1, 2]


async def test_test_button_changes_no_health(desk: Running, receiver: Receiver) -> None:
    """A test is one attempt, never retried, whatever the event types; health stays as it was."""
    receiver.answers = [(500, {})]
    webhook = await desk.webhook(receiver.url, "chat.*")
    made = await desk.good("POST", f"/webhooks/{webhook['id']}/test", {})
    [request] = await receiver.wait(1)
    assert request.header("deskbell-event") == "test.ping"
    delivery = await desk.delivery(lambda one: one["state"] == "exhausted")
    assert (delivery["id"], delivery["test"], delivery["attempts"]) == (made["deliveryId"], True, 1)
    assert (await desk.good("GET", f"/webhooks/{webhook['id']}"))["health"]["state"] == "new"


async def test_throttled_waits_as_asked(desk: Running, receiver: Receiver) -> None:
    """429 with Retry-After: the whole webhook waits that long, and nothing is lost."""
    receiver.answers = [(429, {"retry-after": "2"})]
    await desk.webhook(receiver.url, "custom.*", **FAST)
    await publish(desk)
    delivery = await desk.delivery(lambda one: one["attempts"] == 1 and one["state"] == "waiting")
    log = (await desk.good("GET", f"/deliveries/{delivery['id']}"))["log"]
    assert log[0]["outcome"]["class"] == "throttled"
    await receiver.wait(2)
    await desk.delivery(lambda one: one["state"] == "delivered")
