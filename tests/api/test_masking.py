"""What a viewer sees of payloads: masked, everywhere; and streams that end when the permission does."""

import asyncio
import http.client
import json
from dataclasses import replace

import pytest

from deskbell.accounts.keys import actor_of
from deskbell.api import stream
from deskbell.model.account import Account, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Replace, Unit
from deskbell.rules.redaction import redact_json
from receiver import Receiver
from running import Running

ORIGIN = Origin(address="", request_id="req_1")
CANARIES = ("canary-pass-9f2c", "4111111111111111")
DATA = {"password": CANARIES[0], "note": "plain", "card": int(CANARIES[1])}


@pytest.mark.parametrize("text", [b'{"password":"x-secret"}', b'{"card":4111111111111111}', b"4111111111111111", b"[]"])
def test_masked_json_stays_json(text: bytes) -> None:
    """Whatever is covered, the rest can still be read."""
    masked = redact_json(text)
    json.loads(masked)
    assert b"x-secret" not in masked
    assert b"4111111111111111" not in masked


async def maker(desk: Running) -> tuple[Account, str]:
    """An owner, and a key of theirs that reads."""
    accounts = desk.house.rooms.accounts
    token = await accounts.setup_link("desk")
    owner = await accounts.create_owner(token, "Ana Ruiz", "ana@desk.example", "correct horse battery", ORIGIN)
    _, cookie = await accounts.sign_in(owner.email, "correct horse battery", "", "")
    caller = await accounts.caller_of_cookie(cookie)
    assert caller is not None
    assert actor_of(caller).id == owner.id
    _, text = await accounts.make_key(caller, "reader", ["events:read", "webhooks:read"], None, ORIGIN)
    return owner, text


async def demote(desk: Running, owner: Account) -> None:
    """The owner is a viewer from now on."""
    store = desk.house.rooms.store
    present = next(one for one in await store.accounts.users("desk") if one.id == owner.id)
    await store.commit(Unit(changes=(Replace(row=replace(present, role=Role.VIEWER, version=present.version + 1)),)))


async def test_a_viewer_sees_masks(desk: Running, receiver: Receiver) -> None:
    """Events, previews, attempts and captures: no secret in any; everybody else sees them as they are."""
    hook = await desk.webhook(receiver.url, "custom.*", format="standard")
    box = await desk.good("POST", "/inspector/bins", {"name": "b"})
    await desk.call("POST", box["url"].partition(str(desk.port))[2], DATA, headers={"Authorization": "Bearer abcdefgh"})
    event = (await desk.good("POST", "/events", {"type": "custom.x", "data": DATA}))["id"]
    sent = await desk.delivery(lambda one: one["state"] == "delivered", webhook=hook["id"])
    log = (await desk.good("GET", f"/deliveries/{sent['id']}"))["log"]
    capture = (await desk.good("GET", f"/inspector/bins/{box['id']}/captures"))["items"][0]["id"]
    owner, key = await maker(desk)
    await demote(desk, owner)
    for path in (
        "/events", f"/events/{event}", f"/events/{event}/payload?webhook={hook['id']}", f"/attempts/{log[0]['id']}",
        f"/inspector/bins/{box['id']}/captures", f"/inspector/captures/{capture}",
        f"/inspector/captures/{capture}/body",
    ):  # fmt: skip
        clear = await desk.call("GET", path)
        masked = await desk.call("GET", path, key=key)
        assert clear.status == masked.status == 200, (path, clear.body, masked.body)
        assert any(one.encode() in clear.body for one in CANARIES), path
        assert not any(one.encode() in masked.body for one in (*CANARIES, "abcdefgh")), path


@pytest.mark.parametrize("how", ["revoked", "maker demoted"])
async def test_a_stream_ends_with_its_permission(desk: Running, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may no longer read hears nothing more; asked again and again for as long as the stream is open."""
    monkeypatch.setattr(stream, "CHECK_S", 0.05)
    owner, key = await maker(desk)
    line = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
    line.request("GET", "/api/v1/stream", headers={"Authorization": f"Bearer {key}"})
    answer = await asyncio.to_thread(line.getresponse)
    assert await asyncio.to_thread(answer.readline) == b": connected\n"
    if how == "revoked":
        keys = (await desk.good("GET", "/keys"))["items"]
        await desk.call("DELETE", f"/keys/{next(one['id'] for one in keys if one['name'] == 'reader')}")
    else:
        await demote(desk, owner)
    rest = await asyncio.to_thread(answer.read)
    assert b"event:" not in rest
    line.close()
