"""The load of a soak: publishers, a desk with chats, people who look, an admin who pauses, backups."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from faults.load import Line
from faults.process import COMMAND, ENVIRONMENT, Process

EVENTS_EACH_S = 0.05  # of a line
LOOKS = (
    "/deliveries?limit=100", "/deliveries?state=exhausted", "/events?limit=50", "/webhooks", "/site", "/audit",
    "/desk/chats", "/event-types", "/replays",
)  # fmt: skip
PAGES = ("/healthz", "/readyz", "/api/openapi.json", "/docs/problems/not_found", "/login")
AWAY = (OSError, asyncio.IncompleteReadError, TimeoutError, ConnectionError)


class Load:
    """Everything that people and programs do to the process, until told to stop."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.stop = asyncio.Event()
        self.acknowledged: dict[str, set[int]] = {}  # by event type
        self.unknown: set[int] = set()
        self.done: Counter[str] = Counter()
        self._n = 0
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, paused: str) -> None:
        """All of them at once; `paused` is the id of the webhook that an admin pauses now and then."""
        loops = [
            *(self.publish("custom.load") for _ in range(3)),
            *(self.publish("custom.ordered", subject=f"s{n}") for n in range(2)),
            self.publish("custom.hang", every_s=1.0),
            self.publish("custom.gone", every_s=2.0),
            self.publish("custom.few", every_s=0.5),
            self.publish("custom.load", at_once=50, every_s=5.0),
            self.chats(),
            self.look(),
            self.pause(paused),
            self.back_up(),
        ]
        self._tasks = [asyncio.create_task(one) for one in loops]

    async def end(self) -> None:
        """Nothing more is begun. Raises what a loop met that it should not have."""
        self.stop.set()
        await asyncio.gather(*self._tasks)

    async def wait(self, seconds: float) -> None:
        """So long, unless told to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)

    async def publish(
        self, event_type: str, *, subject: str | None = None, at_once: int = 1, every_s: float = EVENTS_EACH_S
    ) -> None:
        """One line of events; what was refused or unknown is said again with the same id."""
        line = Line(self.process)
        while not self.stop.is_set():
            numbers = list(range(self._n, self._n + at_once))
            self._n += at_once
            bodies = [self._body(event_type, n, subject) for n in numbers]
            while not await self._said(line, bodies if at_once > 1 else bodies[0]):
                self.done["said again"] += 1
                await asyncio.sleep(0.1)
            self.acknowledged.setdefault(event_type, set()).update(numbers)
            await self.wait(every_s)
        line.close()

    def _body(self, event_type: str, n: int, subject: str | None) -> dict[str, Any]:
        data: dict[str, Any] = {"n": n, "text": "x" * 400}
        body: dict[str, Any] = {"type": event_type, "data": data, "id": f"own-{n}"}
        if subject is not None:
            data["subject"] = subject
            body["subject"] = {"type": "ticket", "id": subject, "title": subject}
        return body

    async def _said(self, line: Line, body: object) -> bool:
        try:
            await line.open()
            status, _ = await line.post("/events", body)
        except AWAY:
            line.close()
            return False
        assert status in (200, 202, 503), status
        return status < 300

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request; None when the process is away or busy."""
        try:
            answer = await self.process.client.call(method, path, body)
        except (*AWAY, Exception) as error:
            if not isinstance(error, AWAY) and type(error).__module__ != "http.client":
                raise
            return None
        assert answer.status < 500 or answer.status == 503, (method, path, answer.status, answer.body[:300])
        return answer.json if answer.status < 300 and answer.body[:1] in b"{[" else None

    async def chats(self) -> None:
        """A contact asks, an agent joins, both write, it is completed."""
        company = contact = agent = None
        while not self.stop.is_set():
            company = company or await self.ask("POST", "/desk/companies", {"name": "Northwind"})
            if company and not contact:
                about = {"name": "Jason He", "companyId": company["entityId"]}
                contact = await self.ask("POST", "/desk/contacts", about)
            agent = agent or await self.ask("POST", "/desk/agents", {"name": "Ana Ruiz", "email": "ana@desk.example"})
            if contact and agent:
                await self._chat(contact["entityId"], agent["userId"])
            await self.wait(1.0)

    async def _chat(self, contact: Any, agent: Any) -> None:
        chat = await self.ask("POST", "/desk/chats", {"contactId": contact, "type": "request", "name": "Printer"})
        if chat is None:
            return
        where = f"/desk/chats/{chat['id']}"
        await self.ask("POST", f"{where}/join", {"userId": agent})
        await self.ask("POST", f"{where}/messages", {"userId": agent, "text": "Hello"})
        if await self.ask("POST", f"{where}/complete", {"userId": agent}) is not None:
            self.done["chats completed"] += 1
        self.done["chats"] += 1

    async def look(self) -> None:
        """People and programs that read."""
        while not self.stop.is_set():
            for path in (*LOOKS, *PAGES):
                await self.ask("GET", path)
                self.done["looks"] += 1
                await self.wait(0.2)

    async def pause(self, webhook: str) -> None:
        """An admin pauses a webhook for a while, and resumes it."""
        while not self.stop.is_set():
            await self.wait(20)
            if await self.ask("POST", f"/webhooks/{webhook}/pause", {}) is not None:
                self.done["pauses"] += 1
            await self.wait(10)
            await self.ask("POST", f"/webhooks/{webhook}/resume", {})

    async def back_up(self) -> None:
        """A checked copy every two minutes, while everything goes on."""
        file = self.process.data.parent / "copy.db"
        while not self.stop.is_set():
            await self.wait(120)
            if not self.stop.is_set():
                await asyncio.to_thread(back_up, self.process.data, file)
                self.done["backups"] += 1


def back_up(data: Path, file: Path) -> None:
    """`deskbell backup`, which checks its copy."""
    command = [*COMMAND, "backup", str(file), "--data", str(data), "--json", "--force"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] > 0, sys.executable
