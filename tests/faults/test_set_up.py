"""Row 23, a set-up that is wrong: every stop of `deskbell doctor` refuses the start and says why and what to do."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from faults.conftest import MakeProcess
from faults.nursery import Nursery
from faults.process import Process, ports
from faults.report import reported
from running import until

NOBODY = 65_534


def new(tmp_path: Path, nursery: Nursery, **environment: str) -> Process:
    """A process whose data directory may be anything."""
    return Process(data=tmp_path / "data", port=ports(), nursery=nursery, environment=environment)


def refuses(process: Process, *texts: str) -> None:
    """It ends by itself, with 1, and says each of these; nothing is sent or accepted."""
    process.spawn()
    assert process.child is not None
    assert process.child.wait(20) == 1
    said = " ".join(process.log.read_text().split())
    assert "Traceback" not in said, said
    for text in texts:
        assert re.search(text, said), (text, said)


def lose_keyring(data: Path) -> None:
    (data / "deskbell.keys").unlink()


def other_keyring(data: Path) -> None:
    (data / "deskbell.keys").write_text("k1:" + "A" * 43 + "=\n")


def torn_keyring(data: Path) -> None:
    (data / "deskbell.keys").write_text("k1:AAAA\n")


def open_keyring(data: Path) -> None:
    (data / "deskbell.keys").chmod(0o644)


def newer_database(data: Path) -> None:
    connection = apsw.Connection(str(data / "deskbell.db"))
    connection.execute("PRAGMA user_version = 999")
    connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    connection.close()


def no_database(data: Path) -> None:
    for name in ("deskbell.db-wal", "deskbell.db-shm"):
        (data / name).unlink(missing_ok=True)
    (data / "deskbell.db").write_bytes(b"not a database" * 1_000)


DAMAGES = [
    (lose_keyring, r"deskbell\.keys is missing, and the database holds secrets.*Restore it"),
    (other_keyring, r"[Kk]ey"),
    (torn_keyring, r"[Kk]ey"),
    (open_keyring, r"can be read by others\. Run: chmod 600"),
    (newer_database, r"999"),
    (no_database, r"deskbell\.db cannot be opened.*restore a backup"),
]


@pytest.mark.parametrize(("damage", "text"), DAMAGES, ids=[one.__name__ for one, _ in DAMAGES])
async def test_what_lies_in_the_data_directory(
    make_process: MakeProcess, damage: Callable[[Path], None], text: str
) -> None:
    """Keyring and database fit each other and the program, or nothing starts; mended, it starts as before."""
    with reported(23, damage.__name__.replace("_", " ")):
        process = make_process()
        kept = process.data.with_name("kept")
        shutil.copytree(process.data, kept)
        damage(process.data)
        refuses(process, text)
        shutil.rmtree(process.data)
        kept.rename(process.data)
        await process.start()
        assert process.stop() == 0


SETTINGS = [
    ({"DESKBELL_BASE_URL": "http://desk.example.com"}, r"plain http.*DESKBELL_ALLOW_PLAIN_PORTAL=1"),
    (
        {"DESKBELL_BASE_URL": "https://desk.example.com", "DESKBELL_ALLOW_LOOPBACK": "1"},
        r"DESKBELL_ALLOW_LOOPBACK is for development",
    ),
    ({"DESKBELL_ALLOW": "10.0.0.0/8"}, r"DESKBELL_ALLOW"),
    ({"DESKBELL_ALLOW": "desk.example.com:http"}, r"DESKBELL_ALLOW"),
    ({"DESKBELL_KEYS": "nonsense"}, r"[Kk]ey"),
    ({"DESKBELL_LIMIT_DRAIN_S": "soon"}, r"DESKBELL_LIMIT_DRAIN_S: 'soon' is not a number"),
    ({"DESKBELL_DATABASE_URL": "mysql://x/y"}, r"DESKBELL_DATABASE_URL is not like postgresql://"),
]


@pytest.mark.parametrize(("environment", "text"), SETTINGS, ids=[" ".join(one) for one, _ in SETTINGS])
def test_a_setting_is_wrong(tmp_path: Path, nursery: Nursery, environment: dict[str, str], text: str) -> None:
    """It is named, and what it takes is said."""
    with reported(23, f"setting {' '.join(environment)}"):
        refuses(new(tmp_path, nursery, **environment), text)


async def test_two_processes_on_one_file(make_process: MakeProcess) -> None:
    """The second names the first; the first does not notice."""
    with reported(23, "two processes on one file"):
        first = make_process()
        await first.start()
        assert first.child is not None
        second = Process(data=first.data, port=ports(), nursery=first.nursery)
        refuses(second, rf"process {first.child.pid} already uses this database.*stop it first")
        assert (await first.client.call("GET", "/readyz")).status == 200
        assert first.stop() == 0


async def test_the_port_is_taken(make_process: MakeProcess) -> None:
    """The address is named."""
    with reported(23, "port taken"):
        first, second = make_process("one"), make_process("two")
        await first.start()
        second.port = first.port
        refuses(second, rf"127\.0\.0\.1:{first.port}: Address already in use")
        assert first.stop() == 0


def test_the_data_directory_cannot_be_written(nursery: Nursery, make_process: MakeProcess) -> None:
    """As a user who may read it and not write it, make one in it, or even reach it; root may do everything."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    process = make_process()
    with reported(23, "data directory not writable"), tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        readable = place / "data"
        shutil.copytree(process.data, readable)
        for file in (readable, *readable.iterdir()):
            file.chmod(0o755)
        out_of_reach = place / "closed" / "data"
        shutil.copytree(process.data, out_of_reach)
        out_of_reach.parent.chmod(0o700)
        for data in (readable, readable / "new", out_of_reach):
            one = Process(data=data, port=ports(), nursery=nursery, tricks={"user": NOBODY})
            one.log_file = process.data.parent / f"{one.port}.log"
            refuses(one, rf"{data}.*cannot be written")


def test_the_disk_is_mounted_read_only(make_process: MakeProcess) -> None:
    """A mount that nobody may write to, root included."""
    process = make_process()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a mount needs the right to make one")
    if subprocess.run(["mount", "--bind", process.data, process.data], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", process.data], check=True)
        with reported(23, "disk mounted read-only"):
            refuses(process, rf"{process.data}.*cannot be written")
    finally:
        subprocess.run(["umount", process.data], check=True)


async def test_a_start_again_needs_no_mending(make_process: MakeProcess) -> None:
    """A lock file of a process that is gone stops nobody."""
    process = make_process()
    await process.start()
    process.kill()
    assert (process.data / "deskbell.lock").read_text().strip()
    await process.start()
    await until(process.is_ready)
    assert process.stop() == 0
