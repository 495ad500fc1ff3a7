"""Erasing a person: nothing of them is left in any row or file, and no restored backup brings them back."""

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from deskbell.cli.main import main
from running import Running, running

NAME = "Priya-UNMISTAKABLE-Nair"
MAIL = "unmistakable-priya@x.example"
SAID = "UNMISTAKABLE words of hers"


async def command(*arguments: str) -> Any:
    """A command in a thread, beside the running app."""
    return await asyncio.to_thread(CliRunner().invoke, main, list(arguments))


async def person_everywhere(desk: Running) -> Any:
    """A contact with a chat, a ticket, messages and notes, all of it delivered to a bin."""
    box = await desk.good("POST", "/inspector/bins", {"name": "mine"})
    await desk.webhook(box["url"], "*")
    contact = await desk.good("POST", "/desk/contacts", {"name": NAME, "email": MAIL})
    chat = await desk.good("POST", "/desk/chats", {"contactId": contact["entityId"], "type": "request", "name": SAID})
    await desk.good("POST", f"/desk/chats/{chat['id']}/messages", {"userId": contact["userId"], "text": SAID})
    ticket = await desk.good("POST", "/desk/tickets", {"title": SAID, "contactId": contact["entityId"]})
    await desk.good("POST", f"/desk/tickets/{ticket['id']}/notes", {"text": SAID})
    await desk.delivery(lambda one: one["state"] == "delivered", type="ticket.created")
    return contact


def left_of(data: Path) -> list[str]:
    """Files that still hold something of the person."""
    traces = ("UNMISTAKABLE", "unmistakable", NAME, MAIL)
    return [
        path.name
        for path in data.iterdir()
        if path.is_file() and any(one.encode() in path.read_bytes() for one in traces)
    ]


async def test_nothing_of_a_person_is_left_and_a_backup_does_not_bring_them_back(tmp_path: Path) -> None:
    """By command; desk, deliveries, captures, lists, and the files once the log of the database is folded in."""
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    async with running(data) as desk:
        contact = await person_everywhere(desk)
        assert (await command("backup", str(copy), "--data", str(data))).exit_code == 0
        url = f"http://127.0.0.1:{desk.port}"
        key = tmp_path / "key"
        key.write_text(desk.key)
        at = ("--url", url, "--api-key-file", str(key))
        counted = await command("erase", "contact", str(contact["entityId"]), "--dry-run", *at)
        assert counted.exit_code == 0, counted.output
        assert "Would erase contact:" in counted.output
        done = await command("erase", "contact", str(contact["entityId"]), "--json", *at)
        told = json.loads(done.output)
        assert {one.partition(":")[0] for one in told["subjects"]} == {"contact", "chat", "ticket"}
        for path in ("/desk/contacts", "/desk/chats", "/desk/tickets", "/events", "/deliveries", "/audit"):
            assert "nmistakable" not in json.dumps(await desk.good("GET", path)).lower(), path
        shown = await desk.good("GET", f"/desk/contacts/{contact['entityId']}")
        assert (shown["name"], shown["email"]) == ("erased", None)
        again = await command("erase", "contact", str(contact["entityId"]), "--yes", *at)
        assert again.exit_code == 0, again.output
    assert left_of(data) == []
    restored = await command("restore", str(copy), "--data", str(data), "--force")
    assert restored.exit_code == 0, restored.output
    kept = [path for path in data.iterdir() if ".before-" in path.name]
    for path in kept:
        path.unlink()
    async with running(data) as desk:
        shown = await desk.good("GET", f"/desk/contacts/{contact['entityId']}")
        assert (shown["name"], shown["email"]) == ("erased", None)
    assert left_of(data) == []
