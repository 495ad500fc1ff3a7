"""`POST /events` with any bytes: never an error of ours; what is accepted goes out as it came, and reads the same."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amount import examples
from asgi import Answer, ask
from receiver import Receiver
from running import Running, running

PLAIN = settings(max_examples=examples(80), deadline=None, suppress_health_check=list(HealthCheck))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
PIECES = st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\ud83d", b"\\u0000", b"1e400", b"-0", b"1.50", b"NaN", b"true",
     b"\xff", b"\xef\xbb\xbf", b" ", b"\n", b'"type"', b'"data"', b'"custom.a"', b'"id"', b"\xc3\x28", b"0x1", b"01"]
)  # fmt: skip


class Door:
    """A running Deskbell, asked without a network, and a receiver with one."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.desk, self.receiver = self.runner.run(self._stack.enter_async_context(opened(folder)))

    def close(self) -> None:
        """In order."""
        self.runner.run(self._stack.aclose())
        self.runner.close()

    def post(self, body: bytes, *more: tuple[str, str]) -> Answer:
        """One request."""
        headers = [("authorization", f"Bearer {self.desk.key}"), ("content-type", "application/json"), *more]
        host = f"127.0.0.1:{self.desk.port}"
        return self.runner.run(ask(self.desk.house.app, "POST", "/api/v1/events", headers, body, host=host))

    def arrived(self, event_id: str) -> bytes:
        """The payload of an event."""
        mark = event_id.encode()
        (found,) = self.runner.run(self.receiver.wait(1, lambda one: mark in one.body))
        self.receiver.received.clear()
        return found.body


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Running, Receiver]]:
    """With a webhook for everything."""
    async with running(folder) as desk, Receiver() as receiver:
        await desk.webhook(receiver.url, "custom.*")
        yield desk, receiver


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One for all examples."""
    made = Door(tmp_path_factory.mktemp("bytes"))
    yield made
    made.close()


def spelled(value: Any, separators: tuple[str, str], *, ascii_only: bool) -> bytes:
    """A value as JSON, in one of many spellings."""
    text = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")


spellings = st.builds(
    spelled,
    VALUES,
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")]),
    ascii_only=st.booleans(),
)


@PLAIN
@given(st.binary(max_size=200) | st.lists(PIECES, max_size=20).map(b"".join))
def test_any_body(door: Door, body: bytes) -> None:
    """Refused with a reason, or taken."""
    answer = door.post(body)
    assert answer.status == 202 or 400 <= answer.status < 500, answer.body
    assert answer.status == 202 or answer.json["detail"]


@PLAIN
@given(spellings, st.integers(0), PIECES, st.sampled_from(["insert", "cut", "none", "none"]))
def test_any_data(door: Door, data: bytes, place: int, piece: bytes, how: str) -> None:
    """Accepted means that two strict readers agree about it, and that the receiver gets its very bytes."""
    at = place % (len(data) + 1)
    data = {"insert": data[:at] + piece + data[at:], "cut": data[:at], "none": data}[how]
    answer = door.post(b'{"type":"custom.a","data":' + data + b"}")
    if answer.status != 202:
        assert 400 <= answer.status < 500, answer.body
        return
    body = door.arrived(answer.json["id"])
    assert b'"data":' + data.strip(b" \t\r\n") + b',"meta":' in body
    one, other = json.loads(data, parse_constant=refuse, object_pairs_hook=once), msgspec.json.decode(data)
    assert repr(one) == repr(other) or one == other


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different."""
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def refuse(name: str) -> None:
    """No NaN, no Infinity."""
    raise AssertionError(name)
