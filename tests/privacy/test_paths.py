"""A site's own redaction: members by path, in stored answers and in what viewers see, never in what is sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.test_masking import demote, maker
from deskbell.rules.redacting_paths import is_path, mask_paths
from deskbell.rules.redaction import MASK
from receiver import Receiver
from running import running

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("phone", {"phone": "1", "x": {"phone": "2"}}, {"phone": MASK, "x": {"phone": MASK}}),
        ("customer.phone", {"customer": {"phone": "1"}, "phone": "2"}, {"customer": {"phone": MASK}, "phone": "2"}),
        ("items.iban", {"items": [{"iban": "1"}, [{"iban": 2}]]}, {"items": [{"iban": MASK}, [{"iban": MASK}]]}),
        ("*.iban", {"a": {"iban": 1}, "iban": 2}, {"a": {"iban": MASK}, "iban": 2}),
        ("a", {"a": {"deep": [1]}}, {"a": MASK}),
        ("a.b", {"b": {"a": 1}}, {"b": {"a": 1}}),
        ("a", [1, "a"], [1, "a"]),
    ],
)
def test_members_by_path(path: str, value: Any, told: Any) -> None:
    """At any depth, through lists, with any member where a star is."""
    assert json.loads(mask_paths(json.dumps(value).encode(), (path,))) == told


def test_what_is_not_touched_keeps_its_bytes() -> None:
    """No JSON, nothing found, no paths."""
    for body in (b"no json", b'{"a" : 1.50}', b"\xff", b"[" * 100_000):
        assert mask_paths(body, ("b",)) == body
    assert mask_paths(b'{"b" : 1.50}', ()) == b'{"b" : 1.50}'


@given(value=JSON)
def test_no_member_is_left(value: Any) -> None:
    """Whatever the document: no member of that name keeps its value."""

    def members(one: Any) -> list[Any]:
        if isinstance(one, list):
            return [found for each in one for found in members(each)]
        if isinstance(one, dict):
            own = [each for name, each in one.items() if name == "a"]
            return own + [found for each in one.values() for found in members(each)]
        return []

    assert set(map(str, members(json.loads(mask_paths(json.dumps(value).encode(), ("a",)))))) <= {MASK}


def test_which_texts_are_paths() -> None:
    """Names with dots between them."""
    assert all(map(is_path, ("a", "a.b", "*.b", "a.*.b", "größe", "a-b_c")))
    assert not any(map(is_path, ("", ".", "a.", ".a", "a..b", "a b", "*", "a.*", "x" * 65, ".".join("a" * 11))))


async def test_a_site_has_members_masked(tmp_path: Path) -> None:
    """The receiver and an owner get them as they are; stored answers and viewers do not; bad paths are refused."""
    async with Receiver() as receiver, running(tmp_path) as desk:
        refused = await desk.call("PATCH", "/site", {"redact": ["ok.fine", "not ok"]})
        assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/redact/1")
        site = await desk.good("PATCH", "/site", {"redact": ["customer.phone", "note"]})
        assert site["redact"] == ["customer.phone", "note"]
        await desk.webhook(receiver.url, "custom.*")
        box = await desk.good("POST", "/inspector/bins", {"name": "echo"})
        data = {"customer": {"phone": "555-0199"}, "note": "quiet", "open": "readable"}
        answer = {"status": 200, "body": json.dumps({"got": data})}
        await desk.good("PATCH", f"/inspector/bins/{box['id']}", {"steps": [answer]})
        echo = await desk.webhook(box["url"], "custom.*")
        await desk.good("POST", "/events", {"type": "custom.x", "data": data})
        [sent] = await receiver.wait(1)
        assert sent.events[0]["data"] == data
        event = (await desk.good("GET", "/events?type=custom.x"))["items"][0]
        assert event["data"] == data
        delivery = await desk.delivery(lambda one: one["state"] == "delivered", webhook=echo["id"])
        log = (await desk.good("GET", f"/deliveries/{delivery['id']}"))["log"]
        stored = (await desk.good("GET", f"/attempts/{log[0]['id']}"))["response"]["body"]
        assert json.loads(stored)["got"] == {"customer": {"phone": MASK}, "note": MASK, "open": "readable"}
        owner, key = await maker(desk)
        await demote(desk, owner)
        for path in (f"/events/{event['id']}", "/events", f"/attempts/{log[0]['id']}",
                     f"/inspector/bins/{box['id']}/captures"):  # fmt: skip
            told = (await desk.call("GET", path, key=key)).body.decode()
            assert "555-0199" not in told, path
            assert "quiet" not in told, path
            assert "readable" in told, path
        assert (await desk.good("PATCH", "/site", {"redact": None}))["redact"] == []
