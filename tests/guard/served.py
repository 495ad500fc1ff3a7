"""The real `deskbell serve`, as a process of its own inside the laboratory, with sites made before it starts."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskbell import app, site_setup
from deskbell.config import read_config
from guard.ground import DRIVER

PORT = 8080
BASE_URL = "https://hooks.our-own-portal.example"
WAIT_S = 30.0
QUICK = {
    "DESKBELL_METRICS": "off",
    "DESKBELL_LIMIT_CONNECT_TIMEOUT_S": "1",
    "DESKBELL_LIMIT_RESOLVE_TIMEOUT_S": "1",
    "DESKBELL_LIMIT_BREAKER_FAILURES": "1000",
    "DESKBELL_LIMIT_BREAKER_ATTEMPTS_MIN": "10000",
}


@dataclass
class Answer:
    """What the API answered."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


class Served:
    """One Deskbell; use as a context."""

    def __init__(self, data: Path, *, host: str = "127.0.0.1", port: int = PORT, **environment: str) -> None:
        self.data = data
        self.host, self.port = host, port
        self.environment = {"DESKBELL_BASE_URL": BASE_URL, **QUICK, **environment}
        self.keys: dict[str, str] = {}
        self.child: subprocess.Popen[bytes] | None = None

    def make_sites(self, sites: Iterable[str]) -> None:
        """Make sites and their keys in the data directory, before the start."""
        asyncio.run(self._make_sites(list(sites)))

    async def _make_sites(self, sites: list[str]) -> None:
        house = await app.open_house(read_config(self.environment, data=str(self.data), port=self.port))
        for site in sites:
            made = await site_setup.set_up(house.rooms, site)
            assert made.api_key is not None
            self.keys[site] = made.api_key
        await house.close()

    def __enter__(self) -> "Served":
        if not self.keys:
            self.make_sites(["desk"])
        command = [sys.executable, "-m", "deskbell.cli.main", "serve", "--data", str(self.data)]
        command += ["--host", self.host, "--port", str(self.port)]
        passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(command, env={**passed, **self.environment}, stdout=log, stderr=log)
        try:
            until(self._is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self.child is not None
        self.child.terminate()
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    @property
    def log(self) -> Path:
        """Where its log goes."""
        return self.data.with_suffix(".log")

    def _is_ready(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, self.log.read_text()[-3000:]
        try:
            return self.call("GET", "/readyz").status == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: Any = None, *, site: str = "desk", **headers: str) -> Answer:
        """One request to the API."""
        line = http.client.HTTPConnection(self.host, self.port, timeout=30, source_address=(DRIVER, 0))
        target = path if path == "/readyz" else f"/api/v1{path}"
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        credential = {} if path == "/readyz" else {"Authorization": f"Bearer {self.keys[site]}"}
        sent = {"Content-Type": "application/json", **credential, **headers}
        try:
            line.request(method, target, payload, sent)
            answer = line.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            line.close()

    def good(self, method: str, path: str, body: Any = None, *, site: str = "desk") -> Any:
        """As `call`, but it must succeed; answers the JSON."""
        answer = self.call(method, path, body, site=site)
        assert answer.status < 400, (method, path, answer.status, answer.text)
        return answer.json if answer.text else None

    def webhook(self, url: str, *types: str, site: str = "desk", **more: Any) -> str:
        """Register a webhook; its id."""
        body = {"description": "canary", "receiverUrl": url, "eventTypes": list(types), **more}
        return str(self.good("POST", "/webhooks", body, site=site)["id"])

    def publish(self, event_type: str, *, site: str = "desk") -> None:
        """Publish one event."""
        self.good("POST", "/events", {"type": event_type, "data": {"n": 1}}, site=site)

    def attempts(self, webhook_id: str, *, test: bool, site: str = "desk") -> list[dict[str, Any]]:
        """Attempts of the webhook's one delivery of this kind, as soon as there is one."""
        return until(lambda: self._attempts(webhook_id, test, site))

    def _attempts(self, webhook_id: str, test: bool, site: str) -> list[dict[str, Any]]:
        items = self.good("GET", f"/deliveries?webhook={webhook_id}", site=site)["items"]
        found = [one for one in items if one["test"] is test]
        if not found or not found[0]["attempts"]:
            return []
        return list(self.good("GET", f"/deliveries/{found[0]['id']}", site=site)["log"])


def until(look: Callable[[], Any], limit_s: float = WAIT_S) -> Any:
    """Look again until the answer is true."""
    end = time.monotonic() + limit_s
    while not (found := look()):
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
    return found


def named(attempt: dict[str, Any]) -> str:
    """An attempt's outcome in the words of the cases."""
    outcome = attempt["outcome"]
    kind, name = str(outcome["class"]), str(outcome["name"])
    return f"{kind}:{name}" if kind in ("failed", "refused") else kind
