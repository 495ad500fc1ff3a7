"""Webhooks by API: refusals with their places, nothing stored, nothing sent."""

from typing import Any

import pytest

from bad_inputs import row_id, rows, spelled
from receiver import Receiver
from running import Running

GOOD = {"description": "d", "receiverUrl": "https://hooks.example.com/x", "eventTypes": ["chat.*"]}


async def refused(desk: Running, body: dict[str, Any]) -> dict[str, str]:
    """Create must be refused; answers the code of each fault by its pointer."""
    answer = await desk.call("POST", "/webhooks", body)
    assert answer.status in (400, 422), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await desk.good("GET", "/webhooks"))["items"] == []
    return {fault["pointer"]: fault["code"] for fault in answer.json["errors"]}


async def test_every_fault_at_once(desk: Running) -> None:
    """All faults of a form come together, each with its place."""
    faults = await refused(
        desk,
        {
            "description": " ",
            "receiverUrl": "http://10.0.0.5/",
            "eventTypes": ["chat.creatd", "Bad"],
            "headers": {"Host": "x"},
        },
    )
    assert set(faults) >= {"/description", "/receiverUrl", "/eventTypes/0", "/eventTypes/1", "/headers/Host"}
    assert faults["/eventTypes/0"] == "event_type_unknown"
    assert faults["/eventTypes/1"] == "event_type_form"


@pytest.mark.parametrize("row", rows("text_field"), ids=row_id)
async def test_description(desk: Running, row: dict[str, Any]) -> None:
    """A description is stored exactly as typed, or refused."""
    text = spelled(row["input"])
    if row["expect"] == "accept":
        made = await desk.good("POST", "/webhooks", {**GOOD, "description": text})
        assert (await desk.good("GET", f"/webhooks/{made['id']}"))["description"] == text
    else:
        await refused(desk, {**GOOD, "description": text})


@pytest.mark.parametrize("row", rows("event_type"), ids=row_id)
async def test_event_type(desk: Running, row: dict[str, Any]) -> None:
    """A webhook's types follow the grammar; the Catalogue may still not know the name."""
    given = row["input"]
    if isinstance(given, dict):
        types = [f"custom.t{n}" for n in range(given["list_of"])]
    else:
        types = given if isinstance(given, list) else [given]
    answer = await desk.call("POST", "/webhooks", {**GOOD, "eventTypes": types})
    if row["expect"] == "reject":
        assert answer.status in (400, 422), (row["why"], answer.body)
    elif answer.status != 201:
        assert {fault["code"] for fault in answer.json["errors"]} == {"event_type_unknown"}, row["why"]


async def test_url_is_masked_but_for_its_maker(desk: Running) -> None:
    """Create answers the canonical URL and the secret once; reads show a mask; reveal shows both and is audited."""
    url = "https://Hooks.Example.com:443/services/T0001/B0001/abcDEF123"
    made = await desk.good("POST", "/webhooks", {**GOOD, "receiverUrl": url})
    assert made["receiverUrl"] == "https://hooks.example.com/services/T0001/B0001/abcDEF123"
    assert made["secret"].startswith("whsec_")
    shown = await desk.good("GET", f"/webhooks/{made['id']}")
    assert shown["receiverUrl"] == "https://hooks.example.com/…F123"
    assert "secret" not in shown
    revealed = await desk.good("GET", f"/webhooks/{made['id']}/secret")
    assert revealed["receiverUrl"] == made["receiverUrl"]
    assert [one["secret"] for one in revealed["secrets"]] == [made["secret"]]
    audit = (await desk.good("GET", "/audit"))["items"]
    assert [row["operation"] for row in audit].count("webhook.reveal") == 1
    assert made["secret"] not in str(audit)
    assert "abcDEF123" not in str(audit)


async def test_merge_patch_and_etag(desk: Running) -> None:
    """A patch changes only what it names; a stale If-Match is 409 with the present version."""
    made = await desk.call("POST", "/webhooks", {**GOOD, "headers": {"X-Team": "blue"}})
    path, etag = f"/webhooks/{made.json['id']}", made.headers["etag"]
    changed = await desk.call("PATCH", path, {"description": "new"}, headers={"If-Match": etag})
    assert changed.status == 200
    assert changed.json["description"] == "new"
    assert changed.json["headers"] == {"X-Team": {"set": True}}
    assert "secret" not in changed.json
    stale = await desk.call("PATCH", path, {"description": "late"}, headers={"If-Match": etag})
    assert stale.status == 409
    removed = await desk.good("PATCH", path, {"headers": {"X-Team": None}})
    assert removed["headers"] == {}


@pytest.mark.parametrize(
    "patch",
    [
        {"description": 5},
        {"eventTypes": "chat.*"},
        {"nonsense": 1},
        {"retrySchedule": [0]},
        {"timeoutSeconds": 600},
        {"batch": {"eventsMax": 0}},
    ],
)
async def test_bad_patches_change_nothing(desk: Running, patch: dict[str, Any]) -> None:
    """A wrong type, an unknown member or a number out of range is 422 and changes nothing."""
    made = await desk.good("POST", "/webhooks", GOOD)
    answer = await desk.call("PATCH", f"/webhooks/{made['id']}", patch)
    assert answer.status == 422, answer.body
    assert answer.json["errors"]
    assert (await desk.good("GET", f"/webhooks/{made['id']}"))["version"] == made["version"]


async def test_own_headers_are_sent_as_one_line(desk: Running, receiver: Receiver) -> None:
    """An own header reaches the receiver once, byte for byte, and is masked in the log."""
    await desk.webhook(receiver.url, "custom.*", headers={"X-Api-Key": "s3cr3t value"})
    await desk.good("POST", "/events", {"type": "custom.x", "data": 1})
    [request] = await receiver.wait(1)
    assert request.header("x-api-key") == "s3cr3t value"
    delivery = await desk.delivery(lambda one: one["state"] == "delivered")
    attempt_id = (await desk.good("GET", f"/deliveries/{delivery['id']}"))["log"][0]["id"]
    attempt = await desk.good("GET", f"/attempts/{attempt_id}")
    assert "s3cr3t value" not in str(attempt)
    assert attempt["request"]["body"].encode() == request.body


async def test_verify_says_why(desk: Running, receiver: Receiver) -> None:
    """A pasted request is judged: valid, or changed by one byte."""
    webhook = await desk.webhook(receiver.url, "custom.*")
    await desk.good("POST", "/events", {"type": "custom.x", "data": 1})
    [request] = await receiver.wait(1)
    body = {"webhookId": webhook["id"], "headers": dict(request.headers), "body": request.body.decode()}
    assert (await desk.good("POST", "/webhooks/verify", body))["valid"] is True
    changed = await desk.good("POST", "/webhooks/verify", {**body, "body": body["body"].replace("1", "2", 1)})
    assert changed["valid"] is False
    assert changed["text"]
