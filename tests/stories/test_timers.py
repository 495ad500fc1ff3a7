"""Chats that stay too long, contacts who go away, and messages that follow each other quickly, as people meet them."""

import asyncio
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from receiver import Receiver
from running import Running, running, until

HANDLED = {"subject": "chat", "status": "handled", "longerThanSeconds": 2}


async def people(desk: Running) -> tuple[Any, Any]:
    """A contact and an agent."""
    person = await desk.good("POST", "/desk/contacts", {"name": "Jason He"})
    return person, await desk.good("POST", "/desk/agents", {"name": "Ana Ruiz", "email": "ana@desk.example"})


async def handled_chat(desk: Running, person: Any, helper: Any) -> str:
    """A chat that the agent has joined."""
    chat = await desk.good("POST", "/desk/chats", {"contactId": person["entityId"], "type": "request"})
    await desk.good("POST", f"/desk/chats/{chat['id']}/join", {"userId": helper["userId"]})
    return str(chat["id"])


async def test_a_chat_that_stays_handled_for_too_long(desk: Running, receiver: Receiver) -> None:
    """One `chat.dwelled` for each chat that stays, not two; none for one that is completed in time."""
    await desk.webhook(receiver.url, "chat.dwelled")
    await desk.good("POST", "/desk/dwell-rules", HANDLED)
    person, helper = await people(desk)
    quick = await handled_chat(desk, person, helper)
    await desk.good("POST", f"/desk/chats/{quick}/complete", {"userId": helper["userId"]})
    slow = await handled_chat(desk, person, helper)
    [request] = await receiver.wait(1)
    [event] = request.events
    assert (event["id"], event["status"], event["meta"]["eventType"]) == (slow, "handled", "chat.dwelled")
    assert event["meta"]["thresholdSeconds"] == 2
    assert event["meta"]["since"] == event["report"]["handledDateTime"]
    assert event["meta"]["lateBySeconds"] >= 0
    await desk.good("POST", f"/desk/chats/{slow}/complete", {"userId": helper["userId"]})
    later = await handled_chat(desk, person, helper)
    requests = await receiver.wait(2)
    assert [one.events[0]["id"] for one in requests] == [slow, later]


async def test_overdue_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    """Down when the time came: told once at the start, with how late that is."""
    async with running(tmp_path) as desk:
        await desk.webhook(receiver.url, "chat.dwelled")
        await desk.good("POST", "/desk/dwell-rules", HANDLED)
        chat = await handled_chat(desk, *await people(desk))
    due_at = time.time() + 2.2
    await until(lambda: past(due_at))
    async with running(tmp_path) as desk:
        [request] = await receiver.wait(1)
        assert request.events[0]["meta"]["lateBySeconds"] >= 0.1
        assert request.events[0]["id"] == chat
    async with running(tmp_path) as desk:
        told = await desk.good("GET", "/events?type=chat.dwelled")
        assert len(told["items"]) == 1


async def past(at: float) -> bool:
    """Whether the wall clock shows more."""
    return time.time() > at


async def test_a_burst_of_messages(tmp_path: Path, receiver: Receiver) -> None:
    """The first is told at once, the others together at the end of the span."""
    async with running(tmp_path, DESKBELL_LIMIT_MESSAGE_EVENT_S="1") as desk:
        await desk.webhook(receiver.url, "chat.updated")
        person, helper = await people(desk)
        chat = await handled_chat(desk, person, helper)
        for text in ("one", "two", "three"):
            body = {"userId": helper["userId"], "text": text}
            last = (await desk.good("POST", f"/desk/chats/{chat}/messages", body))["lastMessageId"]
        first, second = await receiver.wait(2)
        assert second.events[0]["lastMessageId"] == last
        assert first.events[0]["lastMessageId"] != last
        assert second.events[0]["meta"]["sequence"] == first.events[0]["meta"]["sequence"] + 1


class ClientPage:
    """A contact's page in a browser: the page, its forms and its stream."""

    def __init__(self, desk: Running, url: str) -> None:
        self._origin = f"http://127.0.0.1:{desk.port}"
        self._port = desk.port
        self._path = urlsplit(url).path
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Its stream is open and has painted."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(f"GET {self._path}/stream HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b"event: part"), 10)

    async def close(self) -> None:
        """The tab is closed."""
        assert self._writer is not None
        self._writer.close()
        await self._writer.wait_closed()

    async def post(self, form: str, **fields: str) -> None:
        """A form of the page."""
        await asyncio.to_thread(self._post, form, fields)

    def _post(self, form: str, fields: dict[str, str]) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        connection.request("POST", f"{self._path}/{form}", urlencode(fields), headers)
        assert connection.getresponse().status == 303
        connection.close()


async def test_a_contact_who_closes_the_page_while_waiting(tmp_path: Path, receiver: Receiver) -> None:
    """The chat is missed; one who reloads, and one whose chat was made by API, goes on waiting."""
    async with running(tmp_path, DESKBELL_LIMIT_CHAT_GONE_S="1") as desk:
        await desk.webhook(receiver.url, "chat.missed")
        person, _ = await people(desk)
        other = await desk.good("POST", "/desk/contacts", {"name": "Priya Nair"})
        api_chat = await desk.good("POST", "/desk/chats", {"contactId": other["entityId"], "type": "request"})
        page = ClientPage(desk, (await desk.good("POST", f"/desk/contacts/{person['entityId']}/link"))["url"])
        await page.open()
        await page.post("chat", name="Printer offline")
        await page.close()
        await page.open()  # the browser shows the page anew
        [chat] = [one for one in await chats(desk) if one["id"] != api_chat["id"]]
        assert chat["status"] == "created"
        await page.close()
        [request] = await receiver.wait(1)
        assert request.events[0]["id"] == chat["id"]
        assert request.events[0]["pastStatus"] == ["created", "missed"]
        assert request.events[0]["users"] == []
        assert {one["id"]: one["status"] for one in await chats(desk)} == {
            api_chat["id"]: "created",
            chat["id"]: "missed",
        }


async def chats(desk: Running) -> Any:
    """Every chat."""
    return (await desk.good("GET", "/desk/chats"))["items"]
