"""The ceiling: the same server, reader, signing and dialler, with no store and no engine behind them."""

import asyncio
import sys
import time

import msgspec
import uvloop
from starlette.requests import Request
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
from deskbell.server.listener import make_server, open_socket


class Ceiling:
    """Reads, signs, sends, answers."""

    def __init__(self, port: int, receiver_port: int) -> None:
        config = read_config({"DESKBELL_ALLOW": "127.0.0.0/8:*"}, port=port)
        self._sender = GuardedSender(resolver=AresResolver(), policy=config.url_policy(), limits=config.limits)
        self._url = f"http://127.0.0.1:{receiver_port}/hook"
        self._key = SigningKey(new_secret(b"k" * 32))
        self._limits, self._policy, self._n = Limits(), SendPolicy(), 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One publish request."""
        items, _ = read_publish(await Request(scope, receive).body(), self._limits)
        ids = [self._send(item.type, item.data) for item in items]
        body = msgspec.json.encode({"id": ids[0]})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": body})

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


async def main(port: int, receiver_port: int) -> None:
    """Serve until killed."""
    opened = open_socket("127.0.0.1", port)
    server = make_server(Ceiling(port, receiver_port), connections_max=1_000, drain_s=1)
    await server.serve(sockets=[opened])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2])))
