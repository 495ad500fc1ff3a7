"""Dwell rules by API: made, read, changed, deleted; and what a bad one is told."""

from typing import Any

import pytest

from deskbell.rules.catalogue import check_against
from receiver import Receiver
from running import Running

HANDLED = {"subject": "chat", "status": "handled", "longerThanSeconds": 3600}
HOURS = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00", "timeZone": "Europe/Vienna"}


async def test_the_life_of_a_rule(desk: Running) -> None:
    """Offered, created, listed, changed, disabled, deleted; each change in the audit."""
    before = await desk.good("GET", "/desk/dwell-rules")
    assert before["items"] == []
    assert [one["longerThanSeconds"] for one in before["offered"]] == [3600, 120, 172_800]
    made = await desk.call("POST", "/desk/dwell-rules", before["offered"][2])
    rule = made.json
    assert made.status == 201
    assert made.headers["location"] == f"/api/v1/desk/dwell-rules/{rule['id']}"
    assert made.headers["etag"] == '"1"'
    assert (rule["subject"], rule["status"], rule["statusName"]) == ("ticket", "4", "Approval Required")
    assert rule["says"] == "Tells when a ticket stays in Approval Required for more than 2 days."
    listed = await desk.good("GET", "/desk/dwell-rules")
    assert (listed["items"], len(listed["offered"])) == ([rule], 2)
    path = f"/desk/dwell-rules/{rule['id']}"
    patch = {"longerThanSeconds": 5400, "repeatEverySeconds": 600, "repeatMax": 3, "businessHours": HOURS}
    changed = await desk.good("PATCH", path, patch, headers={"If-Match": '"1"'})
    assert changed["says"] == (
        "Tells when a ticket stays in Approval Required for more than 90 minutes. Tells it again every 10 minutes, at "
        "most 3 times. Counts Monday to Friday, 09:00 to 17:00 (Europe/Vienna)."
    )
    assert (await desk.call("PATCH", path, {"enabled": False}, headers={"If-Match": '"1"'})).status == 409
    assert (await desk.good("PATCH", path, {"enabled": False}))["enabled"] is False
    assert (await desk.call("DELETE", path)).status == 204
    assert (await desk.call("GET", path)).status == 404
    assert (await desk.call("DELETE", path)).status == 404
    audit = (await desk.good("GET", "/audit"))["items"]
    verbs = [one["operation"] for one in audit if one["objectId"] == rule["id"]]
    assert verbs == ["dwell_rule.delete", "dwell_rule.change", "dwell_rule.change", "dwell_rule.create"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/subject"),
        ({**HANDLED, "status": "asleep"}, "/status"),
        ({**HANDLED, "longerThanSeconds": "1 h"}, "/longerThanSeconds"),
        ({**HANDLED, "businessHours": {**HOURS, "from": "25:00"}}, "/businessHours/from"),
        ({**HANDLED, "colour": "red"}, "/colour"),
    ],
)
async def test_a_bad_rule_is_refused_at_its_place(desk: Running, body: Any, pointer: str) -> None:
    """422 with every fault."""
    answer = await desk.call("POST", "/desk/dwell-rules", body)
    assert answer.status == 422
    assert pointer in [one["pointer"] for one in answer.json["errors"]]


async def test_it_takes_both_permissions(desk: Running) -> None:
    """Neither the webhooks' nor the desk's alone is enough."""
    for scopes, status in ((["webhooks:write"], 403), (["desk:write"], 403), (["webhooks:write", "desk:write"], 201)):
        key = (await desk.good("POST", "/keys", {"name": "k", "scopes": scopes}))["key"]
        assert (await desk.call("POST", "/desk/dwell-rules", HANDLED, key=key)).status == status


async def test_what_is_sent_fits_its_schema(desk: Running, receiver: Receiver) -> None:
    """The event as it arrives, against the schema that receivers read."""
    await desk.webhook(receiver.url, "chat.dwelled", "ticket.dwelled")
    person = await desk.good("POST", "/desk/contacts", {"name": "Cora"})
    await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request"})
    await desk.good("POST", "/desk/tickets", {"contactId": person["entityId"], "title": "Printer"})
    for body in ({"subject": "chat", "status": "created"}, {"subject": "ticket", "status": 1}):
        await desk.good("POST", "/desk/dwell-rules", {**body, "longerThanSeconds": 1})
    for request in await receiver.wait(2):
        event_type = request.header("deskbell-event")
        assert check_against(event_type, "draft-07", request.body) == ()
        assert request.events[0]["meta"]["thresholdSeconds"] == 1
        assert list(request.events[0]["meta"])[-3:] == ["since", "thresholdSeconds", "lateBySeconds"]
