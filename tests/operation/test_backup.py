"""Backup and restore through the commands: a copy made while events come in, and deliveries on hold afterwards."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deskbell.model.query import EventFilter
from receiver import Receiver
from running import Running, running

_CUSTOM = EventFilter(type="custom.*")


def command(*arguments: str, good: bool = True, **environment: str) -> Any:
    """`deskbell …`; its JSON, or what it said on failing."""
    done = subprocess.run(
        [sys.executable, "-m", "deskbell.cli.main", *arguments],
        env={**os.environ, "DESKBELL_ALLOW": "127.0.0.0/8:*", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode == 0) == good, (done.stdout, done.stderr)
    return json.loads(done.stdout) if good else done.stderr


async def run(*arguments: str, good: bool = True, **environment: str) -> Any:
    """The same, beside the running app."""
    return await asyncio.to_thread(command, *arguments, good=good, **environment)


async def publish(app: Running, *numbers: int) -> None:
    """One event each."""
    for number in numbers:
        await app.good("POST", "/events", {"type": "custom.order", "data": {"number": number}})


def numbers(receiver: Receiver) -> list[int]:
    """What arrived, in order."""
    return [event["data"]["number"] for one in receiver.received for event in one.events]


async def test_a_restored_backup_sends_nothing_until_somebody_answers(tmp_path: Path) -> None:
    """Event 1 was delivered before the backup, 2 waited in it and was sent after it, 3 came after it."""
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    async with Receiver() as receiver:
        async with running(data) as app:
            hook = await app.webhook(receiver.url, "custom.*")
            await publish(app, 1)
            await receiver.wait(1)
            await app.good("POST", f"/webhooks/{hook['id']}/pause")
            await publish(app, 2)
            made = await run("backup", str(copy), "--data", str(data), "--json")
            assert made["keys"] == ["k1"]
            assert made["keysFile"] is None
            await app.good("POST", f"/webhooks/{hook['id']}/resume")
            await receiver.wait(2)
            await publish(app, 3)
            await receiver.wait(3)
        refused = command("restore", str(copy), "--data", str(data), good=False)
        assert "--force" in refused
        done = command("restore", str(copy), "--data", str(data), "--force", "--json")
        assert (done["waiting"], done["dueSince"]) == (1, 1)
        assert (data / done["kept"]).exists()
        async with running(data) as app:
            await publish(app, 4)
            await app.good("POST", f"/webhooks/{hook['id']}/resume")
            site = await app.good("GET", "/site")
            assert (site["restored"]["waiting"], site["restored"]["dueSinceBackup"]) == (2, 1)
            assert site["restored"]["webhookIds"] == [hook["id"]]
            held = (await app.good("GET", "/deliveries?state=held"))["items"]
            assert [one["heldBy"] for one in held] == ["restored", "restored"]
            test = await app.call("POST", f"/deliveries/{held[0]['id']}/redeliver")
            assert (test.status, test.json["code"]) == (409, "restored")
            assert numbers(receiver) == [1, 2, 3]
            answered = await app.good("POST", "/site/restored", {"answer": "cancel"})
            assert answered["restored"] is None
            await receiver.wait(4)
            assert numbers(receiver) == [1, 2, 3, 4]
            again = await app.call("POST", "/site/restored", {"answer": "send"})
            assert again.status == 409


async def test_one_webhook_can_be_let_go_before_the_others(tmp_path: Path) -> None:
    """`send` sends again what may have been sent since the backup: the same id, the same bytes."""
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    async with Receiver() as one, Receiver() as two:
        async with running(data) as app:
            hooks = [await app.webhook(receiver.url, "custom.*") for receiver in (one, two)]
            for hook in hooks:
                await app.good("POST", f"/webhooks/{hook['id']}/pause")
            await publish(app, 1)
            await run("backup", str(copy), "--data", str(data), "--json")
            for hook in hooks:
                await app.good("POST", f"/webhooks/{hook['id']}/resume")
            await one.wait(1)
            await two.wait(1)
        command("restore", str(copy), "--data", str(data), "--force", "--json")
        async with running(data) as app:
            for hook in hooks:
                await app.good("POST", f"/webhooks/{hook['id']}/resume")
            left = await app.good("POST", "/site/restored", {"answer": "send", "webhookId": hooks[0]["id"]})
            assert left["restored"]["webhookIds"] == [hooks[1]["id"]]
            await one.wait(2)
            first, second = one.received
            assert (first.header("webhook-id"), first.body) == (second.header("webhook-id"), second.body)
            assert len(two.received) == 1


async def test_a_backup_is_whole_while_events_come_in(tmp_path: Path) -> None:
    """It is one moment: as many deliveries as events, and every event up to the last."""
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    async with Receiver() as receiver, running(data) as app:
        await app.webhook(receiver.url, "custom.*")
        await publish(app, 0)
        load = asyncio.create_task(publish(app, *range(1, 150)))
        await run("backup", str(copy), "--data", str(data), "--json")
        await load
    command("restore", str(copy), "--data", str(tmp_path / "other"), "--json", DESKBELL_KEYS=keys(data))
    shutil.copy(data / "test-key", tmp_path / "other")
    async with running(tmp_path / "other", DESKBELL_KEYS=keys(data)) as app:
        events = await app.house.rooms.store.events.page("desk", _CUSTOM, None, 500)
        carried = await app.house.rooms.store.deliveries.carrying("desk", [one.id for one in events])
        found = sorted(json.loads(one.snapshot)["data"]["number"] for one in events)
    assert found == list(range(len(found)))
    assert len(carried) == len(found)


def keys(data: Path) -> str:
    """The keyring's text."""
    return (data / "deskbell.keys").read_text().strip()


