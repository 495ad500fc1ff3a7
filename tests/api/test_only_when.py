"""Filter, changed fields, template, preview and sending anyway by API: faults with their places, and who may."""

from typing import Any

import pytest

from receiver import Receiver
from running import Running
from stories.test_tickets_and_custom import ticket_of

GOOD = {"description": "d", "receiverUrl": "https://hooks.example.com/x", "eventTypes": ["ticket.updated"]}


async def test_a_template_that_fails_for_one_sample_is_refused(desk: Running) -> None:
    """422 names type, sample, path and expression; nothing is stored."""
    template = {"a": {"due": {"$": "event.contact.entityId + 1"}}}
    answer = await desk.call("POST", "/webhooks", {**GOOD, "format": "template", "template": template})
    assert answer.status == 422
    (fault,) = answer.json["errors"]
    assert fault["pointer"] == "/template/a/due"
    assert fault["detail"].startswith("ticket.updated, minimal sample: event.contact.entityId + 1: ")
    assert (await desk.good("GET", "/webhooks"))["items"] == []


async def test_warnings_stand_in_the_answer(desk: Running) -> None:
    """Create and change tell what is odd; reading does not repeat it."""
    made = await desk.good("POST", "/webhooks", {**GOOD, "filter": "priority.naem == 'High'"})
    assert [one["code"] for one in made["warnings"]] == ["field_unknown"]
    assert "warnings" not in await desk.good("GET", f"/webhooks/{made['id']}")
    changed = await desk.good("PATCH", f"/webhooks/{made['id']}", {"filter": "priority.name == 'High'"})
    assert (changed["warnings"], changed["filter"]) == ([], "priority.name == 'High'")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"webhook": {"filter": 5}}, 422, "/filter"),
        ({"webhook": {"nope": 5}}, 422, "/nope"),
        ({"webhook": {"kind": "nope"}}, 422, "/kind"),
        ({"webhook": {"format": "nope"}}, 422, "/format"),
        ({"sample": "tiny"}, 422, "/sample"),
        ({"recent": 51}, 422, "/recent"),
        ({"x": 1}, 422, "/x"),
        ({"webhookId": "whk_0"}, 404, None),
        ({"eventId": "evt_0"}, 404, None),
    ],
)
async def test_a_preview_that_cannot_be_read(desk: Running, body: Any, status: int, pointer: str | None) -> None:
    """The same places and sentences as on save."""
    answer = await desk.call("POST", "/webhooks/preview", body)
    assert answer.status == status
    if pointer is not None:
        assert [one["pointer"] for one in answer.json["errors"]] == [pointer]


async def test_a_preview_of_nothing_shows_nothing(desk: Running) -> None:
    """Without an event type there is no sample, and no event to look at."""
    found = await desk.good("POST", "/webhooks/preview", {})
    assert (found["shown"], found["payload"], found["recent"], found["errors"]) == ("", None, [], [])


async def test_who_may(desk: Running, receiver: Receiver) -> None:
    """Real events are shown to keys that may read events; sending anyway needs the permission to replay."""
    ticket = await ticket_of(desk, "Printer")
    assert ticket
    [event] = (await desk.good("GET", "/events?type=ticket.created"))["items"]
    writer = await desk.good("POST", "/keys", {"name": "w", "scopes": ["webhooks:read", "webhooks:write"]})
    webhook = await desk.webhook(receiver.url, "chat.*")
    body = {"webhook": {"eventTypes": ["ticket.*"]}}
    found = (await desk.call("POST", "/webhooks/preview", body, key=writer["key"])).json
    assert found["recent"] == []
    assert found["payload"] is not None
    body = {**body, "eventId": event["id"]}
    assert (await desk.call("POST", "/webhooks/preview", body, key=writer["key"])).status == 403
    path, body = f"/events/{event['id']}/send", {"webhookId": webhook["id"]}
    assert (await desk.call("POST", path, body, key=writer["key"])).status == 403
    assert (await desk.call("POST", path, {"webhookId": "whk_0"})).status == 404
    assert (await desk.call("POST", path, {})).status == 422
    assert (await desk.call("POST", path, body)).status == 201


async def test_a_filter_fault_is_told_with_the_health(desk: Running, receiver: Receiver) -> None:
    """Beside the trace of each event, the webhook itself says that its filter fails."""
    await desk.good(
        "POST",
        "/webhooks",
        {**GOOD, "receiverUrl": receiver.url, "eventTypes": ["custom.n"], "filter": "data.n|int > 1"},
    )
    [webhook] = (await desk.good("GET", "/webhooks"))["items"]
    path = f"/webhooks/{webhook['id']}/health"
    assert (await desk.good("GET", path))["filterFault"] is None
    made = await desk.good("POST", "/events", {"type": "custom.n", "data": {"n": "x"}})
    fault = (await desk.good("GET", path))["filterFault"]
    assert (fault["eventType"], fault["count"]) == ("custom.n", 1)
    trace = (await desk.good("GET", f"/events/{made['id']}/trace"))["items"]
    assert trace == [
        {
            "webhookId": webhook["id"],
            "matched": False,
            "reason": f"filter: not evaluated: {fault['text']}",
            "deliveryId": None,
        }
    ]
