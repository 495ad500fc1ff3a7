"""Hostile receivers in number: every exchange is answered, and nothing is left behind."""

import asyncio
import os
from itertools import cycle, islice
from typing import Any

from outbound.loopback import send, until
from outbound.scripts import handler_of
from outbound.tls_servers import tls_handler

ROWS: list[dict[str, Any]] = [
    {"accept_then_hang": True},
    {"rst_after_request": True},
    {"infinite_1xx": True},
    {"status": 200, "body_bytes": 1_000_000},
    {"raw": "SSH-2.0-OpenSSH_9.2\r\n"},
    {"raw": "HTTP/1.1 200 OK\r\nX: y\r\n", "close": "fin"},
    {"status": 200, "stall_after_body_bytes": 10, "content_length": 100},
    {"early_response_before_body_read": True, "status": 413},
]


async def test_two_hundred_hostile_exchanges_leave_no_descriptor(receive: Any, make_sender: Any) -> None:
    """After the exchanges and a close, as many files are open as before."""
    receivers = [await receive(handler_of(row)) for row in ROWS]
    silent_tls = await receive(tls_handler("half_server_hello_then_hang"))
    plain = await receive(tls_handler("plain_http_on_443"))
    urls = [f"http://127.0.0.1:{one.port}/" for one in receivers]
    urls += [f"https://127.0.0.1:{silent_tls.port}/", f"https://127.0.0.1:{plain.port}/"]
    sender = make_sender(tls_timeout_s=0.2)
    before = len(os.listdir("/proc/self/fd"))
    body = b"x" * 300_000
    replies = await asyncio.gather(*(send(sender, url, body, total_s=2.0) for url in islice(cycle(urls), 200)))
    assert len(replies) == 200
    assert all((one.status is None) == (one.fault is not None) for one in replies)
    await sender.close()
    for one in [*receivers, silent_tls, plain]:
        await one.close()
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before - len(urls))
