"""The ceiling: the same server, reader, signing and dialler, with no store and no engine behind them."""

import asyncio
import sys
import time

import msgspec
import uvloop
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskbell.config import read_config
from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.ids import SiteId, make_id
from deskbell.model.instant import from_seconds
from deskbell.outbound import AresResolver, GuardedSender
from deskbell.rules.limits import Limits
from deskbell.rules.payload import custom_head, finish_snapshot
from deskbell.rules.signing import SigningKey, new_secret
from deskbell.rules.strict_json import read_publish
from deskbell.server.connections import Turnstile
from deskbell.server.direct import Answer, Headers
from deskbell.server.listener import make_server, open_socket


class Ceiling:
    """Reads, signs, sends, answers: implements `server.direct.Direct`."""

    path = b"/api/v1/events"

    def __init__(self, port: int, url: str) -> None:
        config = read_config({"DESKBELL_ALLOW": "127.0.0.0/8:*"}, port=port)
        self._sender = GuardedSender(resolver=AresResolver(), policy=config.url_policy(), limits=config.limits)
        self._url = url
        self._key = SigningKey(new_secret(b"k" * 32))
        self._limits, self._policy, self._n = Limits(), SendPolicy(), 0

    def mark(self, headers: Headers, server: tuple[str, int | None] | None) -> bool:
        """Every head will do."""
        return True

    def take(self, mark: bool, body: bytes, answer: Answer) -> bool:
        """One publish request."""
        items, _ = read_publish(body, self._limits)
        ids = [self._send(item.type, item.data) for item in items]
        told = msgspec.json.encode({"id": ids[0]})
        answer(
            b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(told), told)
        )
        return True

    def _send(self, event_type: str, data: bytes) -> str:
        self._n += 1
        now = time.time()
        event_id = make_id("evt", unix_ms=int(now * 1000), chance=self._n)
        delivery_id = make_id("dlv", unix_ms=int(now * 1000), chance=self._n)
        head = custom_head("desk", event_id, event_type, data)
        occurred = from_seconds(now)
        snapshot = finish_snapshot(
            head, event_id=event_id, event_type=event_type, sequence=None, occurred_at=occurred, extra={}
        )
        body = b"[" + snapshot + b"]"
        headers = (
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", str(len(body))),
            ("webhook-id", delivery_id),
            ("webhook-timestamp", str(int(now))),
            ("webhook-signature", self._key.v1(delivery_id, int(now), body)),
        )
        self._sender.submit(
            Sendable(site=SiteId("desk"), url=self._url, headers=headers, body=body), self._policy, done
        )
        return event_id


def done(_reply: Reply) -> None:
    """Nothing is kept."""


async def nothing_else(scope: Scope, receive: Receive, send: Send) -> None:
    """Only publishing is served."""
    await Response(status_code=404)(scope, receive, send)


async def main(port: int, url: str) -> None:
    """Serve until killed."""
    opened = open_socket("127.0.0.1", port)
    server = make_server(
        nothing_else, turnstile=Turnstile(total_max=1_000, per_address_max=1_000), drain_s=1, direct=Ceiling(port, url)
    )
    await server.serve(sockets=[opened])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), sys.argv[2]))