@pytest.fixture
async def copied(tmp_path: Path) -> Path:
    """A backup with its keyring beside it."""
    async with running(tmp_path / "data") as app, Receiver() as receiver:
        await app.webhook(receiver.url, "*")
        copy = tmp_path / "copy.db"
        made = await run("backup", str(copy), "--data", str(tmp_path / "data"), "--with-keys", "--json")
        assert stat.S_IMODE(os.stat(made["keysFile"]).st_mode) == 0o600
    return copy


async def test_a_restore_without_the_keyring_is_refused(copied: Path, tmp_path: Path) -> None:
    """It says where the keyring belongs, and leaves nothing behind."""
    said = command("restore", str(copied), "--data", str(tmp_path / "new"), good=False)
    assert "deskbell.keys" in said
    assert not (tmp_path / "new" / "deskbell.db").exists()
    other = "k1:" + "A" * 43 + "="
    assert "another key" in command(
        "restore", str(copied), "--data", str(tmp_path / "new"), good=False, DESKBELL_KEYS=other
    )


def test_a_damaged_copy_is_refused(copied: Path, tmp_path: Path) -> None:
    """Whatever is wrong with it."""
    whole = copied.read_bytes()
    for text in (b"", b"not a database" * 500, whole[: len(whole) // 2]):
        copied.write_bytes(text)
        said = command("restore", str(copied), "--data", str(tmp_path / "new"), good=False)
        assert "copy.db" in said
        assert "Traceback" not in said


async def test_a_restore_beside_a_running_process_is_refused(copied: Path, tmp_path: Path) -> None:
    """It names the process."""
    async with running(tmp_path / "data"):
        said = await run("restore", str(copied), "--data", str(tmp_path / "data"), "--force", good=False)
    assert "stop it first" in said


async def test_a_backup_never_replaces_a_file_unasked(copied: Path, tmp_path: Path) -> None:
    """Nor is there one of nothing."""
    assert "--force" in command("backup", str(copied), "--data", str(tmp_path / "data"), good=False)
    assert command("backup", str(copied), "--data", str(tmp_path / "data"), "--force", "--json")["bytes"] > 0
    assert "there is no deskbell.db" in command(
        "backup", str(tmp_path / "x.db"), "--data", str(tmp_path / "no"), good=False
    )
