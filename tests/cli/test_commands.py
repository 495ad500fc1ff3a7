"""The command line, as a person or a script uses it."""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

import apsw
import pytest
from click.testing import CliRunner, Result

from deskbell.cli.main import main
from deskbell.model.account import Account, Role
from deskbell.model.changes import Insert, Unit
from deskbell.model.ids import SiteId
from deskbell.model.instant import from_seconds
from deskbell.storage.sqlite import SqliteStore
from deskbell.storage.sqlite.lock import FileLock
from receiver import Receiver
from running import Running, running, until


def run(*arguments: str, **environment: str) -> Result:
    """One command in this process."""
    return CliRunner().invoke(main, list(arguments), env={"DESKBELL_DATA": "", **environment})


def init(data: Path) -> Any:
    """Set up a directory; the printed JSON."""
    answer = run("init", "--data", str(data), "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_init_is_idempotent(tmp_path: Path) -> None:
    """The key is printed at the first creation only; the set-up link is fresh each time."""
    first, second = init(tmp_path / "data"), init(tmp_path / "data")
    assert first["site"] == second["site"] == "desk"
    assert first["apiKey"].startswith("dbk_")
    assert "apiKey" not in second
    assert first["setupUrl"] != second["setupUrl"]
    assert (tmp_path / "data" / "deskbell.keys").stat().st_mode & 0o777 == 0o600


def test_init_refuses_a_lost_keyring(tmp_path: Path) -> None:
    """Without its keyring the database is not opened with a fresh one; the text says what to do."""
    init(tmp_path / "data")
    (tmp_path / "data" / "deskbell.keys").unlink()
    answer = run("init", "--data", str(tmp_path / "data"))
    assert answer.exit_code == 1
    assert "deskbell.keys" in answer.output


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("DESKBELL_ALLOW", "nonsense", "nonsense"),
        ("DESKBELL_BASE_URL", "http://desk.example.com", "plain http"),
        ("DESKBELL_LIMIT_IN_FLIGHT_MAX", "0", "1 to 20000"),
        ("DESKBELL_LIMIT_NOTHING", "1", "no such limit"),
        ("DESKBELL_ALLOW_HTTP", "yes", "neither 1 nor 0"),
        ("DESKBELL_EGRESS_PROXY", "proxy:3128", "is not like http://host:3128"),
        ("DESKBELL_DATABASE_URL", "postgresql://host-without-database", "is not like"),
        ("DESKBELL_DATABASE_URL", "mysql://a/b", "is not like"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, name: str, value: str, word: str) -> None:
    """Each wrong setting is named with what it takes."""
    answer = run("init", "--data", str(tmp_path / "data"), **{name: value})
    assert answer.exit_code == 1
    assert word in answer.output
    assert run("doctor", "--data", str(tmp_path / "data"), **{name: value}).exit_code == 1


def test_doctor_on_a_sound_directory(tmp_path: Path) -> None:
    """A sound set-up stops nothing, and JSON says so."""
    init(tmp_path / "data")
    answer = run("doctor", "--data", str(tmp_path / "data"), "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["ok"] is True


def test_doctor_tries_the_egress_proxy(tmp_path: Path) -> None:
    """A proxy that takes connections is a note, one that does not a warning; both name it."""
    init(tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        good = run("doctor", "--data", str(tmp_path / "data"), DESKBELL_EGRESS_PROXY=proxy)
    gone = run("doctor", "--data", str(tmp_path / "data"), DESKBELL_EGRESS_PROXY=proxy)
    assert f"note: All requests to receivers go through the proxy {proxy}" in good.output
    assert "takes no connections" not in good.output
    assert f"warn: DESKBELL_EGRESS_PROXY {proxy}: the egress proxy takes no connections." in gone.output


def test_doctor_names_an_open_keyring(tmp_path: Path) -> None:
    """A keyring that others can read stops the start, with the command that mends it."""
    init(tmp_path / "data")
    (tmp_path / "data" / "deskbell.keys").chmod(0o644)
    answer = run("doctor", "--data", str(tmp_path / "data"))
    assert answer.exit_code == 1
    assert "chmod 600" in answer.output


def test_doctor_names_webhooks_and_sites_that_cannot_be_read(tmp_path: Path) -> None:
    """Damaged rows stop nothing; they are named with what to do."""
    init(tmp_path / "data")
    connection = apsw.Connection(str(tmp_path / "data" / "deskbell.db"))
    columns = "site, id, shard, state, waits_from, version, body"
    connection.execute(f"INSERT INTO webhook ({columns}) VALUES ('desk', 'whk_1', 0, 'enabled', '', 1, x'7b')")
    connection.close()
    answer = run("doctor", "--data", str(tmp_path / "data"))
    assert answer.exit_code == 0, answer.output
    assert "Webhook whk_1 of site desk cannot be read" in answer.output


def test_without_a_key_usage_is_explained() -> None:
    """A command of the API without a key is wrong usage and says how to give one."""
    answer = run("webhooks", "list", DESKBELL_API_KEY="")
    assert answer.exit_code == 2
    assert "DESKBELL_API_KEY" in answer.output


def test_openapi_prints_the_description() -> None:
    """The description is printed as JSON."""
    assert json.loads(run("openapi").stdout)["openapi"] == "3.1.0"


async def call(desk: Running, *arguments: str) -> Result:
    """A command against a running Deskbell."""
    url = f"http://127.0.0.1:{desk.port}"
    return await asyncio.to_thread(run, *arguments, DESKBELL_URL=url, DESKBELL_API_KEY=desk.key)


async def good(desk: Running, *arguments: str) -> Any:
    """As `call` with --json; it must succeed."""
    answer = await call(desk, *arguments, "--json")
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


async def test_an_integrators_day(tmp_path: Path) -> None:
    """Register, publish, look, send again, rotate, pause, resume, delete, restore: all from the shell."""
    async with Receiver() as receiver, running(tmp_path) as desk:
        made = await good(
            desk, "webhooks", "create", "--description", "d", "--receiver-url", receiver.url, "--event", "custom.*"
        )
        event = await good(desk, "events", "publish", "custom.paid", "--data", '{"n":1.10}', "--subject", "invoice:7")
        [request] = await receiver.wait(1)
        assert b'"data":{"n":1.10}' in request.body
        trace = await good(desk, "events", "trace", event["id"])
        assert trace["items"][0]["reason"] == "matched"
        delivery_id = trace["items"][0]["deliveryId"]
        await desk.delivery(lambda one: one["id"] == delivery_id and one["state"] == "delivered")
        await good(desk, "deliveries", "redeliver", delivery_id)
        await receiver.wait(2)
        assert (await good(desk, "deliveries", "show", delivery_id))["id"] == delivery_id
        assert (await good(desk, "webhooks", "rotate", made["id"], "--overlap", "60"))["secret"] != made["secret"]
        assert (await good(desk, "webhooks", "pause", made["id"]))["state"] == "paused"
        assert (await good(desk, "webhooks", "resume", made["id"]))["state"] == "enabled"
        await good(desk, "webhooks", "delete", made["id"], "--reason", "moved")
        assert [one["id"] for one in (await good(desk, "webhooks", "list", "--state", "deleted"))["items"]] == [
            made["id"]
        ]
        assert (await good(desk, "webhooks", "restore", made["id"]))["state"] == "enabled"
        await good(desk, "trigger", "custom.example", "--set", "data.state=blue")
        [sample] = await receiver.wait(1, lambda one: one.events[0]["meta"].get("test") is True)
        assert sample.events[0]["data"]["state"] == "blue"
        for command in (
            ("webhooks", "list"),
            ("events", "list"),
            ("deliveries", "list"),
            ("webhooks", "show", made["id"]),
        ):
            answer = await call(desk, *command)
            assert answer.exit_code == 0
            assert "custom" in answer.output or made["id"] in answer.output


async def test_a_narrow_webhook_with_a_payload_of_its_own(tmp_path: Path) -> None:
    """Filter, changed fields and a template file; what is odd is told, a file that is no JSON is a wrong use."""
    file = tmp_path / "template.json"
    file.write_text('{"id": {"$": "event.id"}, "odd": "{{ event.titel }}"}')
    create = ("webhooks", "create", "--description", "d", "--receiver-url", "https://hooks.example.com/x")
    narrow = (
        "--event",
        "ticket.updated",
        "--filter",
        "entityId > 1",
        "--changed-field",
        "status",
        "--template",
        str(file),
    )
    async with running(tmp_path / "data") as desk:
        answer = await call(desk, *create, *narrow)
        assert answer.exit_code == 0
        assert "Note: No sample of the chosen event types has event.titel" in answer.output
        [made] = (await good(desk, "webhooks", "list"))["items"]
        assert (made["format"], made["filter"], made["changedFields"]) == ("template", "entityId > 1", ["status"])
        assert "onlyWhen      entityId > 1 status" in (await call(desk, "webhooks", "show", made["id"])).output
        file.write_text("{")
        answer = await call(desk, *create, *narrow)
        assert answer.exit_code == 2
        assert "--template takes a file with JSON" in answer.output


async def test_a_refusal_is_a_sentence(tmp_path: Path) -> None:
    """What the API refuses ends the command with 1 and says where and why."""
    async with running(tmp_path) as desk:
        answer = await call(
            desk, "webhooks", "create", "--description", "d", "--receiver-url", "http://10.0.0.5/", "--event", "chat.*"
        )
        assert answer.exit_code == 1
        assert "/receiverUrl" in answer.output
        assert "DESKBELL_ALLOW" in answer.output


async def test_verify(tmp_path: Path) -> None:
    """A captured request is valid; with one byte changed it is not, and the text says so."""
    async with Receiver() as receiver, running(tmp_path / "data") as desk:
        webhook = await desk.webhook(receiver.url, "custom.*")
        await desk.good("POST", "/events", {"type": "custom.x", "data": 1})
        [request] = await receiver.wait(1)
    headers, body, secret = tmp_path / "headers", tmp_path / "body", tmp_path / "secret"
    headers.write_text("\n".join(f"{name}: {value}" for name, value in request.headers))
    body.write_bytes(request.body)
    secret.write_text(webhook["secret"])
    files = ("--headers", str(headers), "--body", str(body), "--secret-file", str(secret), "--json")
    assert json.loads(run("verify", *files).stdout)["valid"] is True
    body.write_bytes(request.body.replace(b"1", b"2", 1))
    answer = run("verify", *files)
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["valid"] is False


async def test_replay_from_the_shell(tmp_path: Path) -> None:
    """Count, run and follow to the end, look, list; a wrong time is wrong usage; a copy with today's settings."""
    async with Receiver() as receiver, running(tmp_path) as desk:
        receiver.answers = [(413, {})] * 3
        webhook = await desk.webhook(receiver.url, "custom.*", retrySchedule=[])
        for n in range(3):
            await desk.good("POST", "/events", {"type": "custom.n", "data": n})
        old = await desk.delivery(lambda one: one["state"] == "exhausted")
        await receiver.wait(3)
        chosen = ("replay", "create", "--state", "exhausted", "--webhook", webhook["id"], "--since", "1h")

        async def all_exhausted() -> bool:
            return bool((await good(desk, *chosen, "--dry-run"))["total"] == 3)

        await until(all_exhausted)
        counted = await call(desk, *chosen, "--dry-run")
        assert "3 would be sent again" in counted.output
        done = await call(desk, *chosen, "--follow", "--rate", "100")
        assert done.exit_code == 0, done.output
        assert "finished: 3 of 3 begun" in done.output
        await receiver.wait(6)
        [replay] = (await good(desk, "replay", "list"))["items"]
        shown = await call(desk, "replay", "show", replay["id"])
        assert "exhausted" in shown.output
        refused = await call(desk, "replay", "pause", replay["id"])
        assert (refused.exit_code, "finished" in refused.output) == (1, True)
        assert (await call(desk, *chosen[:-1], "yesterday")).exit_code == 2

        async def none_left() -> bool:
            return "all 3 arrived" in (await call(desk, *chosen, "--dry-run")).output

        await until(none_left)
        made = await good(desk, "deliveries", "redeliver", old["id"], "--again")
        assert made["copyOf"] == old["id"]
        await receiver.wait(7)


def test_doctor_beside_a_running_process(tmp_path: Path) -> None:
    """Who has the database is told, and stops nothing."""
    init(tmp_path / "data")
    holder = FileLock(tmp_path / "data" / "deskbell.lock")
    try:
        answer = run("doctor", "--data", str(tmp_path / "data"))
    finally:
        holder.release()
    assert answer.exit_code == 0, answer.output
    assert f"note: Deskbell runs here: process {os.getpid()}" in " ".join(answer.output.split())


def test_doctor_knows_of_the_backup(tmp_path: Path) -> None:
    """A backup that was just made is none that is missing."""
    init(tmp_path / "data")
    assert "There is no backup yet" in run("doctor", "--data", str(tmp_path / "data")).output
    assert run("backup", str(tmp_path / "copy.db"), "--data", str(tmp_path / "data")).exit_code == 0
    assert "backup" not in run("doctor", "--data", str(tmp_path / "data")).output


def test_doctor_names_owners_whom_a_password_lets_in(tmp_path: Path) -> None:
    """Each owner with a password and no second factor."""
    init(tmp_path / "data")

    async def add_owner() -> None:
        store = SqliteStore.open(tmp_path / "data" / "deskbell.db", lock=False)
        owner = Account(
            site=SiteId("desk"),
            id="usr_1",
            email="ana@northwind.example",
            name="Ana",
            role=Role.OWNER,
            password_hash="x",
            created_at=from_seconds(0),
        )
        await store.commit(Unit(changes=(Insert(row=owner),)))
        await store.close()

    asyncio.run(add_owner())
    answer = run("doctor", "--data", str(tmp_path / "data"))
    assert answer.exit_code == 0, answer.output
    assert "ana@northwind.example, an owner of site desk, has no second factor" in " ".join(answer.output.split())
