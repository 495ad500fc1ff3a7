"""Tickets and custom events, from the action to the receiver."""

import json
from typing import Any

from receiver import Receiver
from running import Running
from stories.test_chats import contact


async def ticket_of(desk: Running, title: str) -> Any:
    """A ticket of a fresh contact."""
    person = await contact(desk)
    return await desk.good("POST", "/desk/tickets", {"title": title, "contactId": person["entityId"]})


async def test_ticket_update_carries_changes(desk: Running, receiver: Receiver) -> None:
    """Changing a ticket's status sends ticket.updated and the named change, each with old and new value."""
    await desk.webhook(receiver.url, "ticket.updated", "ticket.status_changed")
    ticket = await ticket_of(desk, "Printer")
    await desk.good("PATCH", f"/desk/tickets/{ticket['id']}", {"statusId": 2})
    requests = await receiver.wait(2)
    kinds = {request.header("deskbell-event"): request.events[0] for request in requests}
    assert set(kinds) == {"ticket.updated", "ticket.status_changed"}
    for event in kinds.values():
        assert event["changes"]["status"]["old"]["name"] == "New"
        assert event["changes"]["status"]["new"]["name"] == "In Progress"
        assert event["status"]["name"] == "In Progress"


async def test_approval_required(desk: Running, receiver: Receiver) -> None:
    """Marking a ticket Approval Required fires the event that the seed's approval flow starts with."""
    await desk.webhook(receiver.url, "ticket.approval_required")
    ticket = await ticket_of(desk, "Approve: design licence")
    await desk.good("PATCH", f"/desk/tickets/{ticket['id']}", {"statusId": 4})
    [request] = await receiver.wait(1)
    assert request.events[0]["id"] == ticket["id"]
    assert request.events[0]["status"]["isApprovalRequired"] is True


async def test_note_close_reopen_delete(desk: Running, receiver: Receiver) -> None:
    """Every further action on a ticket has its event."""
    await desk.webhook(
        receiver.url, "ticket.note_added", "ticket.closed", "ticket.reopened", "ticket.deleted", "ticket.tag_added"
    )
    ticket = await ticket_of(desk, "Printer")
    path = f"/desk/tickets/{ticket['id']}"
    await desk.good("POST", f"{path}/notes", {"kind": "note", "text": "Looked at it.", "isPublic": True})
    await desk.good("PATCH", path, {"tags": ["hardware"]})
    await desk.good("POST", f"{path}/close")
    await desk.good("POST", f"{path}/reopen")
    await desk.good("DELETE", path)
    requests = await receiver.wait(5)
    assert {request.header("deskbell-event") for request in requests} == {
        "ticket.note_added", "ticket.tag_added", "ticket.closed", "ticket.reopened", "ticket.deleted",
    }  # fmt: skip


async def test_custom_data_is_byte_identical(desk: Running, receiver: Receiver) -> None:
    """What a program publishes arrives byte for byte: number spelling, key order, escapes."""
    await desk.webhook(receiver.url, "custom.*")
    data = '{"z":1.10,"a":1E5,"text":"\\u00e9 é","__proto__":{"x":[]}}'
    body = f'{{"type":"custom.invoice_paid","data":{data},"subject":{{"type":"invoice","id":"7"}}}}'.encode()
    made = await desk.good("POST", "/events", body)
    [request] = await receiver.wait(1)
    assert f'"data":{data},"meta":'.encode() in request.body
    assert request.events[0]["id"] == made["id"]


async def test_thousand_at_once(desk: Running, receiver: Receiver) -> None:
    """An array of events is stored as a whole, and each arrives once."""
    await desk.webhook(receiver.url, "custom.*")
    events = [{"type": "custom.row", "data": {"n": n}} for n in range(1000)]
    made = await desk.good("POST", "/events", events)
    requests = await receiver.wait(1000)
    assert len(made["ids"]) == len(set(made["ids"])) == 1000
    assert {request.events[0]["id"] for request in requests} == set(made["ids"])
    assert sorted(request.events[0]["data"]["n"] for request in requests) == list(range(1000))


async def test_one_bad_event_stores_none(desk: Running, receiver: Receiver) -> None:
    """All or nothing: one reserved type among many refuses the whole array and sends nothing."""
    await desk.webhook(receiver.url, "*")
    events = [{"type": "custom.row", "data": 1}, {"type": "chat.created", "data": 1}]
    answer = await desk.call("POST", "/events", events)
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/1/type"
    assert answer.json["errors"][0]["code"] == "event_type_reserved"
    assert (await desk.good("GET", "/events?type=custom.*"))["items"] == []
    assert receiver.received == []


async def test_trace_says_why(desk: Running, receiver: Receiver) -> None:
    """Anyone can see which webhooks were considered, and why each was called or not."""
    hit = await desk.webhook(receiver.url, "custom.a")
    miss = await desk.webhook(receiver.url, "custom.b")
    made = await desk.good("POST", "/events", {"type": "custom.a", "data": None})
    trace = (await desk.good("GET", f"/events/{made['id']}/trace"))["items"]
    reasons = {one["webhookId"]: one["reason"] for one in trace}
    assert reasons == {hit["id"]: "matched", miss["id"]: "types"}
    assert json.loads((await receiver.wait(1))[0].body)[0]["type"] == "custom.a"
