"""The commands beside a running Deskbell: it goes on delivering with every secret sealed anew."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deskbell.cli.main import main
from deskbell.keyring import watch
from deskbell.rules import keyring_state
from receiver import Receiver
from running import running, until


async def command(*arguments: str) -> Any:
    """`deskbell keyring … --json` in a thread, as beside another process."""
    answer = await asyncio.to_thread(CliRunner().invoke, main, ["keyring", *arguments, "--json"])
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.output)


async def test_a_rotation_by_commands_while_deskbell_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed deliveries go on at each step, and lists whose cursor is old go on too."""
    monkeypatch.setattr(watch, "LOOK_S", 0.02)
    monkeypatch.setattr(keyring_state, "SETTLE_S", 0.0)
    at = ("--data", str(tmp_path / "data"))
    async with Receiver() as receiver, running(tmp_path / "data") as app:
        hook = await app.webhook(receiver.url, "custom.*", headers={"x-key": "v"})
        await app.webhook(receiver.url, "chat.*")
        assert (await command("list", *at))["keys"] == [{"id": "k1", "is": ["writes"], "rows": 6}]
        page = await app.good("GET", "/webhooks?limit=1")
        assert await command("add", *at) == {"id": "k2"}
        await until(lambda: _has(at, ["k1", "k2"]))
        assert await command("promote", "k2", *at) == {"id": "k2", "left": 0, "unreadable": 0}
        await until(lambda: _has(at, ["k2", "k1"]))
        assert len((await app.good("GET", f"/webhooks?limit=1&cursor={page['next']}"))["items"]) == 1
        assert await command("drop", "k1", *at) == {"id": "k1"}
        await until(lambda: _has(at, ["k2"]))
        told = await command("list", *at)
        assert (told["done"], told["writes"], [one["id"] for one in told["keys"]]) == (True, "k2", ["k2"])
        await app.good("PATCH", f"/webhooks/{hook['id']}", {"description": "Reads its sealed fields anew"})
        await app.good("POST", "/events", {"type": "custom.order", "data": {}})
        await receiver.wait(1)
        assert (await app.good("GET", f"/webhooks/{hook['id']}/secret"))["receiverUrl"] == receiver.url
    text = await asyncio.to_thread(CliRunner().invoke, main, ["keyring", "list", *at])
    assert "Everything is sealed by k2." in text.output
    assert "No process runs." in text.output
    refused = await asyncio.to_thread(CliRunner().invoke, main, ["keyring", "drop", "k2", *at])
    assert refused.exit_code == 1
    assert "Promote another one first" in refused.output


async def _has(at: tuple[str, str], keys: list[str]) -> bool:
    processes = (await command("list", *at))["processes"].values()
    return [one["keys"] for one in processes] == [keys]
