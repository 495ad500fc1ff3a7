"""`POST /events`: every row of the corpus about data and idempotency, through the front door."""

import asyncio
from typing import Any

import pytest

from bad_inputs import row_id, rows, spelled
from receiver import Receiver
from rules.test_inputs import data_of
from running import Running


@pytest.mark.parametrize("row", rows("event_data"), ids=row_id)
async def test_event_data(desk: Running, receiver: Receiver, row: dict[str, Any]) -> None:
    """Refused with the right status and nothing stored, or taken and its bytes at the receiver."""
    await desk.webhook(receiver.url, "custom.*")
    keys = row["input"]
    headers = dict(keys.get("headers", {}))
    if "content_type" in keys:
        headers["Content-Type"] = keys["content_type"]
    if "content_encoding" in keys:
        headers["Content-Encoding"] = keys["content_encoding"]
    data = data_of(keys)
    if "chunked_bytes" in keys:
        data = b'"' + b"x" * min(keys["chunked_bytes"], 9_000_000) + b'"'
    body = b'{"type":"custom.case","data":' + (b"1" if data is None else data) + b"}"
    answer = await desk.call("POST", "/events", body, headers=headers)
    stored = (await desk.good("GET", "/events?type=custom.*"))["items"]
    if row["expect"].startswith("http:"):
        assert answer.status == int(row["expect"].removeprefix("http:")), (row["why"], answer.body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["detail"]
        assert stored == []
        assert receiver.received == []
    else:
        assert answer.status == 202, (row["why"], answer.body)
        [request] = await receiver.wait(1)
        assert b'"data":' + (b"1" if data is None else data) + b',"meta":' in request.body


async def publish(desk: Running, once: str, n: int = 1, **more: Any) -> Any:
    """One event under an Idempotency-Key."""
    headers = {"Idempotency-Key": once}
    return await desk.call("POST", "/events", {"type": "custom.x", "data": {"n": n}}, headers=headers, **more)


async def test_same_key_same_answer(desk: Running) -> None:
    """The same key and body get the first answer again; one event is stored."""
    first, second = await publish(desk, "k1"), await publish(desk, "k1")
    assert first.status == second.status == 202
    assert first.body == second.body
    assert len((await desk.good("GET", "/events?type=custom.*"))["items"]) == 1


async def test_same_key_other_body(desk: Running) -> None:
    """The same key with another body is 422."""
    await publish(desk, "k1", 1)
    assert (await publish(desk, "k1", 2)).status == 422


async def test_same_key_of_another_api_key(desk: Running) -> None:
    """Another API key has its own idempotency keys."""
    made = await desk.good("POST", "/keys", {"name": "other", "scopes": ["events:write"]})
    first, second = await publish(desk, "k1"), await publish(desk, "k1", key=made["key"])
    assert first.status == second.status == 202
    assert first.body != second.body


async def test_fifty_at_once(desk: Running) -> None:
    """Fifty at the same moment make one event and get equal answers."""
    answers = await asyncio.gather(*(publish(desk, "k1") for _ in range(50)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body for answer in answers}) == 1
    assert len((await desk.good("GET", "/events?type=custom.*"))["items"]) == 1


GRAMMAR = [row for row in rows("idempotency") if row["class"] in ("grammar", "longest")]


@pytest.mark.parametrize("row", GRAMMAR, ids=row_id)
async def test_key_grammar(desk: Running, row: dict[str, Any]) -> None:
    """A key is visible ASCII of at most 255 characters."""
    key = spelled(row["input"]["key"])
    answer = await publish(desk, key.encode().decode("latin-1"))
    assert answer.status == int(row["expect"].split(" ")[0].removeprefix("http:")), row["why"]


async def test_own_id_again(desk: Running) -> None:
    """An own id with the same content is answered as before; with other content it is 409 and stores nothing."""
    body = {"type": "custom.x", "data": {"n": 1}, "id": "mine"}
    first = await desk.good("POST", "/events", body)
    assert await desk.good("POST", "/events", body) == first
    other = [{"type": "custom.x", "data": 0}, {**body, "data": {"n": 2}}, {"type": "custom.x", "data": 3}]
    answer = await desk.call("POST", "/events", other)
    assert answer.status == 409
    assert len((await desk.good("GET", "/events?type=custom.*"))["items"]) == 1


async def test_loop_is_refused(desk: Running) -> None:
    """A webhook that points back at POST /events goes round once, then 508."""
    answer = await desk.call("POST", "/events", {"type": "custom.x", "data": 1}, headers={"deskbell-hop": "2"})
    assert answer.status == 508
