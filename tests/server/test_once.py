"""Idempotency-Key: one request, one effect, one answer."""

import asyncio

import pytest

from server.small import Small

KEY = ("Idempotency-Key", "order-4711")


async def test_the_first_answer_again(small: Small) -> None:
    """Same key and request: status, body and the headers that name what was made; nothing is done twice."""
    key = await small.key("webhooks:write")
    first = await small.ask("POST", "/made", key, KEY, body=b"{}")
    again = await small.ask("POST", "/made", key, KEY, body=b"{}")
    assert (again.status, again.body, again.header("location")) == (201, first.body, first.header("location"))
    assert (first.header("idempotency-replayed"), again.header("idempotency-replayed")) == (None, "true")
    assert again.header("content-type") == "application/json"


async def test_without_a_key_everything_is_new(small: Small) -> None:
    """Only the header makes requests the same."""
    key = await small.key("webhooks:write")
    answers = [await small.ask("POST", "/made", key, body=b"{}") for _ in range(2)]
    assert answers[0].body != answers[1].body


async def test_at_the_same_moment(small: Small) -> None:
    """A double click: one does the work, the others get its answer."""
    key = await small.key("webhooks:write")
    answers = await asyncio.gather(*(small.ask("POST", "/made", key, KEY, body=b"{}") for _ in range(5)))
    assert len({one.body for one in answers}) == 1


@pytest.mark.parametrize(("target", "body"), [("/made", b"[]"), ("/secrets", b"{}"), ("/looks?limit=1", b"{}")])
async def test_another_request_under_the_key(small: Small, target: str, body: bytes) -> None:
    """Another body or path is 422, and nothing is done."""
    key = await small.key("webhooks:write")
    await small.ask("POST", "/made", key, KEY, body=b"{}")
    answer = await small.ask("POST", target, key, KEY, body=body)
    if target.startswith("/looks"):
        assert answer.status == 400  # what changes nothing keeps no key; its own faults come first
        return
    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "idempotency_key")


async def test_keys_are_of_their_maker(small: Small) -> None:
    """Two API keys may use the same text."""
    one, other = await small.key("webhooks:write"), await small.key("webhooks:write")
    first = await small.ask("POST", "/made", one, KEY, body=b"{}")
    assert (await small.ask("POST", "/made", other, KEY, body=b"{}")).body != first.body


async def test_for_a_day(small: Small) -> None:
    """After 24 h the key is new."""
    key = await small.key("webhooks:write")
    first = await small.ask("POST", "/made", key, KEY, body=b"{}")
    small.desk.clock.go(86_399)
    assert (await small.ask("POST", "/made", key, KEY, body=b"{}")).body == first.body
    small.desk.clock.go(1)
    assert (await small.ask("POST", "/made", key, KEY, body=b"{}")).body != first.body


async def test_refusals_are_not_kept(small: Small) -> None:
    """What was refused changed nothing: the same request may succeed the next time."""
    key = await small.key("webhooks:write")
    assert (await small.ask("POST", "/refused", key, KEY, body=b"1")).status == 503
    assert (await small.ask("POST", "/refused", key, KEY, body=b"1")).status == 201


async def test_secrets_are_told_once(small: Small) -> None:
    """An answer with a secret is not stored: 409 says that it was done, and where to look."""
    key = await small.key("webhooks:write")
    first = await small.ask("POST", "/secrets", key, KEY, body=b"{}")
    again = await small.ask("POST", "/secrets", key, KEY, body=b"{}")
    assert (again.status, again.json["code"]) == (409, "answered_with_secret")
    assert str(first.header("location")) in again.json["detail"]
    maker = (await small.desk.store.accounts.keys("dd"))[0].id
    stored = await small.desk.store.events.idempotency("dd", maker, KEY[1])
    assert stored is not None
    assert b"number" not in stored.answer


async def test_what_changes_nothing_is_carried_out(small: Small) -> None:
    """A check or a count is simply made again."""
    key = await small.key("webhooks:write")
    answers = [await small.ask("POST", "/looks", key, KEY, body=b"{}") for _ in range(2)]
    assert answers[0].body != answers[1].body


@pytest.mark.parametrize("text", ["", "x" * 256, "a b", "ä"])
async def test_keys_that_are_none(small: Small, text: str) -> None:
    """1 to 255 visible ASCII characters, else 422."""
    answer = await small.ask("POST", "/made", await small.key("webhooks:write"), ("Idempotency-Key", text), body=b"{}")
    assert answer.status == 422


async def test_a_page_takes_none(small: Small) -> None:
    """GET and PATCH pass the header over."""
    key = await small.key("webhooks:read", "webhooks:write")
    assert (await small.ask("GET", "/things", key, ("Idempotency-Key", "a b"))).status == 200
    assert (await small.ask("PATCH", "/things", key, KEY, body=b"{}")).status == 200
