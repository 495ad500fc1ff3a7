"""Tools of the portal's tests: a real process on a fresh data directory, a browser without script, a page reader."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

T = TypeVar("T")
OWNER = {"name": "Ana Ruiz", "email": "ana@northwind.example", "password": "three ducks cross a river"}
START_S = 30.0
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Answer:
    """One HTTP answer, read."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    text: str


@dataclass
class Browser:
    """A browser without script: cookies, forms, redirects on demand."""

    base_url: str
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        parts = urlsplit(self.base_url)
        line = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        line.request(method, path, body, {**({"Cookie": cookie} if cookie else {}), **headers})
        answer = self._read(line.getresponse())
        line.close()
        return answer

    def _read(self, raw: HTTPResponse) -> Answer:
        for value in raw.headers.get_all("set-cookie") or ():
            name, _, rest = value.partition("=")
            text = rest.split(";", 1)[0].strip('"')
            if "max-age=0" in value.lower() or not text:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = text
        text = raw.read().decode("utf-8", "replace")
        headers = {name.lower(): value for name, value in raw.headers.items()}
        if found := CSRF.search(text):
            self.csrf = found[1]
        return Answer(status=raw.status, headers=headers, cookies=dict(self.cookies), text=text)

    def get(self, path: str, **headers: str) -> Answer:
        """A GET; the last CSRF token of a page is remembered."""
        return self._send("GET", path, None, headers)

    def post(self, path: str, fields: dict[str, object] | None = None, **headers: str) -> Answer:
        """A plain form post of this site's own page."""
        body = urlencode({"csrf": self.csrf, **(fields or {})}, doseq=True)
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.base_url,
            "Sec-Fetch-Site": "same-origin",
            **headers,
        }
        return self._send("POST", path, body, {name: value for name, value in sent.items() if value})

    def follow(self, path: str, fields: dict[str, object] | None = None) -> Answer:
        """A post that must end in 303, and the page after it."""
        answer = self.post(path, fields)
        assert answer.status == 303, (answer.status, answer.text[:600])
        return self.get(answer.headers["location"])


@dataclass(frozen=True)
class DeskApp:
    """The running app."""

    base_url: str
    data: Path
    api_key: str
    setup_url: str
    browser: Browser


class Page(HTMLParser):
    """A parsed page: elements with attributes, texts, ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._quiet = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        """All text of the page."""
        return " ".join(self.texts)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Elements with these attributes; `class_` is one of the classes."""
        found = []
        for name, attributes in self.elements:
            if name == tag and all(_fits(attributes, key, value) for key, value in wanted.items()):
                found.append(attributes)
        return found


def hidden_fields(text: str, action: str) -> dict[str, object]:
    """What the form of this action would post without being touched."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', text, re.DOTALL)
    assert found, f"there is no form that posts to {action}"
    fields: dict[str, object] = {}
    for one in Page(found[0]).all("input", type="hidden"):
        known = fields.get(one["name"])
        fields[one["name"]] = (
            one["value"] if known is None else [*(known if isinstance(known, list) else [known]), one["value"]]
        )
    return fields


def _fits(attributes: dict[str, str], key: str, value: str) -> bool:
    if key == "class_":
        return value in attributes.get("class", "").split()
    return attributes.get(key.replace("_", "-")) == value


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start(data: Path, port: int, environment: dict[str, str], *more: str) -> subprocess.Popen[bytes]:
    """`deskbell serve`, ready."""
    log = (data.parent / "serve.log").open("ab")
    command = [sys.executable, "-m", "deskbell.cli.main", "serve", "--data", str(data), "--port", str(port)]
    command += more
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
    log.close()
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            line = HTTPConnection("127.0.0.1", port, timeout=2)
            line.request("GET", "/readyz")
            if line.getresponse().status == 200:
                return process
        except OSError:
            pass
        finally:
            line.close()
        time.sleep(0.05)
    process.kill()
    raise RuntimeError((data.parent / "serve.log").read_text()[-4000:])


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process that we started."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def init(data: Path, environment: dict[str, str]) -> dict[str, str]:
    """`deskbell init`: the first time with an API key, each time with a fresh link."""
    made = subprocess.run(
        [sys.executable, "-m", "deskbell.cli.main", "init", "--data", str(data), "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        timeout=60,
    )
    told: dict[str, str] = json.loads(made.stdout)
    return told


def run_desk_app(folder: Path) -> Iterator[DeskApp]:
    """A fresh app with its owner signed in."""
    data, port = folder / "data", free_port()
    base_url = f"http://127.0.0.1:{port}"
    environment = {"DESKBELL_BASE_URL": base_url, "DESKBELL_ALLOW_LOOPBACK": "1"}
    api_key = init(data, environment)["apiKey"]
    process = start(data, port, environment)
    try:
        browser = Browser(base_url)
        setup_url = init(data, environment)["setupUrl"]
        path = urlsplit(setup_url).path
        assert browser.get(path).status == 200
        assert browser.post(path, dict(OWNER)).status == 303
        browser.get("/webhook")
        yield DeskApp(
            base_url=base_url,
            data=data,
            api_key=api_key,
            setup_url=setup_url,
            browser=browser,
        )
    finally:
        stop(process)


@dataclass
class Got:
    """One request that the receiver got."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """A receiver in a thread: keeps what came and answers as told."""

    def __init__(self) -> None:
        self.status = 200
        self.answer = b"ok"
        self.got: list[Got] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                body = self.rfile.read(size)
                outer.got.append(Got({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("content-length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/abcdefghijklmnopqrstuvwxyz7Qx2"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def until(look: Callable[[], T], limit_s: float = 10.0) -> T:
    """Look again until the answer is true."""
    end = time.monotonic() + limit_s
    while not (found := look()):
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.02)
    return found


def make_webhook(app: DeskApp, url: str, *types: str, description: str = "Teams · #service-desk") -> str:
    """A webhook made by the form; its id."""
    fields = {
        "offer": "custom",
        "description": description,
        "url": url,
        "types": list(types) or ["ticket.*", "chat.*"],
        "kind": "generic",
        "format": "desk",
        "anyway": "yes",
    }
    app.browser.get("/webhook/new?offer=custom")
    answer = app.browser.post("/webhook/new", fields)
    assert answer.status == 200, answer.text[:800]
    found = re.search(r'<tr class="row open" id="(whk_[0-9A-Z]{26})', answer.text)
    assert found
    return found[1]


def make_contact(app: DeskApp, name: str = "Priya Nair") -> str:
    """A contact's userId."""
    answer = app.browser.follow("/people/contacts", {"name": name})
    found = re.findall(r"<code>(desk~c~\d+)</code>", answer.text)
    assert found
    return str(found[-1])


def make_ticket(app: DeskApp, title: str = "Approve: design licence") -> str:
    """A ticket's id."""
    contact = make_contact(app)
    answer = app.browser.follow("/desk/agent/tickets", {"title": title, "contact": contact})
    found = re.search(r'/desk/agent/tickets/(\d+)/change"', answer.text)
    assert found
    return found[1]


def secrets_in(text: str) -> list[str]:
    """Signing secrets in a page."""
    return re.findall(r"whsec_[A-Za-z0-9+/=]{32,}", text)
