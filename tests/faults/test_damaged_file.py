"""Row 5: bytes of the database or of its log are changed or cut off. It says so, or it sends what was accepted."""

import os
import random
import re
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import apsw
import pytest
from structlog.testing import capture_logs

from deskbell.model.errors import DeskbellError, StoreBroken
from deskbell.model.webhook import Batch
from engine.test_on_sqlite import opened
from engine.world import SITE, World, answer, ok
from faults.report import reported

SEEDS = int(os.environ.get("DESKBELL_TEST_DAMAGES", "60"))
EVENTS = 24
Payloads = dict[str, set[bytes | None]]
"""By delivery."""
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""What fails while SQLite closes a damaged file has no caller to tell."""


async def accepted(folder: Path) -> tuple[World, Payloads]:
    """A file and its log as a killed process leaves them, and the payload of each delivery; all of them wait.

    A log that is cut is a moment of before: a delivery that gathered then may be sent with fewer events.
    """
    world = await opened(folder / "deskbell.db")
    template = '{"text": "Order {{ event.data.n }} of {{ site.name }}", "by": {"$": "webhook.description"}}'
    plain: dict[str, Any] = {"character": answer(500), "retry_schedule_s": (5,) * 10}
    await world.webhook("custom.*", **plain)
    await world.webhook("custom.*", format="cloudevents", **plain)
    await world.webhook("custom.*", format="template", template=template, **plain)
    await world.webhook("custom.*", batch=Batch(events_max=3), **plain)
    payloads: Payloads = defaultdict(set)
    for number in range(EVENTS):
        if number == EVENTS // 2:
            world.store._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        data = b'{"n":%d,"text":"%s"}' % (number, b"words of a chat " * (number * 5))
        for one in (await world.publish(data=data)).delivery_ids:
            payloads[one].add(await world.engine.payload_of(SITE, one))
        await world.advance(1)
    shutil.copytree(folder, folder.parent / "killed")
    await world.engine.stop(1)
    await world.store.close()
    return world, payloads


def damage(folder: Path, chance: random.Random) -> str:
    """Change some bytes of the file or of its log, or cut it; tells which."""
    path = folder / chance.choice(["deskbell.db", "deskbell.db", "deskbell.db-wal"])
    content = bytearray(path.read_bytes())
    how = chance.choice(["bit", "bytes", "page", "cut", "row", "row", "row", "row"])
    if how == "row":
        starts = [found.start() for found in re.finditer(b"evt_|dlv_|whk_", content)] or [0]
        place = min(chance.choice(starts) + chance.randrange(400), len(content) - 1)
        content[place] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del content[chance.randrange(len(content)) :]
    elif how == "page":
        start = chance.randrange(0, len(content), 4096)
        content[start : start + 4096] = chance.randbytes(len(content[start : start + 4096]))
    else:
        for _ in range(1 if how == "bit" else chance.randint(2, 200)):
            place = chance.randrange(len(content))
            content[place] = content[place] ^ (1 << chance.randrange(8)) if how == "bit" else chance.randrange(256)
    path.write_bytes(content)
    return f"{path.suffix[1:]} {how}"


async def lives(world: World, folder: Path) -> str:
    """The next process on a damaged copy: refused, or for how long it went."""
    world.sender.requests.clear()
    world.sender.characters = dict.fromkeys(world.sender.characters, ok)
    try:
        await opened(folder / "deskbell.db", world)
    except StoreBroken:
        return "refused"
    except (DeskbellError, apsw.Error):
        await closed(world)
        return "stopped"
    try:
        for seconds in (10, 60, 600):
            await world.advance(seconds)
    except (DeskbellError, apsw.Error):
        return "stopped"
    finally:
        await closed(world)
    return "went on"


async def closed(world: World) -> None:
    """As a process that ends."""
    try:
        await world.engine.stop(0)
    finally:
        try:
            await world.store.close()
        except apsw.Error:
            return


async def test_a_damaged_file_never_sends_altered_bytes(tmp_path: Path) -> None:
    """Refused with a reason, or quarantined, or sent as it was accepted: each payload is the one of before."""
    (tmp_path / "first").mkdir()
    world, sent = await accepted(tmp_path / "first")
    ends: Counter[str] = Counter()
    same = 0
    with reported(5, "bytes of the file or its log are changed or cut") as figures:
        for seed in range(SEEDS):
            chance = random.Random(seed)
            folder = tmp_path / str(seed)
            shutil.copytree(tmp_path / "killed", folder)
            what = damage(folder, chance)
            with capture_logs():
                ends[await lives(world, folder)] += 1
            altered = [one for one in world.sender.requests if is_altered(one, sent)]
            assert altered == [], (seed, what)
            same += len(world.sender.requests)
            shutil.rmtree(folder)
        assert same
        assert len(ends) > 1
        figures.update(
            damages=SEEDS, payloads_sent=same, payloads_altered=0, **{k.replace(" ", "_"): n for k, n in ends.items()}
        )


def is_altered(request: Any, sent: Payloads) -> bool:
    """Whether it is not the payload that this delivery had before the damage."""
    return request.body not in sent[dict(request.headers)["webhook-id"]]
