"""The seed's chat statuses, each performed at the desk and received signed."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from receiver import Received, Receiver
from running import Running, running


async def contact(desk: Running) -> Any:
    """A contact of a company."""
    company = await desk.good("POST", "/desk/companies", {"name": "DeskDirector", "identifier": "DeskDirectorLtd"})
    return await desk.good("POST", "/desk/contacts", {"name": "Jason He", "companyId": company["entityId"]})


async def agent(desk: Running) -> Any:
    """An agent."""
    return await desk.good("POST", "/desk/agents", {"name": "Ana Ruiz", "email": "ana@desk.example"})


def of(event_type: str) -> Any:
    """Requests that carry this event type."""
    return lambda request: request.header("deskbell-event") == event_type


def check_signed(request: Received, secret: str) -> None:
    """Both signatures hold: by a library that is not ours, and by three lines of our own."""
    Webhook(secret).verify(request.body, dict(request.headers))
    expected = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.header("x-dd-signature") == f"sha256={expected}"


async def test_created(desk: Running, receiver: Receiver) -> None:
    """A contact asks for a chat: chat.created arrives, signed, in the seed's shape."""
    webhook = await desk.webhook(receiver.url, "chat.*")
    person = await contact(desk)
    chat = await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request", "name": "Test"})
    [request] = await receiver.wait(1)
    check_signed(request, webhook["secret"])
    [event] = request.events
    assert (event["msp"], event["id"], event["status"], event["pastStatus"]) == (
        "desk",
        chat["id"],
        "created",
        ["created"],
    )
    assert event["creator"]["userId"] == "desk~c~1"
    assert event["creator"]["company"]["identifier"] == "DeskDirectorLtd"
    assert event["meta"]["eventType"] == "chat.created"
    assert event["meta"]["sequence"] == 1
    assert request.header("deskbell-attempt") == "1"


async def test_handled_and_completed(desk: Running, receiver: Receiver) -> None:
    """An agent joins and completes with a note: handled, then completed, with all past statuses."""
    await desk.webhook(receiver.url, "chat.handled", "chat.completed")
    person, helper = await contact(desk), await agent(desk)
    chat = await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request"})
    await desk.good("POST", f"/desk/chats/{chat['id']}/join", {"userId": helper["userId"]})
    await desk.good("POST", f"/desk/chats/{chat['id']}/complete", {"userId": helper["userId"], "note": "solved"})
    [handled] = await receiver.wait(1, of("chat.handled"))
    [completed] = await receiver.wait(1, of("chat.completed"))
    assert handled.events[0]["pastStatus"] == ["created", "handled"]
    assert handled.events[0]["report"]["handledDateTime"] is not None
    done = completed.events[0]
    assert done["pastStatus"] == ["created", "handled", "completed"]
    assert done["closeRecord"]["note"] == "solved"
    assert done["closedDateTime"] == done["closeRecord"]["lastModifiedDateTime"]
    assert done["report"]["chatDuration"] >= 0


async def test_missed(desk: Running, receiver: Receiver) -> None:
    """The contact leaves before anyone answers: the chat is missed ("abandoned")."""
    await desk.webhook(receiver.url, "chat.missed")
    person = await contact(desk)
    chat = await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request"})
    await desk.good("POST", f"/desk/chats/{chat['id']}/leave", {"userId": person["userId"]})
    [request] = await receiver.wait(1)
    assert request.events[0]["status"] == "missed"
    assert request.events[0]["report"]["creatorWaited"] >= 0


async def test_callback(desk: Running, receiver: Receiver) -> None:
    """A contact asks to be called back, with number, note and preferred times."""
    await desk.webhook(receiver.url, "chat.callback")
    person = await contact(desk)
    wish = {
        "type": "phone",
        "phone": "+64 9 123 4567",
        "note": "after lunch",
        "preferredTime": [{"start": "2026-11-24T01:00:00Z", "end": "2026-11-24T03:00:00Z"}],
    }
    await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request", "callback": wish})
    [request] = await receiver.wait(1)
    assert request.events[0]["status"] == "callback"
    assert request.events[0]["callback"]["phone"] == "+64 9 123 4567"
    assert request.events[0]["callback"]["preferredTime"][0]["start"].startswith("2026-11-24T01:00:00")


async def test_push_and_invitation(desk: Running, receiver: Receiver) -> None:
    """An agent pushes a chat and invites a contact, who moves from targetUsers to users by joining."""
    await desk.webhook(receiver.url, "chat.*")
    person, helper = await contact(desk), await agent(desk)
    body = {"agentId": helper["entityId"], "type": "push", "targetUserIds": [person["userId"]]}
    chat = await desk.good("POST", "/desk/chats", body)
    assert [user["userId"] for user in chat["targetUsers"]] == [person["userId"]]
    after = await desk.good("POST", f"/desk/chats/{chat['id']}/join", {"userId": person["userId"]})
    assert after["targetUsers"] == []
    assert person["userId"] in [user["userId"] for user in after["users"]]
    requests = await receiver.wait(2)
    assert requests[0].events[0]["type"] == "push"


@pytest.mark.parametrize("verb", ["join", "complete"])
async def test_illegal_move_names_the_legal_ones(desk: Running, receiver: Receiver, verb: str) -> None:
    """A move that the status does not allow is 409, says what is possible, and sends nothing."""
    await desk.webhook(receiver.url, "chat.*")
    person, helper = await contact(desk), await agent(desk)
    chat = await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request"})
    await desk.good("POST", f"/desk/chats/{chat['id']}/complete", {"userId": helper["userId"]})
    await receiver.wait(2)
    answer = await desk.call("POST", f"/desk/chats/{chat['id']}/{verb}", {"userId": helper["userId"]})
    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "completed" in answer.json["detail"]
    assert len(receiver.received) == 2


async def test_seed_example_reported(tmp_path: Path) -> None:
    """The chat of the seed, reported by other desk software in two steps, is the seed's example byte for byte."""
    example = json.loads((Path(__file__).parent.parent / "cases" / "chat-example.json").read_text())
    told = {key: value for key, value in example[0].items() if key not in ("meta", "report", "msp", "id")}
    first = {**told, "status": "created", "pastStatus": ["created"], "lastModifiedDateTime": told["createdDateTime"]}
    async with Receiver() as receiver, running(tmp_path, msp="dd") as desk:
        await desk.webhook(receiver.url, "chat.*")
        await desk.good("PUT", f"/desk/chats/{example[0]['id']}", first)
        await desk.good("PUT", f"/desk/chats/{example[0]['id']}", told)
        [request] = await receiver.wait(1, of("chat.handled"))
        [event] = request.events
        meta = event["meta"]
        event["meta"] = {"canAccess": meta["canAccess"]}
        assert json.dumps([event]) == json.dumps(example)
