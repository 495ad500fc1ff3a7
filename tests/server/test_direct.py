"""The short way of publishing gives the answers of the long one, whatever pieces a request comes in."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from running import Running, running

BODY = b'{"type":"custom.lamp_on","data":{"n":1}}'


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Running]:
    """The whole app, its key known already: the first request with a key always goes the long way."""
    async with running(tmp_path) as one:
        await one.good("POST", "/events", {"type": "custom.first", "data": 1})
        yield one


class Line:
    """One raw connection."""

    def __init__(self, app: Running, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.app, self.reader, self.writer = app, reader, writer

    def head(self, body: bytes, *more: str) -> bytes:
        """A plain head for this body."""
        lines = [
            "POST /api/v1/events HTTP/1.1",
            f"Host: 127.0.0.1:{self.app.port}",
            f"Authorization: Bearer {self.app.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *more,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
            body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split(" ")[1]), headers, json.loads(body)


@pytest.fixture
async def line(app: Running) -> AsyncIterator[Line]:
    """A connection that stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    yield Line(app, reader, writer)
    writer.close()
    await writer.wait_closed()


@pytest.fixture
def taken(app: Running, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the short way said to each request that it saw whole."""
    seen: list[bool] = []
    real = app.house.direct.take

    def take(*args: Any) -> bool:
        seen.append(real(*args))
        return seen[-1]

    monkeypatch.setattr(app.house.direct, "take", take)
    return seen


async def test_both_ways_answer_with_the_same_headers(line: Line, taken: list[bool]) -> None:
    """An Idempotency-Key is for the long way."""
    line.writer.write(line.head(BODY) + BODY)
    status, short, body = await line.answer()
    line.writer.write(line.head(BODY, "Idempotency-Key: k1") + BODY)
    long_status, long, long_body = await line.answer()
    assert (status, long_status, taken) == (202, 202, [True])
    assert set(body) == set(long_body) == {"id"}
    for one in (short, long):
        assert one.pop("x-request-id").startswith("req_")
        one.pop("date", None)
    assert short == long


async def test_a_body_may_come_in_pieces(line: Line, taken: list[bool]) -> None:
    """Many programs write head and body one after the other."""
    for piece in (line.head(BODY), BODY[:7], BODY[7:]):
        line.writer.write(piece)
        await line.writer.drain()
        await asyncio.sleep(0)
    assert (await line.answer())[0] == 202
    assert taken == [True]


async def test_many_events_at_once(line: Line, taken: list[bool]) -> None:
    """An array gets its ids in order, and each is stored."""
    body = b"[" + b",".join([BODY] * 3) + b"]"
    line.writer.write(line.head(body) + body)
    status, _, answer = await line.answer()
    assert (status, len(answer["ids"]), taken) == (202, 3, [True])
    for event_id in answer["ids"]:
        assert (await line.app.good("GET", f"/events/{event_id}"))["data"] == {"n": 1}


async def test_requests_in_one_piece_are_answered_in_order(line: Line, taken: list[bool]) -> None:
    """A second request behind the first waits for its answer."""
    bad = b'{"type":"chat.created","data":1}'
    line.writer.write(line.head(BODY) + BODY + line.head(bad) + bad + line.head(BODY) + BODY)
    assert [(await line.answer())[0] for _ in range(3)] == [202, 422, 202]
    assert taken == [True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"type":"custom.a"}', 422),
        (b'{"type":"chat.created","data":1}', 422),
        (b'{"type":"custom.a","data":NaN}', 422),
        (b'{"type":"custom.a","data":"' + b"x" * 300_000 + b'"}', 413),
    ],
)
async def test_what_is_wrong_is_explained_by_the_long_way(
    line: Line, taken: list[bool], body: bytes, status: int
) -> None:
    """Nothing was stored, and the connection goes on."""
    line.writer.write(line.head(body) + body)
    got, headers, problem = await line.answer()
    assert (got, headers["content-type"], problem["status"]) == (status, "application/problem+json", status)
    line.writer.write(line.head(BODY) + BODY)
    assert (await line.answer())[0] == 202
    assert not any(taken[:-1])
    assert len((await line.app.good("GET", "/events"))["items"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        ("Host: 127.0.0.1", "Host: other.example"),
        ("Bearer dbk_", "Bearer dbk-"),
        ("application/json", "text/plain"),
        ("Content-Type", "Cookie: deskbell=1\r\nContent-Type"),
        ("Content-Type", "Authorization: Bearer x\r\nContent-Type"),
    ],
)
async def test_an_odd_head_is_refused_by_the_long_way(line: Line, taken: list[bool], change: tuple[str, str]) -> None:
    """The short way does not even look at the body."""
    line.writer.write(line.head(BODY).replace(change[0].encode(), change[1].encode()) + BODY)
    status, _, _ = await line.answer()
    assert 400 <= status < 500
    assert not any(taken)


async def test_an_own_id_is_told_apart_by_the_long_way(line: Line, taken: list[bool]) -> None:
    """The same id with the same content gets the first answer again."""
    body = BODY[:-1] + b',"id":"mine-1"}'
    line.writer.write((line.head(body) + body) * 2)
    first, second = [(await line.answer())[2] for _ in range(2)]
    assert first == second
    assert taken == [False]


async def test_a_revoked_key_is_refused_at_once(line: Line) -> None:
    """The short way knows only keys that are known to be good."""
    keys = (await line.app.good("GET", "/keys"))["items"]
    await line.app.good("DELETE", f"/keys/{keys[0]['id']}")
    line.writer.write(line.head(BODY) + BODY)
    assert (await line.answer())[0] == 401


async def test_a_publisher_that_goes_away_harms_nobody(app: Running, line: Line) -> None:
    """Its event is stored all the same."""
    _, writer = await asyncio.open_connection("127.0.0.1", app.port)
    writer.write(Line(app, line.reader, writer).head(BODY) + BODY)
    await writer.drain()
    writer.transport.abort()
    line.writer.write(line.head(BODY) + BODY)
    assert (await line.answer())[0] == 202
