"""What was not sent, or did not arrive, is sent after all."""

from typing import Any

from receiver import Receiver
from running import Running, until


async def test_missed_while_webhooks_were_off(desk: Running, receiver: Receiver) -> None:
    """Off, three events, on: the question names them; *Replay them* sends exactly these, once, and answers it."""
    await desk.webhook(receiver.url, "custom.*")
    await desk.good("POST", "/events", {"type": "custom.before", "data": 0})
    await receiver.wait(1)
    await desk.good("PATCH", "/site", {"webhooksEnabled": False})
    missed = [(await desk.good("POST", "/events", {"type": "custom.off", "data": n}))["id"] for n in range(3)]
    early = await desk.call("POST", "/site/missed", {"answer": "replay"})
    assert early.status == 409
    site = await desk.good("PATCH", "/site", {"webhooksEnabled": True})
    assert site["missedWhileOff"]["count"] == 3
    await desk.good("POST", "/events", {"type": "custom.after", "data": 4})
    await receiver.wait(2)
    answered = await desk.good("POST", "/site/missed", {"answer": "replay"})
    assert answered["missedWhileOff"] is None
    await receiver.wait(5)

    async def done() -> Any:
        replay = await desk.good("GET", f"/replays/{answered['replayId']}")
        return replay if replay["progress"]["delivered"] == 3 else None

    replay = await until(done)
    assert (replay["state"], replay["total"], replay["done"]) == ("finished", 3, 3)
    made = (await desk.good("GET", "/deliveries"))["items"]
    assert sorted(one["eventIds"][0] for one in made if one["replayId"]) == sorted(missed)
    assert len(receiver.received) == 5
    again = await desk.call("POST", "/site/missed", {"answer": "replay"})
    assert (again.status, again.json["code"]) == (409, "nothing_missed")


async def test_a_receiver_that_lost_its_data(desk: Running, receiver: Receiver) -> None:
    """Everything of one type goes once more: same ids, so a receiver that kept some can skip them."""
    await desk.webhook(receiver.url, "custom.*")
    for n in range(4):
        await desk.good("POST", "/events", {"type": "custom.keep" if n % 2 else "custom.lost", "data": n})
    first = await receiver.wait(4)

    async def all_arrived() -> bool:
        return all(one["state"] == "delivered" for one in (await desk.good("GET", "/deliveries"))["items"])

    await until(all_arrived)
    wish = {"states": ["everything"], "eventTypes": ["custom.lost"]}
    replay = await desk.good("POST", "/replays", wish)
    assert replay["total"] == 2
    second = (await receiver.wait(6))[4:]
    lost = [one for one in first if b"custom.lost" in one.body]
    assert sorted(one.header("webhook-id") for one in second) == sorted(one.header("webhook-id") for one in lost)
    assert {one.body for one in second} == {one.body for one in lost}
