"""A real process full of planted secrets, and everything that it ever wrote or said."""

import asyncio
import base64
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from contract.made import account
from deskbell.accounts.passwords import Passwords
from deskbell.model.account import Role
from deskbell.model.changes import Committed, Insert, Unit
from deskbell.model.ids import SiteId
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.storage.sqlite import SqliteStore
from portal_kit import OWNER, Browser, Receiver, free_port, init, start, stop, until

TOKEN = "hooktokenCANARY0a1b2c3d4e5f6g7h"
HEADER = "headerCANARY-9f8e7d6c5b4a"
WRONG = "wrongpasswordCANARY-xyz"
VIEWER = {"email": "vi@northwind.example", "password": "viewerpasswordCANARY-1"}
MEMBER = "memberCANARY-5k4j3h"
CARD = "4539578763621486"
BASIC = "basicpasswordCANARY-7q"


@dataclass
class Planted:
    """What was planted, and what was said."""

    data: Path
    port: int
    metrics: int
    receiver: Receiver
    api_key: str = ""
    owner: Browser = field(default_factory=lambda: Browser(""))
    secrets: dict[str, str] = field(default_factory=dict)  # name: text that must be nowhere
    private: dict[str, str] = field(default_factory=dict)  # of payloads: in the database, and shown to no viewer
    said: list[tuple[str, str]] = field(default_factory=list)  # what a viewer, the metrics or the audit were told

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """One request by the API key; its JSON."""
        line = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {key or self.api_key}", "Content-Type": "application/json"}
        line.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        assert answer.status < 500, (method, path, text)
        return json.loads(text) if text[:1] in ("{", "[") and "\n{" not in text else text

    def said_to(self, who: str, text: Any) -> None:
        """Remember what somebody was told."""
        self.said.append((who, text if isinstance(text, str) else json.dumps(text)))


@contextmanager
def planted(folder: Path) -> Iterator[Planted]:
    """The process at its debug level, with an owner and a viewer."""
    data, port, metrics = folder / "data", free_port(), free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {
        "DESKBELL_BASE_URL": base_url,
        "DESKBELL_ALLOW_LOOPBACK": "1",
        "DESKBELL_METRICS": f"127.0.0.1:{metrics}",
    }
    receiver = Receiver()
    found = Planted(data=data, port=port, metrics=metrics, receiver=receiver, owner=Browser(base_url))
    found.api_key = init(data, environment)["apiKey"]
    process = start(data, port, environment, "--verbose")
    try:
        set_up = init(data, environment)["setupUrl"]
        found.secrets |= {"api key": found.api_key, "set-up link": set_up.rpartition("/")[2]}
        sign_up(found, urlsplit(set_up).path)
        plant(found)
        process.kill()  # a crash: what lies in the log of the database then stays there
        process.wait(10)
        yield found
    finally:
        stop(process)
        receiver.close()


def sign_up(found: Planted, path: str) -> None:
    """The owner by the link, a viewer beside, and passwords that are wrong."""
    assert found.owner.get(path).status == 200
    assert found.owner.post(path, dict(OWNER)).status == 303
    found.owner.get("/webhook")
    asyncio.run(_viewer(found.data))
    found.secrets |= {"owner's password": OWNER["password"], "wrong password": WRONG}
    found.secrets |= {"viewer's password": VIEWER["password"], "login cookie": next(iter(found.owner.cookies.values()))}
    for email in (OWNER["email"], "nobody@northwind.example"):
        assert Browser(found.owner.base_url).post("/login", {"email": email, "password": WRONG}).status == 401


async def _viewer(data: Path) -> None:
    store = SqliteStore.open(data / "deskbell.db", lock=False)
    hashed = await Passwords().hash(VIEWER["password"])
    row = account(site=SiteId("desk"), id="usr_viewer", email=VIEWER["email"], role=Role.VIEWER, password_hash=hashed)
    assert await store.commit(Unit(changes=(Insert(row=row),))) == Committed()
    await store.close()


def plant(found: Planted) -> None:
    """Use the whole product with secrets everywhere, among them receivers that give them back."""
    call, receiver = found.call, found.receiver
    url = receiver.url.rpartition("/")[0] + f"/{TOKEN}?code={TOKEN}2"
    body = {
        "description": "Planted", "receiverUrl": url, "eventTypes": ["*"], "headers": {"x-secret-key": HEADER},
        "auth": {"type": "basic", "username": "me", "password": BASIC},
    }  # fmt: skip
    hook = call("POST", "/webhooks", body)
    assert "secret" in hook, hook
    secret = hook["secret"]
    found.secrets |= {"url path": TOKEN, "own header": HEADER, "signing secret": secret, "basic password": BASIC}
    found.secrets["bare signing secret"] = secret.removeprefix("whsec_")
    key = call("POST", "/keys", {"name": "made", "scopes": ["webhooks:read", "events:read", "desk:read"]})["key"]
    found.secrets["made key"] = key
    told = f"no such hook {url} key {HEADER} Basic {base64.b64encode(f'me:{BASIC}'.encode()).decode()} secret {secret}"
    receiver.answer = json.dumps({"echo": told, "url": quote(url), "token": HEADER}).encode()
    data = {"password": MEMBER, "card": CARD, "note": f"card {CARD}", "open": "readable"}
    found.private |= {"secret member": MEMBER, "card": CARD}
    for status in (200, 500, 401, 302):
        receiver.status = status
        call("POST", "/events", {"type": "custom.planted", "data": data})
        _wait(lambda: call("GET", "/deliveries?limit=50")["items"], lambda rows: all(one["attempts"] for one in rows))
    call("POST", f"/webhooks/{hook['id']}/test", {})
    receiver.status = 200
    found.secrets["newer signing secret"] = call("POST", f"/webhooks/{hook['id']}/secret/rotate", {})["secret"]
    call("GET", f"/webhooks/{hook['id']}/secret")
    receiver.answer = b"ok"  # what was a secret once, and is none of the webhook any more, is not looked for
    call("PATCH", f"/webhooks/{hook['id']}", {"headers": {"x-secret-key": HEADER + "2"}, "receiverUrl": url + "3"})
    call("POST", "/webhooks", {**body, "receiverUrl": f"https://user:{TOKEN}@x.example/"})
    call("GET", f"/webhooks/whk_{TOKEN}")
    call("POST", "/events", {"type": "custom.planted", "data": data}, key=f"dbk_12345678_{TOKEN}{TOKEN}")
    contact = call("POST", "/desk/contacts", {"name": "Priya"})
    link = call("POST", f"/desk/contacts/{contact['entityId']}/link", {})
    found.secrets["client link"] = str(link["url"]).rpartition("/")[2]
    box = call("POST", "/inspector/bins", {"name": "box"})
    _post(found, urlsplit(box["url"]).path, json.dumps(data))
    backup = [str(found.data.parent / "copy.db"), "--data", str(found.data)]
    subprocess.run(
        [sys.executable, "-m", "deskbell.cli.main", "backup", *backup], check=True, capture_output=True, timeout=60
    )
    listen(found, key, hook["id"], box["id"])


