"""Row 22, backups under load and an old one restored: consistent, on hold, and unreadable without the keyring."""

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

import apsw
import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Publisher, load
from faults.process import Process
from receiver import Receiver
from running import until

BACKUPS = 3


async def run(process: Process, *arguments: str, code: int = 0) -> Any:
    """A command on its data directory, in a process of its own; its JSON, or what it said on failing."""
    assert process.nursery is not None
    out = process.data.parent / f"command-{time.monotonic_ns()}.out"
    wanted = [*arguments, "--data", str(process.data), "--json"]
    child = process.nursery.start(wanted, {"DESKBELL_ALLOW": "127.0.0.0/8:*"}, str(out))
    assert await asyncio.to_thread(child.wait, 60) == code, out.read_text()
    return out.read_text() if code else json.loads(out.read_text())


def events_in(copy: Path) -> tuple[set[str], set[str]]:
    """Own ids of the events of a backup, and those that a delivery carries; the copy must be sound."""
    connection = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        assert [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
        ids = dict(connection.execute("SELECT id, external_id FROM event WHERE type = 'custom.load'"))
        carried = {one for (row,) in connection.execute("SELECT event_ids FROM delivery") for one in row.split(" ")}
    finally:
        connection.close()
    return set(ids.values()), {ids[one] for one in carried if one in ids}


@pytest.mark.xdist_group("faults")
async def test_backups_under_load_and_an_old_one_restored(
    make_process: MakeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each copy is one moment that holds all that was answered before it; restored, nothing goes out unasked."""
    process, began = make_process(), time.monotonic()
    copies = [process.data.parent / f"copy-{n}.db" for n in range(BACKUPS)]
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=0.002)) as publisher:
            for copy in copies:
                await receiver.wait(len(receiver.received) + 40)
                answered = {one.own for one in publisher.log.values() if one.verdict == "ok"}
                await run(process, "backup", str(copy))
                stored, carried = events_in(copy)
                assert answered - stored == set()
                assert stored == carried
        secret = hooks[0].secret.encode()
        assert all(
            secret not in copy.read_bytes() and receiver.url.encode() not in copy.read_bytes() for copy in copies
        )
        assert await asyncio.to_thread(process.stop) == 0
        await refused_without_keyring(process, copies[0])
        arrived = len(receiver.received)
        await run(process, "restore", str(copies[0]), "--force")
        await process.start()
        restored = (await process.client.good("GET", "/site"))["restored"]
        held = (await process.client.good("GET", "/deliveries?state=held"))["items"]
        assert {one["heldBy"] for one in held} <= {"restored"}
        async with load(publisher, lines=1):  # what comes now waits as well
            wanted = publisher.count("ok") + 5
            await until(lambda: has_stored(publisher, wanted))
        assert len(receiver.received) == arrived
        await process.client.good("POST", "/site/restored", {"answer": "send"})
        await check(
            process.client,
            publisher,
            hooks,
            row=22,
            name="backups under load, an old one restored",
            seconds=time.monotonic() - began,
            duplicates_max=restored["dueSinceBackup"],
            capsys=capsys,
            backups=BACKUPS,
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)


async def has_stored(publisher: Publisher, count: int) -> bool:
    """So many events were answered 202."""
    return publisher.count("ok") >= count


async def refused_without_keyring(process: Process, copy: Path) -> None:
    """The copy alone opens nothing: a restore elsewhere says that it needs the keyring, and which."""
    elsewhere = Process(data=process.data.parent / "elsewhere", port=process.port, nursery=process.nursery)
    said = await run(elsewhere, "restore", str(copy), code=1)
    assert "needs its keyring" in said
    elsewhere.data.mkdir(exist_ok=True)
    other = elsewhere.data / "deskbell.keys"
    other.write_text("k1:" + "A" * 43 + "=\n")
    other.chmod(0o600)
    assert "key" in (await run(elsewhere, "restore", str(copy), code=1)).lower()
    shutil.rmtree(elsewhere.data)
