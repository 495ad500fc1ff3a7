"""Only when …, and a payload of one's own: an admin narrows a ticket webhook down and shapes what it sends."""

import json
from typing import Any

from receiver import Receiver
from running import Running
from stories.test_tickets_and_custom import ticket_of

TEMPLATE = {
    "text": "Ticket {{ event.id }} is {{ event.status.name }}: {{ event.title|truncate(20) }}",
    "ticket": {"$": "event.entityId"},
    "was": {"$": "event.changes.status.old.name", "or": "new"},
    "owner": {"$": "event.agents[0].name", "omit": True},
    "url": "{{ event.link }}",
}


async def test_a_narrow_webhook_with_its_own_payload(desk: Running, receiver: Receiver) -> None:
    """Filter and changed fields decide, the template makes the body, the trace explains, one more is sent by hand."""
    webhook = await desk.webhook(
        receiver.url,
        "ticket.updated",
        filter="status.name == 'In Progress' and 'vip' in tags",
        changedFields=["status"],
        format="template",
        template=TEMPLATE,
    )
    assert (webhook["filter"], webhook["template"]["ticket"]) == (
        "status.name == 'In Progress' and 'vip' in tags", {"$": "event.entityId"},
    )  # fmt: skip
    assert webhook["warnings"] == []
    ticket = await ticket_of(desk, "Printer on the third floor is on fire")
    path = f"/desk/tickets/{ticket['id']}"
    await desk.good("PATCH", path, {"tags": ["vip"]})
    await desk.good("PATCH", path, {"statusId": 2})
    await desk.good("PATCH", path, {"title": "Printer on fire"})
    [request] = await receiver.wait(1)
    assert request.header("content-type") == "application/json"
    assert json.loads(request.body) == {
        "text": f"Ticket {ticket['id']} is In Progress: Printer on the thir…",
        "ticket": ticket["entityId"],
        "was": "New",
        "url": ticket["link"],
    }
    by_reason = await reasons(desk, ticket["id"])
    assert sorted(by_reason) == ["fields", "filter: status.name == 'In Progress'", "matched"]
    await send_anyway(desk, receiver, webhook["id"], by_reason["fields"])


async def reasons(desk: Running, ticket_id: str) -> dict[str, str]:
    """The event by the reason in its trace."""
    events = (await desk.good("GET", f"/events?type=ticket.updated&subject=ticket:{ticket_id}"))["items"]
    traces = [(one["id"], await desk.good("GET", f"/events/{one['id']}/trace")) for one in events]
    return {trace["items"][0]["reason"]: event_id for event_id, trace in traces}


async def send_anyway(desk: Running, receiver: Receiver, webhook_id: str, event_id: str) -> None:
    """What did not match is sent by hand, once; after that it has a delivery of its own."""
    made = await desk.call("POST", f"/events/{event_id}/send", {"webhookId": webhook_id})
    assert made.status == 201
    assert made.headers["location"] == f"/api/v1/deliveries/{made.json['id']}"
    requests = await receiver.wait(2)
    assert requests[1].header("webhook-id") == made.json["id"]
    again = await desk.call("POST", f"/events/{event_id}/send", {"webhookId": webhook_id})
    assert again.status == 409
    assert made.json["id"] in again.json["detail"]


async def preview(desk: Running, **body: Any) -> Any:
    """What settings would do."""
    return await desk.good("POST", "/webhooks/preview", body)


async def test_trying_before_saving(desk: Running, receiver: Receiver) -> None:
    """The last real events say what a filter would do, and any of them shows its payload; nothing is sent."""
    ticket = await ticket_of(desk, "Printer")
    await desk.good("PATCH", f"/desk/tickets/{ticket['id']}", {"statusId": 2})
    members = {"eventTypes": ["ticket.*"], "filter": "status.name == 'In Progress'", "changedFields": ["status"]}
    found = await preview(desk, webhook={**members, "format": "template", "template": TEMPLATE})
    assert found["shown"] == "ticket.created, typical sample"
    assert found["payload"]["ticket"] == 48207
    assert sorted((one["type"], one["matched"], one["reason"]) for one in found["recent"]) == [
        ("ticket.created", False, "filter: status.name == 'In Progress'"),
        ("ticket.status_changed", True, "matched"),
        ("ticket.updated", True, "matched"),
    ]
    webhook = await desk.webhook(receiver.url, "ticket.created", template={"id": "{{ event.id }}"}, format="template")
    event_id = found["recent"][2]["eventId"]
    found = await preview(desk, webhookId=webhook["id"], eventId=event_id, recent=0)
    assert (found["payload"], found["recent"]) == ({"id": ticket["id"]}, [])
    stored = await desk.call("GET", f"/events/{event_id}/payload?webhook={webhook['id']}")
    assert stored.json == found["payload"]
    found = await preview(
        desk, webhookId=webhook["id"], eventId=event_id, webhook={"template": {"u": "{{ site.url }}"}}
    )
    assert found["payload"] == {"u": f"http://127.0.0.1:{desk.port}"}
    found = await preview(
        desk, webhookId=webhook["id"], webhook={"template": {"a": "{{ event.titel }}", "b": "{{ 1 + }}"}}
    )
    assert [one["pointer"] for one in found["errors"]] == ["/template/b"]
    assert (found["payload"], found["fault"][:2]) == (None, "/b")
    assert receiver.received == []
