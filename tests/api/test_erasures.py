"""Erasing by API: what the doors show afterwards, the inspector's captures, repeated requests, contacts."""

import json

from running import Running, until


async def ticket_in_bin(desk: Running) -> tuple[str, str, str]:
    """A bin's webhook, a ticket, and its one delivery."""
    made = await desk.good("POST", "/inspector/bins", {"name": "mine"})
    await desk.webhook(made["url"], "ticket.created")
    contact = await desk.good("POST", "/desk/contacts", {"name": "Priya Nair", "email": "priya@x.example"})
    body = {"title": "Secret printer", "contactId": contact["entityId"]}
    ticket = (await desk.call("POST", "/desk/tickets", body, headers={"Idempotency-Key": "t-1"})).json
    delivery = await desk.delivery(lambda one: one["state"] == "delivered", type="ticket.created")
    return made["id"], ticket["id"], delivery["id"]


async def test_nothing_of_it_is_shown_any_more(desk: Running) -> None:
    """Counted first; then event, delivery, attempt, search, capture and stored answer hold no content."""
    bin_id, ticket_id, delivery_id = await ticket_in_bin(desk)
    wish = {"subject": {"type": "ticket", "id": ticket_id}}
    counted = await desk.good("POST", "/erasures", {**wish, "dryRun": True})
    assert (counted["dryRun"], counted["events"], counted["subjects"]) == (True, 1, [f"ticket:{ticket_id}"])
    done = await desk.good("POST", "/erasures", wish)
    assert (done["dryRun"], done["events"]) == (False, 1)
    delivery = await desk.good("GET", f"/deliveries/{delivery_id}")
    assert delivery["subject"] == {"type": "ticket", "id": ticket_id, "title": None}
    event = await desk.good("GET", f"/events/{delivery['eventIds'][0]}")
    assert (event["data"], event["erased"]) == (None, True)
    attempt = await desk.good("GET", f"/attempts/{delivery['log'][0]['id']}")
    assert (attempt["request"]["body"], attempt["response"]["body"]) == ("", "")
    assert (await desk.good("GET", "/deliveries?text=printer"))["items"] == []
    captures = (await desk.good("GET", f"/inspector/bins/{bin_id}/captures"))["items"]
    assert "Secret printer" not in json.dumps(captures)
    assert delivery_id in json.dumps(captures)
    again = await desk.call("POST", f"/deliveries/{delivery_id}/redeliver", {"render": "again"})
    assert (again.status, again.json["code"]) == (409, "erased")
    counted = await desk.good("POST", "/replays", {"states": ["everything"], "dryRun": True})
    assert counted["total"] == 0
    body = {"title": "Secret printer", "contactId": 1}
    repeated = await desk.call("POST", "/desk/tickets", body, headers={"Idempotency-Key": "t-1"})
    assert (repeated.status, repeated.json["code"]) == (409, "answer_erased")
    lines = (desk.house.config.data / "erasures.jsonl").read_text().splitlines()
    assert [(json.loads(one)["type"], json.loads(one)["id"]) for one in lines] == [("ticket", ticket_id)]


async def test_a_callers_own_subject(desk: Running) -> None:
    """Custom events are erased by the subject they were published with; the audit never held the words."""
    await desk.webhook("http://127.0.0.1:9/none", "custom.*", retrySchedule=[])
    subject = {"type": "order", "id": "4711", "title": "Unmistakable-9f3a"}
    await desk.good("POST", "/events", {"type": "custom.paid", "data": {"x": "Unmistakable-9f3a"}, "subject": subject})

    async def is_over() -> bool:
        return bool((await desk.good("GET", "/deliveries?state=exhausted"))["items"])

    await until(is_over)
    await desk.good("POST", "/erasures", {"subject": {"type": "order", "id": "4711"}})
    rows = json.dumps(await desk.good("GET", "/events")) + json.dumps(await desk.good("GET", "/audit"))
    assert "Unmistakable" not in rows


async def test_a_contact_is_erased_wherever_it_is_named(desk: Running) -> None:
    """Their tickets, and the subjects of others that name them."""
    _, ticket_id, _ = await ticket_in_bin(desk)
    contacts = (await desk.good("GET", "/desk/contacts"))["items"]
    key = str(contacts[0]["entityId"])
    done = await desk.good("POST", "/erasures", {"subject": {"type": "contact", "id": key}})
    assert done["subjects"] == [f"contact:{key}", f"ticket:{ticket_id}"]
    assert "Priya" not in json.dumps(await desk.good("GET", "/events"))
    assert "Priya" not in json.dumps(await desk.good("GET", "/desk/contacts"))


async def test_publishing_an_erased_id_again_stores_nothing(desk: Running) -> None:
    """A publisher that repeats itself gets the same answer; the content does not come back."""
    body = {"type": "custom.paid", "data": {"n": 1}, "id": "own-1", "subject": {"type": "order", "id": "1"}}
    first = await desk.good("POST", "/events", body)
    await desk.good("POST", "/erasures", {"subject": {"type": "order", "id": "1"}})
    assert await desk.good("POST", "/events", body) == first
    assert (await desk.good("GET", f"/events/{first['id']}"))["erased"] is True


async def test_faults(desk: Running) -> None:
    """Unknown subjects are 404, empty ones 422."""
    nobody = await desk.call("POST", "/erasures", {"subject": {"type": "ticket", "id": "999"}})
    assert nobody.status == 404
    empty = await desk.call("POST", "/erasures", {"subject": {"type": " ", "id": "1"}})
    assert (empty.status, empty.json["errors"][0]["pointer"]) == (422, "/subject")
