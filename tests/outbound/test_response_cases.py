"""Every row of area `response`: a receiver that behaves so, and the outcome it must get."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from deskbell.model.instant import parse_instant
from deskbell.rules.classify import classify_http
from deskbell.rules.limits import Limits
from outbound.loopback import HOST, send
from outbound.scripts import handler_of
from outbound.tls_servers import refusing_without_certificate, tls_handler, tls_server_context

CASES = Path(__file__).parents[1] / "cases" / "badinputs.jsonl"
ROWS = [row for row in map(json.loads, CASES.read_text().splitlines()) if row["area"] == "response"]
NOW = parse_instant("2026-11-23T00:00:00Z")
SLOW = ("accept_then_hang", "drip_headers_ms", "stall_after_body_bytes")


def named(reply: Any) -> str:
    """The outcome in the words of the cases."""
    outcome = classify_http(reply, NOW, Limits())
    kind = outcome.kind.value
    if kind in ("failed", "refused"):
        return f"{kind}:{outcome.name}"
    return f"{kind}:{outcome.wait_s:g}" if kind == "throttled" and outcome.wait_s is not None else kind


@pytest.mark.parametrize("row", [one for one in ROWS if "tls" not in one["input"]], ids=lambda row: row["id"])
async def test_row_gets_its_outcome(row: dict[str, Any], receive: Any, make_sender: Any) -> None:
    """The reply of each scripted receiver is judged as the row says."""
    given = row["input"]
    total_s = 0.3 if any(key in given for key in SLOW) else 10.0
    sender = make_sender(connect_timeout_s=0.2)
    if "refuse" in given or "syn_drop" in given:
        with _unreachable(full="syn_drop" in given) as port:
            reply = await send(sender, f"http://127.0.0.1:{port}/hook")
    else:
        receiver = await receive(handler_of(given))
        body = b"x" * 4_000_000 if "early_response_before_body_read" in given else b"[]"
        reply = await send(sender, f"http://127.0.0.1:{receiver.port}/hook", body, total_s=total_s)
    assert named(reply) == row["expect"]
    assert len(reply.body) <= 65_536
    assert (reply.status is None) == (reply.fault is not None)


class _unreachable:  # noqa: N801 - reads as a phrase
    """A port where nobody listens, or whose queue of connections is full so that SYN packets are dropped."""

    def __init__(self, *, full: bool) -> None:
        self._sockets = [socket.socket()]
        self._full = full

    def __enter__(self) -> int:
        first = self._sockets[0]
        first.bind(("127.0.0.1", 0))
        port: int = first.getsockname()[1]
        if self._full:
            first.listen(0)
            for _ in range(4):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
                self._sockets.append(one)
        return port

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            one.close()


@pytest.mark.parametrize("row", [one for one in ROWS if "tls" in one["input"]], ids=lambda row: row["id"])
async def test_tls_row_gets_its_outcome(row: dict[str, Any], receive: Any, make_sender: Any, authority: Any) -> None:
    """The reply of each broken TLS server is judged as the row says."""
    fault = row["input"]["tls"]
    sender = make_sender(tls_timeout_s=0.3 if "hang" in fault else 5.0)
    context = tls_server_context(fault, authority, HOST)
    if fault == "client_cert_required":
        assert context is not None
        receiver = await receive(refusing_without_certificate(context))
    else:
        receiver = await receive(tls_handler(fault), context)
    reply = await send(sender, f"https://{HOST}:{receiver.port}/hook")
    assert named(reply) == row["expect"]
    if fault == "expired":
        assert reply.text == "the certificate expired on 2026-01-01"
    if fault == "wrong_host":
        assert "other.example.com" in reply.text
