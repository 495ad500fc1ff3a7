"""A running Deskbell that is asked from both sides, and what its audit gained meanwhile."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import trustme

from portal_kit import OWNER, Browser, free_port, init, start, stop, until
from sign_on.provider import CLIENT, SECRET, Provider, authority_file, served, signed

CUSTOM = {"type": "custom.case", "data": 1, "subject": {"type": "order", "id": "7"}}


@dataclass
class Bench:
    """Where it is, the key and the browser of its owner, and a provider of single sign-on."""

    base_url: str
    data: Path
    environment: dict[str, str]
    key: str
    browser: Browser
    provider: Provider

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """One request to the API."""
        line = HTTPConnection(self.base_url.removeprefix("http://"), timeout=20)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        line.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = line.getresponse()
        found = answer.status, answer.read()
        line.close()
        return found

    def good(self, method: str, path: str, body: Any = None) -> Any:
        """The same; it must succeed."""
        status, text = self.call(method, path, body)
        assert status < 400, (method, path, status, text)
        return json.loads(text) if text else None

    def rows(self) -> list[Any]:
        """The audit, newest first."""
        return list(self.good("GET", "/audit?limit=200")["items"])

    def since(self, seq: int) -> list[Any]:
        """What it gained, oldest first."""
        return [row for row in self.rows() if row["seq"] > seq][::-1]

    def post(self, path: str, fields: dict[str, object] | None = None) -> Any:
        """A form of the portal; it must be taken."""
        answer = self.browser.post(path, fields)
        assert answer.status < 400, (path, answer.status, answer.text[:900])
        return answer

    def hook(self, *types: str, **more: Any) -> str:
        """A webhook's id; webhooks are on."""
        self.good("PATCH", "/site", {"webhooksEnabled": True})
        body = {"description": "t", "receiverUrl": "http://127.0.0.1:9/hook-of-a-test-1234567890"}
        return str(self.good("POST", "/webhooks", {**body, "eventTypes": list(types) or ["chat.*"], **more})["id"])

    def event(self) -> str:
        """An event that no webhook takes."""
        return str(self.good("POST", "/events", CUSTOM)["id"])

    def missed(self) -> None:
        """Something happened while webhooks were off, and they are on again."""
        self.good("PATCH", "/site", {"webhooksEnabled": False})
        self.event()
        self.good("PATCH", "/site", {"webhooksEnabled": True})

    def failed(self) -> str:
        """A webhook with four deliveries that nobody took."""
        for one in self.good("GET", "/replays?limit=200")["items"]:
            if one["endedAt"] is None:
                self.good("POST", f"/replays/{one['id']}/cancel")
        hook = self.hook("custom.case", retrySchedule=[])
        for _ in range(4):
            self.event()
        gone = f"/deliveries?state=exhausted&webhook={hook}"
        until(lambda: len(self.good("GET", gone)["items"]) == 4)
        self.good("POST", f"/webhooks/{hook}/pause", {})
        return hook

    def replay(self) -> str:
        """One that goes very slowly."""
        body = {"states": ["exhausted"], "webhookIds": [self.failed()], "ratePerSecond": 0.01}
        return str(self.good("POST", "/replays", body)["id"])

    def rule(self, seconds: int) -> str:
        """A timer."""
        body = {"subject": "chat", "status": "handled", "longerThanSeconds": seconds}
        return str(self.good("POST", "/desk/dwell-rules", body)["id"])

    def box(self) -> str:
        """A bin."""
        return str(self.good("POST", "/inspector/bins", {"name": "b"})["id"])

    def made_key(self) -> str:
        """A key's id."""
        return str(self.good("POST", "/keys", {"name": "k", "scopes": ["desk:read"]})["id"])

    def sign_on(self, label: str = "Northwind") -> dict[str, Any]:
        """Offer the provider; what was asked for."""
        body = {"issuer": self.provider.issuer, "clientId": CLIENT, "clientSecret": SECRET, "label": label}
        self.good("PUT", "/site/sign-on", body)
        return body

    def version(self, path: str) -> str:
        """The version in a form."""
        found = re.search(r'name="version" value="(\d+)"', self.browser.get(path).text)
        assert found
        return found[1]

    def second_browser(self) -> Browser:
        """The owner signed in once more."""
        found = Browser(self.base_url)
        found.get("/login")
        answer = found.post("/login", {"email": OWNER["email"], "password": OWNER["password"], "return_to": "/webhook"})
        assert answer.status == 303
        found.get("/webhook")
        return found

    def way_back(self) -> str:
        """The address by which somebody who was not invited comes back from the provider."""
        self.sign_on()
        answer = self.browser.get("/login/sso")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        self.provider.challenge = asked["code_challenge"]
        claims = {"iss": self.provider.issuer, "aud": CLIENT, "sub": "x", "nonce": asked["nonce"], "iat": 1, "exp": 9e9}
        self.provider.token = lambda: signed(claims)
        return f"/login/sso/callback?{urlencode({'code': 'c', 'state': asked['state']})}"

    def setup_path(self) -> str:
        """A fresh link."""
        return urlsplit(init(self.data, self.environment)["setupUrl"]).path


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """Everything started."""
    data, port, authority = folder / "data", free_port(), trustme.CA()
    base_url = f"http://127.0.0.1:{port}"
    environment = {"DESKBELL_BASE_URL": base_url, "DESKBELL_ALLOW": "127.0.0.0/8:*"}
    environment["DESKBELL_CA_FILE"] = authority_file(authority, folder)
    key = init(data, environment)["apiKey"]
    process = start(data, port, environment)
    browser = Browser(base_url)
    try:
        with served(authority) as provider:
            made = Bench(base_url, data, environment, key, browser, provider)
            path = made.setup_path()
            browser.get(path)
            assert browser.post(path, dict(OWNER)).status == 303
            browser.get("/webhook")
            yield made
    finally:
        stop(process)