def listen(found: Planted, key: str, hook_id: str, bin_id: str) -> None:
    """Everything that a viewer, the Operator's tools and the audit's readers are told."""
    viewer = Browser(found.owner.base_url)
    assert viewer.post("/login", dict(VIEWER)).status == 303
    deliveries = found.call("GET", "/deliveries?limit=50")["items"]
    attempts = [one["id"] for each in deliveries for one in found.call("GET", f"/deliveries/{each['id']}")["log"]]
    events = [one["id"] for one in found.call("GET", "/events?limit=50")["items"]]
    pages = ["/webhook", f"/webhook?open={hook_id}", "/deliveries", "/events", f"/inspector/{bin_id}", "/security"]
    pages += [f"/deliveries/{one['id']}" for one in deliveries] + [f"/events/{one}" for one in events]
    for path in pages:
        found.said_to(f"viewer {path}", viewer.get(path).text)
    paths = [f"/attempts/{one}" for one in attempts] + [f"/events/{one}" for one in events]
    paths += [
        "/webhooks",
        f"/webhooks/{hook_id}",
        "/events",
        "/deliveries",
        "/site",
        f"/inspector/bins/{bin_id}/captures",
    ]
    for path in paths:
        answer = viewer.get(f"/api/v1{path}")
        found.said_to(f"viewer {answer.status} {path}", answer.text)
    for path in (
        "/audit?limit=200",
        "/audit/export?format=csv",
        "/audit/export?format=jsonl",
        "/audit/export",
        "/keys",
    ):
        found.said_to(f"audit {path}", found.call("GET", path))
    line = HTTPConnection("127.0.0.1", found.metrics, timeout=10)
    line.request("GET", "/metrics")
    found.said_to("metrics", line.getresponse().read().decode())
    line.close()


def _post(found: Planted, path: str, body: str) -> None:
    line = HTTPConnection("127.0.0.1", found.port, timeout=10)
    line.request("POST", path, body, {"Content-Type": "application/json", "Authorization": f"Bearer {MEMBER}"})
    assert line.getresponse().status == 200
    line.close()


def _wait(look: Any, fine: Any) -> None:
    until(lambda: fine(look()))


def spellings(secret: str) -> list[bytes]:
    """How a secret may stand in a file: as it is, in a URL, in base64 at each place, in hex."""
    raw = secret.encode()
    found = [raw, quote(secret, safe="").encode(), raw.hex().encode()]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        found.append(coded[4 if shift else 0 : len(coded) - 4])
    return [one for one in found if len(one) >= 8]


def files_of(found: Planted) -> dict[str, bytes]:
    """Everything on the disk: database, its log, backup, logs of the process; and all values, unpacked."""
    names = {path.name: path.read_bytes() for path in [*found.data.iterdir(), found.data.parent / "copy.db"]}
    names["serve.log"] = (found.data.parent / "serve.log").read_bytes()
    for name in ("deskbell.keys", "reserve", "deskbell.lock"):
        names.pop(name, None)
    names["values"] = values_of(found.data / "deskbell.db")
    return names


def values_of(path: Path) -> bytes:
    """Every value of every table, and beside it what the store unpacks: snapshots, answers, captures."""
    connection = sqlite3.connect(path)
    parts: list[bytes] = []
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        for row in connection.execute(f'SELECT * FROM "{table}"'):
            parts += [one.encode() if isinstance(one, str) else one for one in row if isinstance(one, (str, bytes))]
    connection.close()
    return b"\n".join([*parts, *asyncio.run(_unpacked(path))])


async def _unpacked(path: Path) -> list[bytes]:
    store, site = SqliteStore.open(path, lock=False), SiteId("desk")
    found = [one.snapshot for one in await store.events.page(site, EventFilter(), None, 200)]
    for delivery in await store.deliveries.page(site, DeliveryFilter(), None, 200):
        attempts = await store.deliveries.attempts(site, delivery.id)
        found += [delivery.payload or b"", *[one.response_body for one in attempts]]
        found += [str(one.response_headers).encode() + str(one.request_headers).encode() for one in attempts]
    for box in await store.bins.all(site):
        found += [one.body for one in await store.bins.captures(site, box.id, None, 50)]
    await store.close()
    return found
