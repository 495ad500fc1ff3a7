"""A Deskbell that runs for a test: the real app on a real port, with a client of its API."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskbell import app, site_setup
from deskbell.config import Config, read_config
from deskbell.server.connections import Turnstile
from deskbell.server.listener import make_server, open_socket

WAIT_S = 10.0


@dataclass
class Answer:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Running:
    """A running Deskbell."""

    house: app.House
    port: int
    key: str
    setup_url: str

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, key: str | None = None
    ) -> Answer:
        """One request to the API; `body` is JSON, or bytes as they are."""
        return await asyncio.to_thread(self._call, method, path, body, headers or {}, self.key if key is None else key)

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str], key: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        credential = {"Authorization": f"Bearer {key}"} if key else {}
        target = path if path.startswith("/") and path.split("/")[1].partition("?")[0] in ROOTS else f"/api/v1{path}"
        try:
            connection.request(method, target, payload, {**credential, "Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=found, body=answer.read())
        finally:
            connection.close()

    async def good(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """As `call`, but it must succeed; answers the JSON."""
        answer = await self.call(method, path, body, **more)
        assert answer.status < 400, (answer.status, answer.body)
        return answer.json if answer.body else None

    async def webhook(self, url: str, *types: str, **more: Any) -> Any:
        """Register a webhook."""
        body = {"description": "test", "receiverUrl": url, "eventTypes": list(types) or ["*"], **more}
        return await self.good("POST", "/webhooks", body)

    async def delivery(self, where: Callable[[Any], bool], **query: str) -> Any:
        """The first delivery that satisfies `where`, as soon as there is one."""
        target = "/deliveries" + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")

        async def look() -> Any:
            items = (await self.good("GET", target))["items"]
            return next((one for one in items if where(one)), None)

        return await until(look)


ROOTS = {"metrics", "api", "schemas", "healthz", "readyz", "docs", "bin", "webhook", "login", "setup"}


async def until(look: Callable[[], Awaitable[Any]], limit_s: float = WAIT_S) -> Any:
    """Ask again until the answer is true; an assertion error after the limit."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    while not (found := await look()):
        assert loop.time() < end, "the condition did not come true in time"
        await asyncio.sleep(0.01)
    return found


def settings(data: Path, port: int, **more: str) -> Config:
    """The configuration of a test: receivers on loopback are allowed."""
    environment = {"DESKBELL_ALLOW": "127.0.0.0/8:*", **more}
    return read_config(environment, data=str(data), port=port)


@asynccontextmanager
async def running(data: Path, *, port: int = 0, msp: str = "desk", **more: str) -> AsyncIterator[Running]:
    """Start, hand out, stop in order."""
    opened = open_socket("127.0.0.1", port)
    number = opened.getsockname()[1]
    house = await app.open_house(settings(data, number, **more))
    made = await site_setup.set_up(house.rooms, msp)
    await house.start()
    server = make_server(
        house.app, turnstile=Turnstile(total_max=1000, per_address_max=1000), drain_s=1, direct=house.direct
    )
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    key_file = data / "test-key"
    if made.api_key is not None:
        key_file.write_text(made.api_key)
    try:
        yield Running(house=house, port=number, key=key_file.read_text(), setup_url=made.setup_url)
    finally:
        server.should_exit = True
        await house.close()
        await serving
